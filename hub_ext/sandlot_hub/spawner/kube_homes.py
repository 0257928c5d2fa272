"""Finds the claim of a home that somebody has since before Sandlot.

KubeSpawner names claims otherwise where a user's name is no plain one. Its hub has written the
name of a claim down only since version 7, and a hub can have a new database; so a home is looked
for by those names, too, before an empty one is made.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.outcomes import ASK, Failed, FailureCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_hub.domain.pods.ports import ClusterObjects

_OWNER = ("metadata", "annotations", "hub.jupyter.org/username")
_NOT_THEIRS = Failed(
    code=FailureCode.NAME_TAKEN,
    sentence="The place in the cluster where your files would be belongs to another user.",
    next=f"{ASK}: it has to be renamed, or a home of your own made.",
)


async def find_home(
    objects: ClusterObjects, *, owner: str, name: str, earlier: Sequence[str]
) -> str | Failed:
    """Return the name of the claim that holds somebody's home, or shall hold it.

    That is a failure where the claim of that name is somebody else's: what KubeSpawner made of
    one user's name, or of a user and a server, can be another user's very name.

    Parameters
    ----------
    objects
        The cluster.
    owner
        The user's name.
    name
        The name that it gets.
    earlier
        Names that KubeSpawner gave it. Two users can have had the same one: only a claim
        that says whose it is counts.

    Raises
    ------
    ClusterRefusedError, ClusterUnreachableError
        It could not be found out. Nothing may be made then: an empty home would take the
        place of the one that is there.
    """
    wanted = [each for each in dict.fromkeys(earlier) if each != name]
    if not wanted:
        return name
    own, *found = await asyncio.gather(*map(objects.read_claim, (name, *wanted)))
    if own is not None:
        return name if text(own, *_OWNER) in {"", owner} else _NOT_THEIRS
    theirs = (
        each
        for each, claim in zip(wanted, found, strict=True)
        if claim is not None and text(claim, *_OWNER) == owner
    )
    return next(theirs, name)
