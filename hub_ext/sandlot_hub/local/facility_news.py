"""The version of what this machine can do, and who waits for the next one.

What can be done is looked up anew for every question; it has another version exactly when the
answer is another one. So no change can be forgotten: whoever tells of one here only makes the
answer quicker, and what nobody tells of is found within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.supervisor import LocalFacilities, LocalImage

_LOOK_S = 1.0
"""How often those who wait look for what nobody has told of, such as the progress of a build."""
_WAITING_MAXIMUM = 100
"""How many may wait, since each of them looks. A hub and its services are a handful."""


class FacilityNews:
    """Numbers what is looked up, and lets others wait for the next number.

    Parameters
    ----------
    first
        The first version. Of every supervisor another one, so that nobody takes the answer of
        the next for the one that they have.
    monotonic
        Seconds that never go back.
    """

    def __init__(self, *, first: int, monotonic: Callable[[], float]) -> None:
        self._version = first
        self._monotonic = monotonic
        self._last: LocalFacilities | None = None
        self._changed_at = float("-inf")
        self._told = asyncio.Event()
        self._waiting = 0
        self._closed = False

    def tell(self) -> None:
        """Have those who wait look at once."""
        # Whoever waits holds the old event; the next to wait gets one that is not set.
        self._told.set()
        self._told = asyncio.Event()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self.tell()

    def number(self, found: LocalFacilities) -> LocalFacilities:
        """Return what was found with its version.

        While only the progress of builds goes on, that is for a second the answer of before.
        """
        last, now = self._last, self._monotonic()
        found = found.model_copy(update={"version": self._version})
        if last is not None and (
            found == last or (now - self._changed_at < _LOOK_S and _rest(found) == _rest(last))
        ):
            return last
        if last is not None:
            self._version += 1
            found = found.model_copy(update={"version": self._version})
        self._last, self._changed_at = found, now
        return found

    async def after(
        self,
        version: int,
        look: Callable[[], LocalFacilities],
        *,
        wait_s: float,
        gone: Callable[[], bool],
    ) -> LocalFacilities:
        """Return what `look` finds when its version is another one, at the latest after `wait_s`.

        When very many wait already, the answer does not.

        Parameters
        ----------
        version
            What the one who asks has.
        look
            Returns what this machine can do, numbered.
        gone
            Whether nobody waits for the answer any more.
        """
        latest = self._monotonic() + wait_s
        while True:
            # Before looking: what changes in between is told to this event.
            told = self._told
            found = look()
            left = latest - self._monotonic()
            if found.version != version or left <= 0 or self._may_not_wait() or gone():
                return found
            await self._wait_for(told, min(left, _LOOK_S))

    def _may_not_wait(self) -> bool:
        return self._closed or self._waiting >= _WAITING_MAXIMUM

    async def _wait_for(self, told: asyncio.Event, seconds: float) -> None:
        self._waiting += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await told.wait()
        finally:
            self._waiting -= 1


def _rest(facilities: LocalFacilities) -> LocalFacilities:
    """Return everything but how far builds are."""
    images = {slug: _image_rest(image) for slug, image in facilities.images.items()}
    return facilities.model_copy(update={"images": images, "version": 0})


def _image_rest(image: LocalImage) -> LocalImage:
    if image.state != "building":
        return image
    return image.model_copy(update={"detail": "", "progress": 0.0})
