"""Tests of one decision for everybody who sees the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.capacity.machine import machine_facilities
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.services.offers.audiences import Audiences
from sandlot_hub.services.offers.availability import ClusterFacilities, Offers, Snapshot
from sandlot_hub.services.offers.metrics import OffersMetrics
from support.capacities import capacity, flavor
from support.fake_supervisor import facilities
from support.virtual_time import START, VirtualTime

if TYPE_CHECKING:
    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.adapters.settings_file import LoadedSettings

QUEUED = facilities(cpus=4, images={"base": {"state": "queued"}, "scipy": {"state": "queued"}})
READY = facilities(cpus=4)


@dataclass
class Bench:
    settings: LoadedSettings

    def __post_init__(self) -> None:
        self.clock = clock = VirtualTime()
        self.registry = CollectorRegistry()
        source = ClusterFacilities(Facilities(mode=Mode.KUBERNETES), clock=clock)
        self.audiences = Audiences(
            offers=Offers(settings=self.settings.settings, source=source, clock=clock),
            metrics=OffersMetrics(self.registry),
        )

    @property
    def computations(self) -> float | None:
        return self.registry.get_sample_value("sandlot_offers_computations_total")


@pytest.fixture
def bench(settings: LoadedSettings) -> Bench:
    return Bench(settings)


def at(version: int, machine: LocalFacilities) -> Snapshot:
    return Snapshot(
        version=version,
        as_of=START,
        taken=0.0,
        machine=machine,
        facilities=machine_facilities(machine),
    )


def user(name: str, *groups: str) -> Entitlements:
    return Entitlements(user=name, groups=frozenset(groups))


def test_a_version_is_decided_once(bench: Bench) -> None:
    first = bench.audiences.join(user("a"))
    second = bench.audiences.join(user("b", "x"))
    assert first is second
    assert first.view(at(1, QUEUED)) is second.view(at(1, QUEUED))
    assert bench.computations == 1
    assert first.view(at(2, QUEUED)) is second.view(at(2, QUEUED))
    assert bench.computations == 2
    other = bench.audiences.join(user("c", "cs101"))
    assert other is not first
    other.view(at(2, QUEUED))
    assert bench.computations == 3


def test_what_a_reader_is_told(bench: Bench) -> None:
    audience = bench.audiences.join(user("a"))
    whole = audience.view(at(1, QUEUED)).since(None)
    assert whole[0] == "offers"
    assert [profile["slug"] for profile in json.loads(whole[1])] == ["notebook", "teaching"]

    view = audience.view(at(4, READY))
    assert view.since((1, 0))[0] == "change"
    for other in (
        None,
        (0, 0),
        (2, 0),
        (3, 0),
    ):  # knows nothing, or something that was never decided
        assert view.since(other) == ("offers", view.whole)
    assert json.loads(view.since((1, 0))[1]) == json.loads(view.whole)

    same = audience.view(at(5, READY))
    assert same.since((4, 0)) == ("change", b"")
    assert same.since((1, 0))[0] == "offers"


def waiting(oldest: str | None) -> Snapshot:
    counted = capacity({"l4": flavor(0, 8, waiting=1, oldest_waiting=oldest)})
    here = Facilities(mode=Mode.KUBERNETES, capacity=counted)
    return Snapshot(version=1, as_of=START, taken=0.0, facilities=here)


@pytest.mark.parametrize(
    ("oldest", "decided"),
    [
        pytest.param("2026-11-21T09:00:00Z", 2, id="somebody-waits"),
        pytest.param(None, 1, id="nobody-waits"),
    ],
)
def test_how_long_somebody_waits_is_told_anew_each_minute(
    bench: Bench, oldest: str | None, decided: int
) -> None:
    audience = bench.audiences.join(user("a"))
    first = audience.view(waiting(oldest))
    bench.clock.seconds = 59
    assert audience.view(waiting(oldest)) is first
    bench.clock.seconds = 61
    again = audience.view(waiting(oldest))
    assert again.since(first.edition)[0] == ("change" if decided > 1 else "offers")
    assert bench.computations == decided


def test_nobody_looks_any_more(bench: Bench) -> None:
    joined = [bench.audiences.join(user(name)) for name in "abc"]
    member = bench.audiences.join(user("d", "cs101"))
    assert len(bench.audiences) == 2
    for audience in joined:
        bench.audiences.leave(audience)
    assert len(bench.audiences) == 1
    assert bench.audiences.join(user("e", "cs101")) is member
    assert bench.audiences.join(user("a")) is not joined[0]
