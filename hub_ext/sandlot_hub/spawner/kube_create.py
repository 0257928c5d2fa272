"""Makes a server's pod exactly once, whatever is lost on the way.

The spawn id on the pod says whose start it belongs to. So an answer that was lost, or a hub
that was killed, leads to the pod that is there and not to a second one, and nothing that
somebody else made is ever touched.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.pods.denials import (
    CreateAnswer,
    explain_denial,
    read_answer,
    unreachable,
)
from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.names import HUB, SPAWN_ID
from sandlot_hub.domain.pods.outcomes import ASK, Failed, FailureCode
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandlot_hub.domain.pods.documents import Document, StartSubject
    from sandlot_hub.domain.pods.ports import ClusterObjects

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0
_OWN_LABELS = ("sandlot/owner", "sandlot/workload")
_SERVER = "hub.jupyter.org/servername"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLimits:
    """How long things may take while a pod is made, in seconds."""

    grace_s: int
    """An earlier server, to end by itself."""
    in_all_s: float
    """Until the cluster has decided, and an earlier server is gone."""


class PodCreator:
    """Makes pods.

    Parameters
    ----------
    objects
        The cluster.
    subject
        What is started, in the words of people.
    limits
        How long what may take.
    monotonic, sleep
        Seconds that never go back, and what waits.
    """

    def __init__(
        self,
        *,
        objects: ClusterObjects,
        subject: StartSubject,
        limits: CreateLimits,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._objects = objects
        self._subject = subject
        self._limits = limits
        self._monotonic = monotonic
        self._sleep = sleep

    async def create(self, manifest: Document) -> dict[str, Any] | Failed:
        """Return the pod of this start, made now or by a try whose answer was lost.

        Parameters
        ----------
        manifest
            The pod, with its spawn id on it.
        """
        deadline = self._monotonic() + self._limits.in_all_s
        last: Failed = unreachable()
        wait = _FIRST_WAIT_S
        while True:
            outcome = await self._try(manifest)
            if isinstance(outcome, dict):
                return outcome
            if outcome is not None:
                if outcome.code is not FailureCode.STOP_STUCK:
                    return outcome
                last = outcome
            if self._monotonic() + wait >= deadline:
                return last
            # Many starts at once that meet a quota's conflict would meet again.
            await self._sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            wait = min(2 * wait, _LONGEST_WAIT_S)

    async def _try(self, manifest: Document) -> dict[str, Any] | Failed | None:
        """Return the pod, why there is none, or None when it is not decided yet."""
        try:
            return await self._create_or_find(manifest)
        except ClusterUnreachableError:
            return None
        except ClusterRefusedError as error:
            if read_answer(error.status, error.document) is not CreateAnswer.FAILED:
                return None
            return explain_denial(error.status, error.document, self._subject)

    async def _create_or_find(self, manifest: Document) -> dict[str, Any] | Failed | None:
        try:
            return await self._objects.create_pod(manifest)
        except ClusterRefusedError as error:
            if read_answer(error.status, error.document) is not CreateAnswer.EXISTS:
                raise
        found = await self._objects.read_pod(text(manifest, "metadata", "name"))
        if found is None or _label(found, SPAWN_ID) == _label(manifest, SPAWN_ID):
            return found
        if not is_earlier(found, manifest):
            return _foreign()
        if not text(found, "metadata", "deletionTimestamp"):
            metadata = found["metadata"]
            await self._objects.delete_pod(
                metadata["name"], uid=metadata["uid"], grace_s=self._limits.grace_s
            )
        return _still_ending()


def is_earlier(found: Document, wanted: Document) -> bool:
    """Return whether a pod is an earlier one of the very same server of the same owner."""
    return (
        bool(_label(found, SPAWN_ID))
        # Hubs that share a namespace can have users of the same name.
        and _label(found, HUB) in {"", _label(wanted, HUB)}
        and all(_label(found, key) == _label(wanted, key) for key in _OWN_LABELS)
        and text(found, "metadata", "annotations", _SERVER)
        == text(wanted, "metadata", "annotations", _SERVER)
    )


def _label(pod: Document, key: str) -> str:
    return text(pod, "metadata", "labels", key)


def _foreign() -> Failed:
    return Failed(
        code=FailureCode.NAME_TAKEN,
        sentence="Something else in the cluster has the name that your server needs.",
        next=f"{ASK}: Sandlot did not make it, and so does not remove it.",
    )


def _still_ending() -> Failed:
    return Failed(
        code=FailureCode.STOP_STUCK,
        sentence="Your earlier server has not ended yet.",
        next="Next: try again in a minute; if that fails too, tell an administrator.",
    )
