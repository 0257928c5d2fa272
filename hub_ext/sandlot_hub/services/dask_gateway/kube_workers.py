"""How many workers one cluster has, and what is to be done about the difference to what it wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandlot_hub.domain.dask.verdict import judge_pod
from sandlot_hub.domain.pods.documents import items, part, text
from sandlot_hub.domain.pods.outcomes import Failed, Waiting, WaitReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandlot_hub.domain.pods.documents import Document, StartSubject

_FAILURES = 3
"""Workers in a row that end before any works, after which a cluster is given up."""
SEEN_AFTER_S = 30.0
"""A pod that was made and is not seen for so long, in seconds, is gone."""
_ORDINARY = frozenset({WaitReason.ANSWER, WaitReason.PREPARING, WaitReason.PLACING})
"""Waits of the first seconds, which nobody has to be told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """What is to be done about the workers of a cluster."""

    create: int
    remove: tuple[str, ...]
    """Pods that have ended, and those that nobody needs any more."""
    ended: Mapping[str, Failed] = field(default_factory=dict)
    """Those that failed, and why; each is told once."""
    gives_up: bool = False
    waits: str = ""
    """What one of them waits for."""


class Workers:
    """Counts the workers of one cluster.

    Parameters
    ----------
    subject
        What they are, in the words of people.
    """

    def __init__(self, *, subject: StartSubject) -> None:
        self._subject = subject
        self._made: dict[str, float] = {}
        """Pods that were made and are not seen yet: they count, or they would be made twice."""
        self._told: set[str] = set()
        self._failures = 0
        self._worked = 0

    @property
    def unseen(self) -> int:
        """How many were made and are not seen yet."""
        return len(self._made)

    def made(self, name: str, *, now: float) -> None:
        """Take note of a pod that was made, and is not seen yet."""
        self._made[name] = now

    def seen(self, name: str) -> None:
        """Take note of a pod that is seen."""
        self._made.pop(name, None)

    def plan(self, pods: Sequence[Document], *, wanted: int, worked: int, now: float) -> Todo:
        """Return what is to be done.

        Parameters
        ----------
        pods
            The workers, those that have ended and those that end included.
        wanted
            How many there should be.
        worked
            How many have ever worked, as the scheduler says.
        now
            Seconds, by a clock that never goes back.
        """
        # One that was there and gone between two looks is never seen.
        self._made = {name: at for name, at in self._made.items() if now - at < SEEN_AFTER_S}
        if worked > self._worked:
            self._worked, self._failures = worked, 0
        over: list[str] = []
        ended: dict[str, Failed] = {}
        alive: list[Document] = []
        waits = ""
        for pod in pods:
            name = text(pod, "metadata", "name")
            verdict = judge_pod(pod, self._subject)
            if text(pod, "status", "phase") == "Succeeded":
                over.append(name)
            elif isinstance(verdict, Failed):
                over.append(name)
                if name not in self._told:
                    ended[name] = verdict
            else:
                alive.append(pod)
                if isinstance(verdict, Waiting) and verdict.reason not in _ORDINARY:
                    waits = verdict.sentence
        self._told = {name for name in (*self._told, *ended) if name in over}
        self._failures += len(ended)
        stays = [pod for pod in alive if not text(pod, "metadata", "deletionTimestamp")]
        surplus = max(0, len(stays) + self.unseen - wanted)
        # Of those that work the scheduler chooses who goes: it knows what they hold.
        waiting = [text(pod, "metadata", "name") for pod in stays if not _runs(pod)]
        return Todo(
            # What still ends uses its memory: only what is gone gives way.
            create=max(0, wanted - len(alive) - len(over) - self.unseen),
            remove=(*over, *waiting[:surplus]),
            ended=ended,
            gives_up=self._failures >= _FAILURES,
            waits=waits,
        )


def _runs(pod: Document) -> bool:
    states = (part(each, "state", "running") for each in items(pod, "status", "containerStatuses"))
    return any(states)
