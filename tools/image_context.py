"""Make the folders that container images are built from: ``tools/image_context.py [NAME…]``.

Each holds an image's Dockerfile with all that it needs, and nothing else of the checkout: the lock,
Sandlot's part for users' servers, and the files that environments on one machine get as well, from
the same code. ``docker build FOLDER`` needs no more than what it names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.local.image_definitions import (
    LOCK,
    ImageDefinition,
    images_folder,
    read_definitions,
    running_python,
)
from sandlot_hub.local.server_wheel import ServerWheel, ServerWheelError, build_server_wheel

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
CONTEXTS = ROOT / "dist/images"
DOCKERFILE = "Dockerfile"
SERVER = "server.txt"
VERIFY = "verify"


class ContextError(Exception):
    """A folder cannot be made; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Make the folders of the images that `arguments` name, of all without; return the exit code."""
    parser = argparse.ArgumentParser(prog="tools/image_context.py")
    parser.add_argument("names", metavar="NAME", nargs="*", help="an image; all without")
    parser.add_argument("--to", type=Path, default=CONTEXTS, help="where (dist/images)")
    asked = parser.parse_args(arguments)
    try:
        made = make_contexts(asked.to, asked.names, wheel=build_server_wheel())
    except (ContextError, ServerWheelError) as error:
        print(f"Sandlot: {error}", file=sys.stderr)
        return 1
    for folder in made:
        print(f"docker build --tag sandlot-{folder.name} {os.path.relpath(folder)}")
    return 0


def make_contexts(target: Path, names: Sequence[str] = (), *, wheel: ServerWheel) -> list[Path]:
    """Return a folder for each image, made below `target`; one that is there is made again.

    Parameters
    ----------
    target
        Where they are made.
    names
        Of the images; all when empty.
    wheel
        Sandlot's part for users' servers.

    Raises
    ------
    ContextError
        If there is no such image, or the Lab extension was never built.
    """
    if not wheel.has_labextension:
        message = "the Lab extension is not built; `make install` does that"
        raise ContextError(message)
    source = images_folder()
    definitions = read_definitions(source, python=running_python(), wheel=wheel)
    if unknown := [name for name in names if name not in definitions]:
        message = f"no image is called {unknown[0]}; there are {', '.join(definitions)}"
        raise ContextError(message)
    wanted = names or list(definitions)
    return [_make(target / name, source, definitions[name], wheel) for name in wanted]


def _make(folder: Path, source: Path, definition: ImageDefinition, wheel: ServerWheel) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    own = source / definition.name
    lock = (own / LOCK).read_bytes()
    files = {
        DOCKERFILE: (own / DOCKERFILE).read_bytes(),
        LOCK: lock,
        SERVER: definition.requirements.removeprefix(lock).strip() + b"\n",
        wheel.filename: wheel.content,
        **{_place(path): content for path, content in definition.files.items()},
        **{
            f"{VERIFY}/{path.parent.name}/{path.name}": path.read_bytes()
            for path in source.glob(f"*/{VERIFY}")
        },
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if path.name == VERIFY else 0o644)
    return folder


def _place(path: Path) -> str:
    """Return where a file of an environment lies until the image's Python says where it goes."""
    packages = running_python().site_packages
    if path.is_relative_to(packages):
        return f"site/{path.relative_to(packages).as_posix()}"
    return f"overlay/{path.as_posix()}"


if __name__ == "__main__":
    # What is made here is read by whoever runs the image, whatever the caller's umask.
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
