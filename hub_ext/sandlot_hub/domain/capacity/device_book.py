"""Which devices of claimed flavors there are on which node, and which of them are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from .device_records import DeviceId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .device_records import AttributeValue, ClaimRecord, DeviceRecord, SliceRecord


class DeviceWish(NamedTuple):
    """Which devices a flavor counts as its own."""

    resource: str
    """The name under which they are counted."""
    driver: str
    attributes: Mapping[str, AttributeValue]


class DevicesChange(Protocol):
    """Takes what has changed of one node."""

    def __call__(self, node: str, resource: str, *, there: int, held: int) -> None:
        """Count so many more devices, of which so many are taken."""
        ...


class _Place(NamedTuple):
    node: str
    resources: tuple[str, ...]


class DeviceBook:
    """Counts devices. Slices and claims may come in any order.

    A pool of which not all slices are known, or that has two devices of one name, counts as
    empty: the scheduler gives out none of it either.

    Parameters
    ----------
    wishes
        Of all flavors whose devices are claimed.
    changed
        Is told each change.
    """

    def __init__(self, wishes: Sequence[DeviceWish], changed: DevicesChange) -> None:
        self._wishes = wishes
        self._changed = changed
        self._slices: dict[str, SliceRecord] = {}
        self._pools: dict[tuple[str, str], dict[str, SliceRecord]] = {}
        self._places: dict[tuple[str, str], dict[DeviceId, _Place]] = {}
        self._claims: dict[str, ClaimRecord] = {}
        self._taken: dict[DeviceId, int] = {}
        self._listed: set[str] = set()

    @property
    def is_known(self) -> bool:
        """Whether all slices and all claims were seen."""
        return len(self._listed) == len(("slices", "claims"))

    # --- slices -----------------------------------------------------------------------------

    def put_slice(self, found: SliceRecord) -> None:
        """Take a slice as it is now."""
        earlier = self._slices.get(found.name)
        if earlier == found:
            return
        if earlier is not None and _pool(earlier) != _pool(found):
            self.drop_slice(found.name)
        self._slices[found.name] = found
        self._pools.setdefault(_pool(found), {})[found.name] = found
        self._settle(_pool(found))

    def drop_slice(self, name: str) -> None:
        """Take a slice that is gone."""
        gone = self._slices.pop(name, None)
        if gone is not None:
            pool = _pool(gone)
            del self._pools[pool][name]
            self._settle(pool)
            if not self._pools[pool]:
                del self._pools[pool], self._places[pool]

    def slice_names(self) -> Collection[str]:
        """Return the names of all slices that are there."""
        return self._slices.keys()

    def all_slices(self) -> None:
        """Take it that those slices are all there are."""
        self._listed.add("slices")

    def _settle(self, pool: tuple[str, str]) -> None:
        before, now = self._places.get(pool, {}), dict(self._devices(pool))
        for device, place in before.items():
            if now.get(device) != place:
                self._count(device, place, -1)
        for device, place in now.items():
            if before.get(device) != place:
                self._count(device, place, 1)
        self._places[pool] = now

    def _devices(self, pool: tuple[str, str]) -> Iterator[tuple[DeviceId, _Place]]:
        slices = self._pools[pool].values()
        latest = max((each.generation for each in slices), default=0)
        current = [each for each in slices if each.generation == latest]
        names = [device.name for each in current for device in each.devices]
        complete = all(each.slices == len(current) for each in current)
        if not complete or len(set(names)) < len(names):
            return
        for part in current:
            for device in part.devices if part.node else ():
                resources = tuple(
                    wish.resource for wish in self._wishes if _fulfils(device, pool[0], wish)
                )
                if resources:
                    yield DeviceId(*pool, device.name), _Place(part.node, resources)

    def _count(self, device: DeviceId, place: _Place, sign: int) -> None:
        held = sign if device in self._taken else 0
        for resource in place.resources:
            self._changed(place.node, resource, there=sign, held=held)

    # --- claims -----------------------------------------------------------------------------

    def put_claim(self, claim: ClaimRecord) -> None:
        """Take a claim as it is now."""
        earlier = self._claims.get(claim.key)
        if earlier == claim:
            return
        self.drop_claim(claim.key)
        self._claims[claim.key] = claim
        for device in claim.devices:
            self._taken[device] = self._taken.get(device, 0) + 1
            if self._taken[device] == 1:
                self._hold(device, 1)

    def drop_claim(self, key: str) -> None:
        """Take a claim that is gone."""
        gone = self._claims.pop(key, None)
        for device in () if gone is None else gone.devices:
            self._taken[device] -= 1
            if not self._taken[device]:
                del self._taken[device]
                self._hold(device, -1)

    def claim_keys(self) -> Collection[str]:
        """Return the keys of all claims that are there."""
        return self._claims.keys()

    def all_claims(self) -> None:
        """Take it that those claims are all there are."""
        self._listed.add("claims")

    def _hold(self, device: DeviceId, sign: int) -> None:
        place = self._places.get((device.driver, device.pool), {}).get(device)
        if place is not None:
            for resource in place.resources:
                self._changed(place.node, resource, there=0, held=sign)


def _pool(part: SliceRecord) -> tuple[str, str]:
    return part.driver, part.pool


def _fulfils(device: DeviceRecord, driver: str, wish: DeviceWish) -> bool:
    # True is 1 for Python, and no number for a driver.
    return (
        device.whole
        and driver == wish.driver
        and all(
            name in device.attributes
            and type(device.attributes[name]) is type(value)
            and device.attributes[name] == value
            for name, value in wish.attributes.items()
        )
    )
