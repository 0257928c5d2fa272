"""Keeps up with devices that are claimed, beside nodes and pods.

Only where the settings name such devices. Whatever is wrong with it leaves the rest alone: people
are then not told what is free of these.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer import Informer
from sandlot_hub.adapters.cluster_informer_devices import GROUP, ClaimKind, SliceKind
from sandlot_hub.adapters.cluster_informer_types import Sink
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandlot_hub.adapters.cluster_informer import InformerMeans
    from sandlot_hub.domain.capacity.device_book import DeviceBook
    from sandlot_hub.domain.capacity.device_records import ClaimRecord, SliceRecord

logger = logging.getLogger(__name__)

_NEEDED = tuple(
    (verb, kind) for kind in (SliceKind.resource, ClaimKind.resource) for verb in ("list", "watch")
)


class Rights(Protocol):
    """The part of `adapters.cluster_informer_wire.ClusterReader` that this needs."""

    async def may(self, verb: str, resource: str, *, group: str = "") -> bool:
        """Return whether the account may do something with all objects of a kind."""
        ...


class DeviceWatch:
    """Takes what is announced and claimed into a book.

    Parameters
    ----------
    book
        Counts; None where nothing is to be counted.
    rights
        Says whether the account may look.
    means
        What informers work with.
    changed
        Called when what is known, or how far it can be trusted, may be something else.
    again_s
        Until it is asked again whether the account may look, in seconds.
    """

    def __init__(
        self,
        *,
        book: DeviceBook | None,
        rights: Rights,
        means: InformerMeans,
        changed: Callable[[], None],
        again_s: float,
    ) -> None:
        self._book = book
        self._rights = rights
        self._means = means
        self._changed = changed
        self._again_s = again_s
        self._warned = False
        self._informers: Sequence[Informer[SliceRecord] | Informer[ClaimRecord]] = ()

    @property
    def informers(self) -> Sequence[Informer[SliceRecord] | Informer[ClaimRecord]]:
        """Those at work."""
        return self._informers

    @property
    def trusted_until(self) -> float:
        """Until when what is known counts as true, if nothing more is heard: monotonic seconds."""
        untrusted = float("-inf")
        return min((each.trusted_until for each in self._informers), default=untrusted)

    async def run(self) -> None:
        """Keep up for ever; at once done where nothing is to be counted."""
        book = self._book
        while book is not None:
            if await self._may_look():
                await self._watch_both(book)
            await self._means.sleep(self._again_s * (1 + self._means.jitter() / 2))

    async def _may_look(self) -> bool:
        try:
            may = await asyncio.gather(
                *(self._rights.may(verb, kind, group=GROUP) for verb, kind in _NEEDED)
            )
        except (ClusterAccessError, ClusterRefusedError, ClusterUnreachableError) as error:
            self._warn(f"{type(error).__name__}: {error}")
            return False
        if not all(may):
            self._warn("the account of this service may not look at them")
        return all(may)

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("claimed devices are not counted: %.200s", reason)

    async def _watch_both(self, book: DeviceBook) -> None:
        slices = Informer(
            kind=SliceKind(),
            sink=Sink(
                put=book.put_slice,
                drop=book.drop_slice,
                known=book.slice_names,
                listed=book.all_slices,
            ),
            means=self._means,
            changed=self._changed,
        )
        claims = Informer(
            kind=ClaimKind(),
            sink=Sink(
                put=book.put_claim,
                drop=book.drop_claim,
                known=book.claim_keys,
                listed=book.all_claims,
            ),
            means=self._means,
            changed=self._changed,
        )
        self._informers, self._warned = (slices, claims), False
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(slices.run())
                group.create_task(claims.run())
        except* ClusterRefusedError:
            self._warn("the account of this service may not look at them any more")
        finally:
            self._informers = ()
            self._changed()
