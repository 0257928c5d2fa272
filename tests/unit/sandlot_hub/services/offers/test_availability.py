"""Tests of what a snapshot makes of a user's offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.capacity.machine import machine_facilities
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.services.offers.availability import ClusterFacilities, Offers, Snapshot, iso
from support.catalogue import catalogue
from support.fake_supervisor import facilities
from support.virtual_time import START, VirtualTime

if TYPE_CHECKING:
    from sandlot_contracts.offers import OfferList
    from sandlot_hub.adapters.settings_file import LoadedSettings

ALICE = Entitlements(user="alice", groups=frozenset({"ml"}))
MACHINE = facilities(
    cpus=4,
    images={
        "base": LocalImage(state="ready"),
        "scipy": LocalImage(state="queued"),
    },
)
KNOWN = Snapshot(
    version=1,
    as_of=START + timedelta(minutes=1),
    taken=60.0,
    machine=MACHINE,
    facilities=machine_facilities(MACHINE),
)


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime(60.0)


@pytest.fixture
def offers(settings: LoadedSettings, clock: VirtualTime) -> Offers:
    source = ClusterFacilities(Facilities(mode=Mode.KUBERNETES), clock=clock)
    return Offers(settings=settings.settings, source=source, clock=clock)


def states(found: OfferList) -> dict[str, str]:
    return {f"{o.profile}/{o.image}/{o.size}": o.state for o in found.offers}


def test_what_the_machine_can_do_decides(offers: Offers) -> None:
    found = offers.of(ALICE, KNOWN)
    assert found.as_of == "2026-11-21T10:01:00.000Z"
    assert states(found) == {
        "notebook/base/small": "available",
        "notebook/base/huge": "unavailable",
        "notebook/scipy/small": "unavailable",
        "notebook/scipy/huge": "unavailable",
        "teaching/base/small": "unavailable",
    }


def test_what_is_not_known_is_said_with_since_when(offers: Offers, clock: VirtualTime) -> None:
    clock.seconds = 90
    found = offers.of(ALICE, KNOWN.forgotten())
    assert states(found) == {
        "notebook/base/small": "unknown",
        "notebook/base/huge": "unknown",
        "notebook/scipy/small": "unknown",
        "notebook/scipy/huge": "unknown",
        # Not for her, whatever the machine can do.
        "teaching/base/small": "unavailable",
    }
    codes = {offer.reason.code for offer in found.offers if offer.reason is not None}
    assert codes == {"availability-unknown", "profile-not-allowed"}
    [sentence] = {o.reason.message for o in found.offers if o.state == "unknown" and o.reason}
    assert "not known since 2026-11-21 10:01:00 UTC" in sentence


def test_what_is_still_being_counted_is_not_said_to_be_lost(offers: Offers) -> None:
    counting = replace(KNOWN.forgotten(), counting=True)
    reasons = [o.reason for o in offers.of(ALICE, counting).offers if o.state == "unknown"]
    pages = [o.reason for o in offers.on_page(ALICE, counting) if o.state == "unknown"]
    [(code, message)] = {(r.code, r.message) for r in (*reasons, *pages) if r is not None}
    assert code == "availability-unknown"
    assert message == (
        "What is free in the cluster is still being counted. Next: wait, this page goes on by "
        "itself; or start the server all the same."
    )


def test_a_page_shows_the_same(offers: Offers) -> None:
    notebook, teaching = offers.on_page(ALICE, KNOWN)
    assert (notebook.state, teaching.state) == ("available", "unavailable")
    assert [image.state for image in notebook.images] == ["available", "unavailable"]
    assert [size.state for size in notebook.sizes] == ["available", "unavailable"]


def test_a_page_shows_nothing_as_free_when_nothing_is_known(offers: Offers) -> None:
    notebook, teaching = offers.on_page(ALICE, KNOWN.forgotten())
    assert (notebook.state, teaching.state) == ("unknown", "unavailable")
    assert {size.state for size in notebook.sizes} == {"unknown"}
    assert {size.taken for size in notebook.sizes} == {None}


def test_of_a_cluster_is_said_that_the_cluster_does_not_answer(clock: VirtualTime) -> None:
    source = ClusterFacilities(Facilities(mode=Mode.KUBERNETES), clock=clock)
    offers = Offers(settings=catalogue(), source=source, clock=clock, mode=Mode.KUBERNETES)
    lost = source.latest.forgotten()
    found = offers.of(ALICE, lost)
    [sentence] = {o.reason.message for o in found.offers if o.state == "unknown" and o.reason}
    assert "because the cluster does not answer" in sentence
    states = {profile.slug: profile.state for profile in offers.on_page(ALICE, lost)}
    assert states == {
        "cpu": "unknown",
        "gpu": "unknown",
        "lab": "unavailable",
        "machine": "unavailable",
    }


def test_the_age_is_never_below_nothing(offers: Offers, clock: VirtualTime) -> None:
    clock.seconds = 61.5
    assert offers.age_s(KNOWN) == 1.5
    clock.seconds = 59.0
    assert offers.age_s(KNOWN) == 0.0


@pytest.mark.asyncio
async def test_a_cluster_is_always_known(offers: Offers, clock: VirtualTime) -> None:
    source = offers.source
    clock.seconds = 5
    source.listen(lambda: pytest.fail("there is no news"))
    await source.run()
    assert source.known()
    assert offers.known()
    assert (await source.snapshot()).as_of == clock.now()
    assert source.latest.version == (await source.snapshot()).version


def test_moments_are_utc() -> None:
    assert iso(START) == "2026-11-21T10:00:00.000Z"
