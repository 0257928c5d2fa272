"""Build images as the supervisor does, in a process of its own: ``build_images FOLDER NAME…``.

Own, because a supervisor ends every child that it did not start. Prints one JSON
object, by image: its state, its detail, and where its environment is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.local.image_build import BuildKit, Workshop
from sandlot_hub.local.image_definitions import images_folder, read_definitions, running_python
from sandlot_hub.local.image_store import ImageStore
from sandlot_hub.local.images import ImageBuilder
from sandlot_hub.local.leftovers import Leftovers
from sandlot_hub.local.processes import Identity, Launcher
from sandlot_hub.local.server_wheel import build_server_wheel

BUILDER = 499_999
"""A uid of the windows that stacks take blocks from, in the rest that makes up no block."""


class Stderr:
    """Passes on what builds write."""

    def write(self, chunk: bytes) -> None:
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()


def image_builder(folder: Path, registry: Path) -> ImageBuilder:
    """Return a builder for `folder`, with an own uid when this is root."""
    own_uid = os.geteuid() == 0
    uid = BUILDER if own_uid else os.geteuid()
    store = ImageStore(folder=folder, builder=Identity(uid=uid, gid=uid), own_uid=own_uid)
    python, wheel = running_python(), build_server_wheel()
    kit = BuildKit(uv=Path(sys.executable).with_name("uv"), python=python, wheel=wheel)
    launcher = Launcher(leftovers=Leftovers(registry))
    return ImageBuilder(
        definitions=read_definitions(images_folder(), python=python, wheel=wheel),
        store=store,
        workshop=Workshop(runner=launcher, store=store, kit=kit, environment=os.environ),
        log=Stderr(),
        clock=SystemClock(),
        changed=lambda: None,
    )


async def main(folder: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as registry:
        builder = image_builder(folder, Path(registry))
        builder.want(names)
        await builder.settled()
        found = {
            name: {**state.model_dump(), "path": str(builder.environment(name))}
            for name, state in builder.states().items()
        }
        await builder.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
