"""What happens while a server starts, told to everybody who watches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

Step = Literal["allowed", "process", "answer"]
"""The steps of a start, in their order; the progress page has a line for each."""

_PROGRESS: dict[Step, int] = {"allowed": 10, "process": 30, "answer": 80}
"""Per cent of a start that are behind when a step begins; the times differ too much for more."""


class StartStory:
    """The events of one start, from its beginning, for any number of readers.

    Parameters
    ----------
    monotonic
        Seconds that never go back.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began: float | None = None
        self._events: list[dict[str, Any]] = []
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def seconds(self) -> float:
        """How long ago the start began; 0 before it does."""
        return 0.0 if self._began is None else self._monotonic() - self._began

    def begin(self) -> None:
        """Count the time from now on."""
        self._began = self._monotonic()

    def tell(self, step: Step, message: str, *, done: bool = False) -> None:
        """Add what happens now, or what is done.

        Parameters
        ----------
        step
            The step that the event belongs to.
        message
            One plain-text sentence for people.
        done
            Whether the step is behind; if not, it is what is being waited for.
        """
        event = {
            "progress": _PROGRESS[step],
            "message": message,
            "step": step,
            "state": "done" if done else "now",
        }
        self._events.append(event)
        self._wake()

    def fail(self, message: str, *, code: str, details: tuple[str, ...] = ()) -> None:
        """Add why the start failed, and end.

        Parameters
        ----------
        message
            The sentence that is told everywhere else too.
        code
            Its stable code.
        details
            Lines that help to find the cause.
        """
        event = {"message": message, "state": "failed", "code": code, "details": list(details)}
        self._events.append(event)
        self.end()

    def end(self) -> None:
        """Let the readers go: nothing more will be told."""
        self._ended = True
        self._wake()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield all events, those of the past first, until the story ends."""
        position = 0
        while True:
            while position < len(self._events):
                # A copy, because the hub takes keys out of what it sends.
                yield dict(self._events[position])
                position += 1
            if self._ended:
                return
            await self._changed.wait()

    def _wake(self) -> None:
        # A new event for the next wait: one that is set and cleared could be missed by a
        # reader that is busy sending just then.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
