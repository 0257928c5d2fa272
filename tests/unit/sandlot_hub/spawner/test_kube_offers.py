"""Starts in a cluster that is full, as far as the offers service tells."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_contracts.offers import AvailabilitySnapshot
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnRefused
from sandlot_hub.spawner.offers_feed import FEED_KEY, Seen
from support.capacities import capacity, flavor, size
from support.kube_spawner import (
    L4,
    SMALL,
    close_clients,
    cluster_document,
    kube_spawner,
    use_kubeconfig,
)
from support.memory_cluster import MemoryCluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_contracts.capacity import CapacityState
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.spawner.kube import SandlotKubeSpawner

pytestmark = pytest.mark.asyncio

NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "nowhere",
    "clusters": [{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "nobody", "user": {"token": "invented"}}],
    "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}],
}
NONE_FREE = capacity({"l4": flavor(0, 8)}, {"l4": size(0, "accelerator"), "small": size(9)})
ONE_FREE = capacity({"l4": flavor(1, 8)}, {"l4": size(1), "small": size(9)})


@pytest_asyncio.fixture(autouse=True)
async def _without_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    (tmp_path / "kubeconfig").write_text(json.dumps(NOWHERE))
    use_kubeconfig(tmp_path / "kubeconfig", monkeypatch)
    yield
    await close_clients()


@dataclass
class Feed:
    """What the offers service said last."""

    capacity: CapacityState | None
    live: bool = True
    counted_at: float = 100.0
    stream_url: str = "/services/offers/api/v1/stream"
    availability_url: str = "/services/offers/availability"

    async def seen(self) -> Seen:
        snapshot = AvailabilitySnapshot(
            as_of="2026-11-21T12:00:00Z", age_s=0, settings_hash="", capacity=self.capacity
        )
        return Seen(snapshot=snapshot, age_s=3.0, counted_at=self.counted_at, live=self.live)

    def ticket(self, owner: Entitlements) -> str:
        return f"ticket of {owner.user}"


@dataclass
class House:
    """A hub of several people."""

    feed: Feed
    shared: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=cluster_document)

    def spawner(self, name: str, number: int) -> SandlotKubeSpawner:
        service = SimpleNamespace(url="http://127.0.0.1:1", api_token="a-token")
        self.shared.update({"services": {"offers": service}, FEED_KEY: self.feed})
        made = kube_spawner(self.document, name=name, shared=self.shared)
        made.orm_spawner.id = number
        return made


async def test_a_start_without_room_is_refused_before_anything_is_made() -> None:
    ann = House(Feed(NONE_FREE)).spawner("ann", 1)
    with pytest.raises(SpawnRefused) as caught:
        await hooks.apply_user_options(ann, L4)
    assert caught.value.status_code == 409
    refusal = ann.refusal
    assert refusal is not None
    assert refusal.code == "accelerators-busy"
    assert refusal.message.startswith("No NVIDIA L4 is free (8 of 8 in use). Next:")
    assert [other.size for other in refusal.alternatives] == ["small"]
    await hooks.apply_user_options(ann, SMALL)
    assert ann.plan is not None


async def test_of_two_who_start_at_the_same_instant_one_is_refused() -> None:
    house = House(Feed(ONE_FREE))
    ann, bob = house.spawner("ann", 1), house.spawner("bob", 2)
    await hooks.apply_user_options(ann, L4)
    with pytest.raises(SpawnRefused):
        await hooks.apply_user_options(bob, L4)
    assert bob.refusal is not None
    assert bob.refusal.code == "accelerators-busy"
    # Once it is placed, the next count is right without us.
    ann.note_placed()
    house.feed.counted_at = ann.clock.monotonic() + 1
    await hooks.apply_user_options(bob, L4)
    assert bob.plan is not None


async def test_a_server_counts_as_placed_once_its_pod_was_made() -> None:
    house = House(Feed(ONE_FREE))
    ann, bob = house.spawner("ann", 1), house.spawner("bob", 2)
    ann.objects = MemoryCluster()
    await hooks.apply_user_options(ann, L4)
    await ann._make_create_pod_request(await ann.get_pod_manifest(), 1)
    house.feed.counted_at = ann.clock.monotonic() + 1
    await hooks.apply_user_options(bob, L4)
    assert bob.plan is not None


async def test_what_failed_takes_nothing() -> None:
    house = House(Feed(ONE_FREE))
    ann, bob = house.spawner("ann", 1), house.spawner("bob", 2)
    await hooks.apply_user_options(ann, L4)
    ann.clear_state()
    await hooks.apply_user_options(bob, L4)
    assert bob.plan is not None


@pytest.mark.parametrize(
    ("counted", "live"),
    [
        pytest.param(NONE_FREE, False, id="what was true a while ago"),
        pytest.param(None, True, id="nothing is counted"),
        pytest.param(capacity(scope="namespace"), True, id="only its own namespace"),
    ],
)
async def test_nobody_is_refused_for_what_is_not_known(
    counted: CapacityState | None, *, live: bool
) -> None:
    ann = House(Feed(counted, live=live)).spawner("ann", 1)
    await hooks.apply_user_options(ann, L4)
    assert ann.plan is not None
    form = await ann.get_options_form()
    assert "not known" in form


async def test_a_profile_may_let_people_wait() -> None:
    document = cluster_document()
    document["profiles"]["work"]["when_full"] = "wait"
    house = House(Feed(NONE_FREE), document=document)
    ann = house.spawner("ann", 1)
    await hooks.apply_user_options(ann, L4)
    assert ann.plan is not None
    form = await ann.get_options_form()
    assert "none free" in form
    assert "Next: start the server and wait" in form


async def test_an_open_page_is_told_of_changes() -> None:
    form = await House(Feed(ONE_FREE)).spawner("ann", 1).get_options_form()
    assert 'data-stream-url="/services/offers/api/v1/stream"' in form
    assert 'data-ticket="ticket of ann"' in form
    assert 'data-known="true"' in form
    assert "1 of 8 free" in form
    assert "/services/offers/availability" in form
