from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.spawner.kube_events import EventsOfPods
from support.kube_spawner import close_clients, cluster_document, kube_spawner, use_kubeconfig
from support.kubeconfig import unreachable_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio


def about(uid: str, reason: str) -> dict[str, Any]:
    return {
        "involvedObject": {"uid": uid},
        "reason": reason,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }


def reasons(watch: EventsOfPods, uid: str) -> list[str]:
    return [event["reason"] for event in watch.of(uid)]


@pytest_asyncio.fixture
async def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EventsOfPods]:
    use_kubeconfig(unreachable_kubeconfig(tmp_path), monkeypatch)
    made = EventsOfPods(parent=kube_spawner(cluster_document()), namespace="people")
    made.resources = {"people/a": about("1", "Scheduled"), "people/b": about("2", "Scheduled")}
    yield made
    await close_clients()


async def test_a_pod_has_its_own_events(watch: EventsOfPods) -> None:
    watch.resources["people/c"] = about("1", "Pulling")
    assert reasons(watch, "1") == ["Scheduled", "Pulling"]
    assert reasons(watch, "2") == ["Scheduled"]
    assert reasons(watch, "3") == []
    assert len(watch.events) == 3


async def test_an_event_that_happens_again_is_one(watch: EventsOfPods) -> None:
    watch.resources["people/a"] = about("1", "Scheduled") | {"count": 2}
    assert [event["count"] for event in watch.of("1")] == [2]


async def test_what_the_cluster_forgets_is_forgotten(watch: EventsOfPods) -> None:
    watch.resources.pop("people/a", None)
    watch.resources.pop("people/a", None)
    assert reasons(watch, "1") == []
    assert watch.resources.by_uid.keys() == {"2"}


async def test_a_watch_that_has_no_list_yet_has_no_events(watch: EventsOfPods) -> None:
    assert reasons(EventsOfPods(parent=watch.parent, namespace="people"), "1") == []


async def test_a_new_list_replaces_all(watch: EventsOfPods) -> None:
    watch.resources = {"people/d": about("2", "Pulled")}
    assert reasons(watch, "1") == []
    assert reasons(watch, "2") == ["Pulled"]
