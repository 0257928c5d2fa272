"""What happens while a server starts, told to everybody who watches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

Step = Literal["allowed", "place", "image", "process", "answer"]
"""The steps of a start. Where servers run decides which of them there are."""

_PROGRESS: dict[Step, int] = {"allowed": 10, "place": 20, "image": 40, "process": 30, "answer": 80}
"""Per cent of a start that are behind when a step begins; the times differ too much for more."""


class KnownStep(NamedTuple):
    """A line of the progress page."""

    step: Step
    text: str
    """What people read until something of it is told."""


LOCAL_STEPS = (
    KnownStep("allowed", "Checking what you may start"),
    KnownStep("process", "Starting the server"),
    KnownStep("answer", "Waiting for JupyterLab to answer"),
)
"""The steps of a start on one machine, in their order."""


class Failure(Protocol):
    """The part of our exceptions that is told."""

    code: str
    jupyterhub_message: str
    jupyterhub_html_message: str


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
        self.failure = ""
        """Why the start failed, one sentence; empty when it did not."""

    @property
    def told(self) -> tuple[dict[str, Any], ...]:
        """The events so far."""
        return tuple(dict(event) for event in self._events)

    @property
    def seconds(self) -> float:
        """How long ago the start began; 0 before it does."""
        return 0.0 if self._began is None else self._monotonic() - self._began

    def begin(self) -> None:
        """Begin a start, and count the time from now on; what an earlier one told is gone."""
        self._began = self._monotonic()
        self._events.clear()
        self._ended = False
        self.failure = ""

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
        self._add(event)

    def fail(self, failure: Failure, *, details: tuple[str, ...] = ()) -> None:
        """Add why the start failed or was refused, and end.

        Parameters
        ----------
        failure
            What is raised, and so told everywhere else too.
        details
            Lines that help to find the cause.
        """
        event = {
            "message": failure.jupyterhub_message,
            # Where the start was: the page puts the sentence in the place of that step.
            "step": self._events[-1]["step"] if self._events else "allowed",
            "html_message": failure.jupyterhub_html_message,
            "state": "failed",
            "code": failure.code,
            "details": list(details),
        }
        self._add(event)
        self.failure = failure.jupyterhub_message
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

    def _add(self, event: dict[str, Any]) -> None:
        self._events.append({**event, "seconds": round(self.seconds, 1)})
        self._wake()

    def _wake(self) -> None:
        # A new event for the next wait: one that is set and cleared could be missed by a
        # reader that is busy sending just then.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
