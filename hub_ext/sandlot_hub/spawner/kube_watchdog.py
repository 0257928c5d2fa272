"""Looks at a start while KubeSpawner waits for it, tells why it waits, and ends what cannot work.

KubeSpawner's own wait ends when the server is ready, or with a bare timeout. This one reads
what KubeSpawner's watches hold anyway; it asks the cluster itself only about claims, and about a
pod that seems to be gone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from sandlot_hub.domain.pods.documents import NOBODY, OthersWaiting, StartSubject, StartView, text
from sandlot_hub.domain.pods.outcomes import Failed, Waiting, WaitReason
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.domain.pods.verdict import StartJudge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.settings.cluster import StartPatience

LOOK_S = 0.5
"""Seconds between two looks: a reason is told at most that long after the hub knows it."""
_CLAIM_REASONS = frozenset({WaitReason.VOLUME, WaitReason.CLAIM_GONE})
_CLAIMS_S = 5.0
"""Seconds between two questions about claims."""


class Surroundings(Protocol):
    """What the watchdog sees and does. The spawner is it."""

    def pod(self) -> Document | None:
        """Return the server's pod as it was seen last; None when there is none."""
        ...

    def gone_pod(self) -> Document | None:
        """Return the server's pod as it was before it went away; None when it did not."""
        ...

    def earlier_ends(self) -> bool:
        """Return whether a pod of an earlier start has the name, and is to end."""
        ...

    async def is_there(self) -> bool:
        """Return whether the cluster itself has the server's pod, whatever was seen."""
        ...

    def events(self) -> Sequence[Document]:
        """Return the events about the pod that were seen."""
        ...

    def answers(self) -> bool:
        """Return whether the server has answered."""
        ...

    async def claim(self) -> Document | None:
        """Return the claim of the home; None when there is none."""
        ...

    async def make_home_again(self) -> None:
        """Make the claim of the home, which is gone."""
        ...

    def show_steps(self, pod: Document | None) -> None:
        """Tell people which steps are behind, when that is news."""
        ...

    def tell(self, waiting: Waiting) -> None:
        """Tell people that the start waits, when that is news."""
        ...


class Watchdog:
    """Watches one start.

    Parameters
    ----------
    surroundings
        What it sees and does.
    subject
        What is started, in the words of people.
    patience
        How long each reason may last.
    others
        Who else waits for the same, at this moment.
    """

    def __init__(
        self,
        *,
        surroundings: Surroundings,
        subject: StartSubject,
        patience: StartPatience,
        others: Callable[[], OthersWaiting] = lambda: NOBODY,
    ) -> None:
        self._surroundings = surroundings
        self._subject = subject
        self._patience = patience
        self._others = others
        self._last_seen: Document | None = None
        self._claims: dict[str, Document] = {}
        self._claims_read = float("-inf")
        self._told: tuple[WaitReason, str] | None = None

    async def watch(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> Failed | None:
        """Return why the start has failed; None when the server answers."""
        judge = StartJudge(patience=self._patience, now=monotonic())
        while True:
            view = self._view()
            self._surroundings.show_steps(view.pod)
            verdict = judge.judge(view, now=monotonic())
            if isinstance(verdict, Failed):
                if view.pod is not None or not await self._may_be_there():
                    return verdict
                await sleep(LOOK_S)
                continue
            if not isinstance(verdict, Waiting):
                return None
            self._tell(verdict)
            await self._look_after_claims(verdict, monotonic())
            await sleep(LOOK_S)

    def _view(self) -> StartView:
        pod = self._surroundings.pod()
        if pod is not None:
            self._last_seen = pod
        return StartView(
            subject=self._subject,
            pod=pod,
            events=self._surroundings.events(),
            claims=self._claims,
            others=self._others() if _has_no_place(pod) else NOBODY,
            answers=self._surroundings.answers(),
            # It may have come and gone between two looks.
            last_seen=(self._last_seen or self._surroundings.gone_pod()) if pod is None else None,
            earlier_ends=pod is None and self._surroundings.earlier_ends(),
        )

    async def _may_be_there(self) -> bool:
        # A list of the cluster can be older than what was seen already, and lacks what is new.
        try:
            return await self._surroundings.is_there()
        except (ClusterRefusedError, ClusterUnreachableError):
            return True  # the next look asks again, and the start has an end

    def _tell(self, waiting: Waiting) -> None:
        news = (waiting.reason, waiting.sentence)
        if news != self._told:
            self._told = news
            self._surroundings.tell(waiting)

    async def _look_after_claims(self, waiting: Waiting, now: float) -> None:
        home = self._subject.home_claim
        if not home or waiting.reason not in _CLAIM_REASONS or now - self._claims_read < _CLAIMS_S:
            return
        self._claims_read = now
        try:
            found = await self._surroundings.claim()
            if found is None and waiting.reason is WaitReason.CLAIM_GONE and waiting.claim == home:
                await self._surroundings.make_home_again()
        except (ClusterRefusedError, ClusterUnreachableError):
            return  # the next look tries again, and patience has an end
        self._claims = {} if found is None else {text(found, "metadata", "name"): found}


def _has_no_place(pod: Document | None) -> bool:
    """Return whether a pod still waits for a node, as the others are counted among all pods."""
    return pod is not None and not text(pod, "spec", "nodeName")
