from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.supervisor import LocalFacilities, LocalImage
from sandlot_hub.adapters.supervisor_client import (
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.entitlements import Entitlements
from sandlot_hub.domain.facilities import Facilities, Mode
from sandlot_hub.services.errors import build_problem
from sandlot_hub.services.offers.availability import (
    ClusterFacilities,
    MachineFacilities,
    Offers,
)

if TYPE_CHECKING:
    from sandlot_contracts.offers import OfferList
    from sandlot_hub.adapters.settings_file import LoadedSettings

pytestmark = pytest.mark.asyncio

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ALICE = Entitlements(user="alice", groups=frozenset({"ml"}))


class StillClock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Supervisor:
    """Tells what the machine can do, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def facilities(self) -> LocalFacilities:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return LocalFacilities(
            images={"base": LocalImage(state="ready"), "scipy": LocalImage(state="queued")},
            cpus=4,
            memory_bytes=16 * 1024**3,
            cpu_enforced=True,
            memory_enforced=False,
            isolation="own-uid",
        )


class Bench:
    def __init__(self, settings: LoadedSettings) -> None:
        self.clock = StillClock()
        self.supervisor = Supervisor()
        self.source = MachineFacilities(supervisor=self.supervisor, clock=self.clock)
        self.offers = Offers(settings=settings.settings, source=self.source, clock=self.clock)

    async def states(self) -> dict[str, str]:
        offers = await self.offers.of(ALICE)
        return {f"{o.profile}/{o.image}/{o.size}": o.state for o in offers.offers}


@pytest.fixture
def bench(settings: LoadedSettings) -> Bench:
    return Bench(settings)


def reasons(offers: OfferList) -> set[str]:
    return {offer.reason.code for offer in offers.offers if offer.reason is not None}


async def test_what_the_machine_can_do_decides(bench: Bench) -> None:
    assert await bench.states() == {
        "notebook/base/small": "available",
        "notebook/base/huge": "unavailable",
        "notebook/scipy/small": "unavailable",
        "notebook/scipy/huge": "unavailable",
        "teaching/base/small": "unavailable",
    }
    assert bench.offers.known()


async def test_offers_are_as_old_as_what_they_rest_on(bench: Bench) -> None:
    await bench.offers.of(ALICE)
    bench.clock.seconds = 0.9
    assert (await bench.offers.of(ALICE)).as_of.startswith("2026-11-21T10:00:00.000")


async def test_one_question_a_second_serves_everybody(bench: Bench) -> None:
    for _ in range(20):
        await bench.offers.of(ALICE)
        bench.clock.seconds += 0.25
    assert bench.supervisor.asked == 5


async def test_many_at_once_are_one_question(bench: Bench) -> None:
    bench.supervisor.gate = asyncio.Event()
    callers = [asyncio.create_task(bench.offers.of(ALICE)) for _ in range(100)]
    await asyncio.sleep(0)
    bench.supervisor.gate.set()
    assert len(await asyncio.gather(*callers)) == 100
    assert bench.supervisor.asked == 1


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SupervisorUnreachableError("away"), id="unreachable"),
        pytest.param(SupervisorRefusedError(build_problem(403, "x", "No.")), id="refused"),
        pytest.param(TimeoutError(), id="timeout"),
    ],
)
async def test_what_is_not_known_is_said_with_since_when(bench: Bench, error: Exception) -> None:
    bench.clock.seconds = 60
    await bench.offers.of(ALICE)
    bench.clock.seconds = 90
    bench.supervisor.error = error
    offers = await bench.offers.of(ALICE)
    assert {f"{o.profile}/{o.image}/{o.size}": o.state for o in offers.offers} == {
        "notebook/base/small": "unknown",
        "notebook/base/huge": "unknown",
        "notebook/scipy/small": "unknown",
        "notebook/scipy/huge": "unknown",
        # Not for her, whatever the machine can do.
        "teaching/base/small": "unavailable",
    }
    assert reasons(offers) == {"availability-unknown", "profile-not-allowed"}
    [sentence] = {o.reason.message for o in offers.offers if o.state == "unknown" and o.reason}
    assert "not known since 2026-11-21 10:01:00 UTC" in sentence
    assert not bench.offers.known()


async def test_it_stays_not_known_since_the_same_moment(bench: Bench) -> None:
    await bench.offers.of(ALICE)
    bench.supervisor.error = SupervisorUnreachableError("away")
    for seconds in (10.0, 20.0, 30.0):
        bench.clock.seconds = seconds
        offers = await bench.offers.of(ALICE)
        [message] = {o.reason.message for o in offers.offers if o.state == "unknown" and o.reason}
        assert "since 2026-11-21 10:00:00 UTC" in message


async def test_never_known_is_not_known_since_the_start(bench: Bench) -> None:
    bench.supervisor.error = SupervisorUnreachableError("away")
    bench.clock.seconds = 7200
    offers = await bench.offers.of(ALICE)
    assert "since 2026-11-21 10:00:00 UTC" in str(offers.offers[0].reason)


async def test_it_is_known_again(bench: Bench) -> None:
    bench.supervisor.error = SupervisorUnreachableError("away")
    await bench.offers.of(ALICE)
    bench.supervisor.error = None
    bench.clock.seconds = 1
    assert (await bench.states())["notebook/base/small"] == "available"
    assert bench.offers.known()


async def test_a_supervisor_in_trouble_is_not_hammered(bench: Bench) -> None:
    bench.supervisor.error = SupervisorUnreachableError("away")
    for _ in range(20):
        await bench.offers.of(ALICE)
    assert bench.supervisor.asked == 1


async def test_a_silent_supervisor_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandlot_hub.services.offers.availability.TIMEOUT", 0.05)
    bench.supervisor.gate = asyncio.Event()
    async with asyncio.timeout(5):
        assert (await bench.states())["notebook/base/small"] == "unknown"


async def test_a_cluster_is_always_known(settings: LoadedSettings) -> None:
    clock = StillClock()
    source = ClusterFacilities(Facilities(mode=Mode.KUBERNETES), clock=clock)
    clock.seconds = 5
    assert source.known()
    assert (await source.snapshot()).as_of == clock.now()
    await source.close()
