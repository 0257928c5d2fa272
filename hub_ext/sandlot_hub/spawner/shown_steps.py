"""The steps of a start as the hub's pages draw them.

An open page draws the events that come after in the same way (`static/steps.js`); a table
that the tests of both read keeps the two alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .progress import KnownStep

State = Literal["done", "now", "failed", "waiting"]


class ShownStep(NamedTuple):
    """A step as it stands."""

    step: str
    state: State
    text: str
    """What was told of it last, else what it is."""
    began: float | None
    """Seconds of the start at which it began; None when it has not."""
    ended: float | None
    """Seconds of the start at which it was behind; None when it is not."""


def shown_steps(
    known: Sequence[KnownStep], told: Sequence[Mapping[str, Any]], *, failed: bool = False
) -> list[ShownStep]:
    """Return how the steps of a start stand.

    Parameters
    ----------
    known
        The steps that such a start has.
    told
        The events of the start so far, see `StartStory.told`.
    failed
        Whether the start is over: then it failed in the step that was told last.
    """
    texts: dict[str, str] = {each.step: each.text for each in known}
    events = [event for event in told if event.get("step")]
    # One that is not known comes after the known.
    texts.update({event["step"]: "" for event in events if event["step"] not in texts})
    names = list(texts)
    position = names.index(events[-1]["step"]) if events else 0 if failed else -1
    return [
        _shown(
            name,
            [event for event in events if event["step"] == name],
            text=texts[name],
            state=_state(index - position, events, failed=failed),
            ended=_left(events, name),
        )
        for index, name in enumerate(names)
    ]


def _state(distance: int, events: Sequence[Mapping[str, Any]], *, failed: bool) -> State:
    """Return how a step stands that is so far behind the present one."""
    if distance:
        return "done" if distance < 0 else "waiting"
    state: State = "failed" if failed else events[-1]["state"]
    return state


def _shown(
    name: str,
    own: Sequence[Mapping[str, Any]],
    *,
    text: str,
    state: State,
    ended: float | None,
) -> ShownStep:
    return ShownStep(
        step=name,
        state=state,
        text=own[-1]["message"] if own else text,
        began=own[0]["seconds"] if own else None,
        ended=ended if own and state == "done" else None,
    )


def _left(events: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return when a step was behind; None when it is not."""
    told = [number for number, event in enumerate(events) if event["step"] == name]
    if not told:
        return None
    if events[told[-1]]["state"] == "done":
        seconds: float = events[told[-1]]["seconds"]
        return seconds
    # Left without a word: it lasted until the next one began.
    after = events[told[-1] + 1 :]
    return after[0]["seconds"] if after else None
