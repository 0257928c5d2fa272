"""A cluster at the boundary of `ClusterObjects`: it keeps objects, and loses answers when told."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_hub.domain.pods.documents import Document


def status(reason: str, message: str = "") -> dict[str, Any]:
    """Return the document of an error."""
    return {"kind": "Status", "status": "Failure", "reason": reason, "message": message}


class MemoryCluster:
    """Pods and claims of one namespace.

    Implements `domain.cluster_ports.ClusterObjects`. A real API server is in tests/kube;
    this one is for what that cannot be made to do on purpose, step by step.
    """

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.faults: list[Callable[[], None]] = []
        """What happens to the next requests, after each was done; it may raise."""
        self.refusals: list[ClusterRefusedError] = []
        """What the next requests to make something are refused with."""
        self.ends_at_once = True
        """Whether what is deleted is gone, or only told to end."""
        self._count = 0

    def lose_the_next_answer(self) -> None:
        """Do what is asked next, and let nobody know."""

        def lost() -> None:
            raise ClusterUnreachableError

        self.faults.append(lost)

    def put_pod(self, manifest: Document) -> dict[str, Any]:
        """Keep a pod that somebody made, and return it."""
        self._count += 1
        made: dict[str, Any] = copy.deepcopy(dict(manifest))
        made["metadata"]["uid"] = f"uid-{self._count}"
        self.pods[made["metadata"]["name"]] = made
        return made

    async def create_pod(self, manifest: Document) -> dict[str, Any]:
        self.asked.append("create pod")
        self._refuse()
        if manifest["metadata"]["name"] in self.pods:
            self._happen()
            raise ClusterRefusedError(409, status("AlreadyExists"))
        made = self.put_pod(manifest)
        self._happen()
        return copy.deepcopy(made)

    async def read_pod(self, name: str) -> dict[str, Any] | None:
        self.asked.append("read pod")
        self._happen()
        return copy.deepcopy(self.pods.get(name))

    async def delete_pod(self, name: str, *, uid: str, grace_s: int) -> None:
        self.asked.append(f"delete {uid} in {grace_s} s")
        if name in self.pods and self.pods[name]["metadata"]["uid"] == uid:
            if self.ends_at_once:
                del self.pods[name]
            else:
                self.pods[name]["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
        self._happen()

    async def create_claim(self, manifest: Document) -> None:
        self.asked.append("create claim")
        self._refuse()
        self.claims.setdefault(manifest["metadata"]["name"], copy.deepcopy(dict(manifest)))
        self._happen()

    async def read_claim(self, name: str) -> dict[str, Any] | None:
        self.asked.append("read claim")
        self._happen()
        return copy.deepcopy(self.claims.get(name))

    def _refuse(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)

    def _happen(self) -> None:
        if self.faults:
            self.faults.pop(0)()
