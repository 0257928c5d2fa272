"""What a start needs of a cluster, as a protocol. The adapter implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .documents import Document


class ClusterObjects(Protocol):
    """Makes, reads and removes the objects of servers in one namespace.

    Every method raises `ClusterRefusedError` when the cluster answers with an error, and
    `ClusterUnreachableError` when it does not answer in time: then what was asked for may
    have been done all the same.
    """

    async def create_pod(self, manifest: Document) -> dict[str, Any]:
        """Make a pod and return it."""
        ...

    async def read_pod(self, name: str) -> dict[str, Any] | None:
        """Return a pod; None when there is none of that name."""
        ...

    async def delete_pod(self, name: str, *, uid: str, grace_s: int) -> None:
        """Have one very pod removed; nothing happens when that is gone, whatever has its name."""
        ...

    async def create_claim(self, manifest: Document) -> None:
        """Make a claim, unless there is one of that name."""
        ...

    async def read_claim(self, name: str) -> dict[str, Any] | None:
        """Return a claim; None when there is none of that name."""
        ...


class ClusterRefusedError(Exception):
    """The cluster answered with an error.

    Parameters
    ----------
    status
        HTTP status.
    document
        The ``Status`` document of the answer; empty when there was none.
    """

    def __init__(self, status: int, document: Document) -> None:
        self.status = status
        self.document = document
        super().__init__(f"{status} {document.get('reason') or 'without a reason'}")


class ClusterUnreachableError(Exception):
    """The cluster did not answer in time, or broke off."""
