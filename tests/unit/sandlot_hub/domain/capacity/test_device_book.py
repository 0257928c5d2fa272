from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandlot_hub.domain.capacity.device_book import DeviceBook, DeviceWish
from sandlot_hub.domain.capacity.device_records import (
    ClaimRecord,
    DeviceId,
    DeviceRecord,
    SliceRecord,
)

DRIVER = "gpu.example.com"
WISHES = (
    DeviceWish("claim:l4", DRIVER, {"product": "L4"}),
    DeviceWish("claim:any", DRIVER, {}),
)


class Sums:
    """What a book has told of its changes, added up."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], int] = {}
        self.held: dict[tuple[str, str], int] = {}

    def __call__(self, node: str, resource: str, *, there: int, held: int) -> None:
        key = (node, resource)
        self.there[key] = self.there.get(key, 0) + there
        self.held[key] = self.held.get(key, 0) + held
        assert 0 <= self.held[key] <= self.there[key]

    def all(self) -> dict[tuple[str, str], tuple[int, int]]:
        return {key: (n, self.held[key]) for key, n in self.there.items() if n}


def _slice(name: str = "s1", *devices: DeviceRecord, **changes: Any) -> SliceRecord:
    fields: dict[str, Any] = {
        "name": name,
        "driver": DRIVER,
        "pool": "n1",
        "generation": 1,
        "slices": 1,
        "node": "n1",
        "devices": devices,
    }
    return SliceRecord(**{**fields, **changes})


def _l4(name: str, **changes: Any) -> DeviceRecord:
    return DeviceRecord(**{"name": name, "attributes": {"product": "L4"}, **changes})


def _claim(*names: str, key: str = "ns/c1", pool: str = "n1") -> ClaimRecord:
    return ClaimRecord(key=key, devices=tuple(DeviceId(DRIVER, pool, name) for name in names))


def _found(
    slices: list[SliceRecord], claims: list[ClaimRecord], *, claims_first: bool = True
) -> dict[Any, Any]:
    sums = Sums()
    book = DeviceBook(WISHES, sums)
    for is_claims in (claims_first, not claims_first):
        if is_claims:
            for claim in claims:
                book.put_claim(claim)
        else:
            for part in slices:
                book.put_slice(part)
    return sums.all()


def _both(there: int, held: int) -> dict[Any, Any]:
    return {("n1", "claim:l4"): (there, held), ("n1", "claim:any"): (there, held)}


@pytest.mark.parametrize(
    ("slices", "claims", "found"),
    [
        pytest.param([], [_claim("a")], {}, id="nothing"),
        pytest.param([_slice("s1", _l4("a"), _l4("b"))], [], _both(2, 0), id="two-free"),
        pytest.param([_slice("s1", _l4("a"), _l4("b"))], [_claim("a")], _both(2, 1), id="one-used"),
        pytest.param(
            [_slice("s1", _l4("a"))],
            [_claim("a"), _claim("a", key="ns/c2")],
            _both(1, 1),
            id="shared",
        ),
        pytest.param(
            [_slice("s1", _l4("a"))], [_claim("a", pool="n2")], _both(1, 0), id="other-pool"
        ),
        pytest.param(
            [_slice("s1", _l4("a", attributes={"product": "T4"}))],
            [],
            {("n1", "claim:any"): (1, 0)},
            id="other-kind",
        ),
        pytest.param([_slice("s1", _l4("a"), driver="nic.example.com")], [], {}, id="other-driver"),
        pytest.param([_slice("s1", _l4("a", whole=False))], [], {}, id="partition"),
        pytest.param([_slice("s1", _l4("a"), node="")], [], {}, id="of-no-one-node"),
        pytest.param([_slice("s1", _l4("a"), slices=2)], [], {}, id="half-of-a-pool"),
        pytest.param(
            [_slice("s1", _l4("a"), slices=2), _slice("s2", _l4("b"), slices=2)],
            [],
            _both(2, 0),
            id="both-halves",
        ),
        pytest.param(
            [_slice("s1", _l4("a"), slices=2), _slice("s2", _l4("a"), slices=2)],
            [],
            {},
            id="two-of-one-name",
        ),
        pytest.param(
            [_slice("s1", _l4("a")), _slice("s2", _l4("b"), generation=2)],
            [],
            _both(1, 0),
            id="latest-generation",
        ),
    ],
)
def test_devices(
    slices: list[SliceRecord], claims: list[ClaimRecord], found: dict[Any, Any]
) -> None:
    assert _found(slices, claims) == found
    assert _found(slices, claims, claims_first=False) == found


@pytest.mark.parametrize(
    ("wanted", "there", "fits"),
    [
        pytest.param({"mig": True}, {"mig": True}, True, id="same"),
        pytest.param({"mig": True}, {"mig": 1}, False, id="true-is-no-number"),
        pytest.param({"gib": 24}, {"gib": 24, "x": "y"}, True, id="number"),
        pytest.param({"gib": 24}, {"gib": "24"}, False, id="number-is-no-text"),
        pytest.param({"gib": 24}, {}, False, id="not-said"),
    ],
)
def test_attributes(wanted: dict[str, Any], there: dict[str, Any], *, fits: bool) -> None:
    sums = Sums()
    DeviceBook([DeviceWish("r", DRIVER, wanted)], sums).put_slice(
        _slice("s1", DeviceRecord("a", there))
    )
    assert bool(sums.all()) is fits


def test_a_claim_that_gets_something_else_lets_go_of_what_it_had() -> None:
    sums = Sums()
    book = DeviceBook(WISHES, sums)
    book.put_slice(_slice("s1", _l4("a"), _l4("b"), _l4("c")))
    book.put_claim(_claim("a", "b"))
    book.put_claim(_claim("c"))
    assert sums.all() == _both(3, 1)
    book.drop_claim("ns/c1")
    assert sums.all() == _both(3, 0)


def test_all_is_known_when_both_were_listed() -> None:
    book = DeviceBook(WISHES, Sums())
    assert not book.is_known
    book.all_claims()
    book.put_slice(_slice())
    assert not book.is_known
    book.all_slices()
    assert book.is_known


# --- after any changes ------------------------------------------------------------------------

DEVICES = st.builds(
    DeviceRecord,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([{"product": "L4"}, {"product": "T4"}, {}]),
    st.sampled_from([True, True, False]),
)
SLICES = st.builds(
    SliceRecord,
    name=st.sampled_from(["s1", "s2", "s3"]),
    driver=st.sampled_from([*[DRIVER] * 7, "other.example.com"]),
    pool=st.sampled_from(["p1", "p1", "p2"]),
    generation=st.sampled_from([1, 1, 1, 2]),
    slices=st.sampled_from([1, 1, 2]),
    node=st.sampled_from(["n1", "n1", "n2", ""]),
    devices=st.lists(DEVICES, max_size=3, unique_by=lambda device: device.name).map(tuple),
)
IDS = st.builds(
    DeviceId,
    st.sampled_from([*[DRIVER] * 7, "other.example.com"]),
    st.sampled_from(["p1", "p1", "p2"]),
    st.sampled_from(["a", "b", "c"]),
)
RECORDS = st.builds(
    ClaimRecord,
    key=st.sampled_from(["ns/1", "ns/2", "ns/3"]),
    devices=st.lists(IDS, max_size=3).map(tuple),
)
CHANGES = st.one_of(
    SLICES.map(lambda each: ("put_slice", each)),
    SLICES.map(lambda each: ("put_slice", each)),
    RECORDS.map(lambda each: ("put_claim", each)),
    st.sampled_from(["s1", "s2", "none"]).map(lambda name: ("drop_slice", name)),
    st.sampled_from(["ns/1", "ns/2", "none"]).map(lambda key: ("drop_claim", key)),
)


@given(st.lists(CHANGES, max_size=20))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
def test_it_says_what_a_recount_says(changes: list[tuple[str, Any]]) -> None:
    sums = Sums()
    book = DeviceBook(WISHES, sums)
    slices: dict[str, SliceRecord] = {}
    claims: dict[str, ClaimRecord] = {}
    for kind, what in changes:
        getattr(book, kind)(what)
        match kind:
            case "put_slice":
                slices[what.name] = what
            case "put_claim":
                claims[what.key] = what
            case "drop_slice":
                slices.pop(what, None)
            case _:
                claims.pop(what, None)
        assert {*book.slice_names()} == slices.keys()
        assert {*book.claim_keys()} == claims.keys()
    counted = {key: (there, held) for key, (there, held) in sums.all().items()}
    assert counted == _recount(slices, claims)


def _recount(
    slices: dict[str, SliceRecord], claims: dict[str, ClaimRecord]
) -> dict[tuple[str, str], tuple[int, int]]:
    taken = {device for claim in claims.values() for device in claim.devices}
    found: dict[DeviceId, tuple[str, DeviceRecord]] = {}
    for part in slices.values():
        pool = [s for s in slices.values() if (s.driver, s.pool) == (part.driver, part.pool)]
        latest = [s for s in pool if s.generation == max(each.generation for each in pool)]
        names = sorted(device.name for s in latest for device in s.devices)
        odd = any(one == other for one, other in itertools.pairwise(names))
        if part in latest and not odd and all(s.slices == len(latest) for s in latest):
            for device in part.devices:
                if part.node and device.whole:
                    found[DeviceId(part.driver, part.pool, device.name)] = (part.node, device)
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    for device_id, (node, device) in found.items():
        for wish in WISHES:
            if (
                device_id.driver == wish.driver
                and wish.attributes.items() <= dict(device.attributes).items()
            ):
                there, held = counted.get((node, wish.resource), (0, 0))
                counted[node, wish.resource] = (there + 1, held + (device_id in taken))
    return counted
