"""Makes the local environments of images ready in the background, and says how far each is."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_contracts.images import NO_CONTENTS, ImageContents
from sandlot_contracts.supervisor import LocalImage

from .image_build import BuildError
from .image_contents import built_at
from .image_progress import BuildOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from sandlot_hub.domain.values.ports import Clock

    from .image_build import Workshop
    from .image_definitions import ImageDefinition
    from .image_store import Claim, ImageStore
    from .logs import Sink

_POLL_S = 1.0
"""How often to look whether another supervisor has finished a build."""
_SPARE = 2
"""How many environments of an image stay, the one in use included; older ones are removed."""

_QUEUED = LocalImage(state="queued", detail="It is not built on this machine yet.")
_ELSEWHERE = LocalImage(state="building", detail="Another Sandlot on this machine is building it.")


@dataclass(slots=True, kw_only=True)
class _Image:
    state: LocalImage
    claim: Claim | None = None
    measured: bool = False
    """Whether somebody has measured its environment, or tried to."""
    contents: ImageContents = NO_CONTENTS
    output: BuildOutput | None = None
    """Set while it is being built here."""

    def view(self) -> LocalImage:
        if self.output is None:
            return self.state.model_copy(update={"contents": self.contents})
        progress = self.output.progress
        return LocalImage(
            state="building",
            detail=progress.sentence,
            progress=progress.fraction,
            contents=self.contents,
        )


class ImageBuilder:
    """Makes environments ready, one after another, in the order in which they are wanted.

    Parameters
    ----------
    definitions
        The images that can be built, by name.
    store
        Where environments lie.
    workshop
        How they are built.
    log
        Takes everything that builds write.
    changed
        Called when an image stands otherwise than before.
    """

    def __init__(  # noqa: PLR0913 (what it works with, injected)
        self,
        *,
        definitions: Mapping[str, ImageDefinition],
        store: ImageStore,
        workshop: Workshop,
        log: Sink,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._definitions = definitions
        self._store = store
        self._workshop = workshop
        self._log = log
        self._clock = clock
        self._changed = changed
        self._images: dict[str, _Image] = {}
        self._queue: deque[str] = deque()
        self._task: asyncio.Task[None] | None = None

    def want(self, names: Iterable[str]) -> None:
        """Make these images ready: at once when they are built, else in the background.

        Called at every start and restart of the hub; an image whose build failed is
        then tried again. What was wanted before stays ready: servers may run from it.

        Raises
        ------
        OSError
            If the folder of environments cannot be written.
        """
        self._store.prepare()
        for name in dict.fromkeys(names):
            image = self._images.get(name)
            if image is None or image.view().state in {"failed", "missing"}:
                self._look_at(name)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        self._changed()

    def states(self) -> dict[str, LocalImage]:
        """Return how every wanted image stands, by name."""
        return {name: image.view() for name, image in self._images.items()}

    def environment(self, name: str) -> Path | None:
        """Return the folder of a ready environment; None while it cannot be used."""
        image = self._images.get(name)
        if image is None or image.claim is None:
            return None
        return self._store.path(image.claim.slot)

    async def settled(self) -> None:
        """Wait until everything that is wanted by now is ready or has failed."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """End a build that runs, and let go of all environments."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for image in self._images.values():
            if image.claim is not None:
                self._store.release(image.claim)
        self._images.clear()

    def _look_at(self, name: str) -> None:
        definition = self._definitions.get(name)
        if definition is None:
            detail = f"There is no image folder “{name}” with a requirements.lock on this machine."
            self._images[name] = _Image(state=LocalImage(state="missing", detail=detail))
            return
        claim = self._store.claim(definition.slot)
        if claim is not None and claim.whole:
            self._images[name] = self._ready(name, claim)
            return
        if claim is not None:
            self._store.release(claim)
        state = _ELSEWHERE if claim is None else _QUEUED
        self._images[name] = _Image(state=state, contents=_planned(definition))
        self._queue.append(name)

    async def _work(self) -> None:
        # Again and again, because more may be wanted while sizes are measured or old environments
        # removed, and nothing may come between the last look and the end of the task.
        while self._queue or self._unmeasured():
            building = bool(self._queue)
            while self._queue:
                await self._take(self._queue.popleft())
            await self._measure()
            if building:
                await self._prune()

    async def _take(self, name: str) -> None:
        try:
            claim = await self._make_ready(self._images[name], self._definitions[name])
            self._images[name] = self._ready(name, claim)
        except (BuildError, OSError) as error:
            self._say(f"image {name} could not be built: {error}")
            detail = f"It could not be built on this machine. {error}"
            contents = _planned(self._definitions[name])
            failed = LocalImage(state="failed", detail=detail)
            self._images[name] = _Image(state=failed, contents=contents)
        self._changed()

    async def _make_ready(self, image: _Image, definition: ImageDefinition) -> Claim:
        while (claim := self._store.claim(definition.slot)) is None:
            image.state = _ELSEWHERE
            await asyncio.sleep(_POLL_S)
        if claim.whole:
            return claim
        image.output = BuildOutput(log=self._log)
        self._changed()
        try:
            await self._build(definition, claim, image.output)
        except asyncio.CancelledError:
            # The supervisor stops, and somebody waits for that: removing ten thousand files
            # takes up to a minute on some disks. The next build of this slot begins with it.
            self._store.release(claim)
            raise
        except BaseException:
            # Half an environment would only fill the disk.
            self._store.discard(claim)
            self._store.release(claim)
            raise
        finally:
            image.output = None
        return claim

    async def _build(self, definition: ImageDefinition, claim: Claim, output: BuildOutput) -> None:
        started = self._clock.monotonic()
        self._say(f"image {definition.name}: building {self._store.path(claim.slot)}")
        await self._workshop.build(definition, claim, output)
        seconds = round(self._clock.monotonic() - started, 1)
        note = {"built": self._clock.now().isoformat(), "seconds": seconds}
        await asyncio.to_thread(self._store.finish, claim, json.dumps(note).encode())
        self._say(f"image {definition.name}: ready after {seconds} s")

    def _unmeasured(self) -> list[tuple[_Image, Claim]]:
        images = self._images.values()
        return [(each, each.claim) for each in images if each.claim and not each.measured]

    async def _measure(self) -> None:
        """Find out how large environments are; nobody waits for it."""
        for image, claim in self._unmeasured():
            image.measured = True
            try:
                size = await asyncio.to_thread(self._store.measure, claim)
            except OSError as error:
                self._say(f"the size of {claim.slot} is not known: {error}")
                continue
            image.contents = image.contents.model_copy(update={"size_bytes": size})
            self._changed()

    def _ready(self, name: str, claim: Claim) -> _Image:
        size = self._store.size(claim)
        contents = ImageContents(
            packages=self._definitions[name].packages,
            size_bytes=size,
            built_at=built_at(self._store.note(claim)),
        )
        state = LocalImage(state="ready", progress=1.0)
        return _Image(state=state, claim=claim, contents=contents, measured=size is not None)

    async def _prune(self) -> None:
        for slot in await asyncio.to_thread(self._store.prune, spare=_SPARE):
            self._say(f"removed the unused environment {slot}")

    def _say(self, sentence: str) -> None:
        self._log.write(f"[sandlot] {sentence}\n".encode())


def _planned(definition: ImageDefinition) -> ImageContents:
    return ImageContents(packages=definition.packages)
