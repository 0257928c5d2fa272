"""The local environments of a stack's images: those that the settings name, by slug."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.adapters.clock import SystemClock

from .image_build import BuildKit, Workshop
from .image_definitions import images_folder, read_definitions, running_python
from .image_store import ImageStore, UntrustedStoreError
from .images import ImageBuilder
from .logs import RotatingLog
from .server_wheel import ServerWheelError, build_server_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandlot_hub.domain.settings.model import SandlotSettings

    from .foundation import Foundation

log = logging.getLogger(__name__)

_NOT_YET = LocalImage(state="queued", detail="Sandlot is still starting.")


class StackImages:
    """Knows which image needs which environment, and has them built.

    Parameters
    ----------
    foundation
        What the stack stands on.
    changed
        Called when an image stands otherwise than before.
    """

    def __init__(self, *, foundation: Foundation, changed: Callable[[], None]) -> None:
        self._foundation = foundation
        self._changed = changed
        self._builder: ImageBuilder | None = None
        self._failure: LocalImage | None = None

    async def want(self, settings: SandlotSettings) -> None:
        """Make the environments of these settings ready, in the background."""
        try:
            if self._builder is None:
                self._builder = await asyncio.to_thread(_builder, self._foundation, self._changed)
            self._builder.want(_names(settings).values())
        except (ServerWheelError, UntrustedStoreError, OSError) as error:
            log.exception("images cannot be built")
            detail = f"Images cannot be built on this machine: {error}"
            self._failure = LocalImage(state="failed", detail=detail)

    def states(self, settings: SandlotSettings) -> dict[str, LocalImage]:
        """Return how every image stands that has a local environment, by slug."""
        known = {} if self._builder is None else self._builder.states()
        unknown = self._failure or _NOT_YET
        return {slug: known.get(name, unknown) for slug, name in _names(settings).items()}

    def environment(self, name: str) -> Path | None:
        """Return the folder of a ready environment; None while it cannot be used."""
        return None if self._builder is None else self._builder.environment(name)

    async def close(self) -> None:
        """End a build that runs."""
        if self._builder is not None:
            await self._builder.close()


def _names(settings: SandlotSettings) -> Mapping[str, str]:
    images = settings.images.items()
    return {slug: image.local for slug, image in images if image.local is not None}


def _builder(foundation: Foundation, changed: Callable[[], None]) -> ImageBuilder:
    """Read what images are made of; it takes a moment, and is done in a thread."""
    python, wheel = running_python(), build_server_wheel()
    store = ImageStore(
        folder=foundation.images_dir,
        builder=foundation.who.images,
        own_uid=foundation.own_uids,
    )
    kit = BuildKit(uv=_find_uv(), python=python, wheel=wheel)
    return ImageBuilder(
        definitions=read_definitions(images_folder(), python=python, wheel=wheel),
        store=store,
        workshop=Workshop(runner=foundation.launcher, store=store, kit=kit, environment=os.environ),
        log=RotatingLog(foundation.directory.log_file("images")),
        clock=SystemClock(),
        changed=changed,
    )


def _find_uv() -> Path:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        message = "uv is missing; install Sandlot with its extra: pip install 'sandlot[local]'"
        raise FileNotFoundError(message)
    return Path(found)
