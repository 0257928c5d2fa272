from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from sandlot_hub.spawner.kube_leftovers import LOOK_S, Leftovers, active_spawn_ids
from support.memory_cluster import MemoryCluster

pytestmark = pytest.mark.asyncio

LOST = "1" * 32
MINE = "2" * 32


class House:
    """One namespace, what the hub has in it, and what it looks at."""

    def __init__(self, *known: str) -> None:
        self.cluster = MemoryCluster()
        self.known = frozenset(known)
        self.locked = False
        self.leftovers = Leftovers(
            hub="ours",
            objects=self.cluster,
            pods=lambda: list(self.cluster.pods.values()),
            known=self._read_known,
            grace_s=1,
            log=logging.getLogger("leftovers"),
        )

    def put(self, name: str, **labels: str) -> dict[str, Any]:
        ours = {f"sandlot/{key.replace('_', '-')}": value for key, value in labels.items()}
        return self.cluster.put_pod({"metadata": {"name": name, "labels": ours}})

    def _read_known(self) -> frozenset[str]:
        if self.locked:
            statement = "SELECT"
            raise OperationalError(statement, {}, Exception("database is locked"))
        return self.known

    async def looks(self, count: int) -> list[str]:
        for _ in range(count):
            await self.leftovers.look()
        return sorted(self.cluster.pods)


async def test_what_two_looks_find_unknown_goes() -> None:
    house = House(MINE)
    house.put("lost", hub="ours", spawn_id=LOST)
    house.put("mine", hub="ours", spawn_id=MINE)
    assert await house.looks(1) == ["lost", "mine"]
    assert await house.looks(1) == ["mine"]
    assert house.cluster.asked == ["delete uid-1 in 1 s"]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({"hub": "theirs", "spawn_id": LOST}, id="another-hub"),
        pytest.param({"spawn_id": LOST}, id="no-hub"),
        pytest.param({"hub": "ours"}, id="no-start"),
        pytest.param({}, id="somebody-else"),
    ],
)
async def test_what_is_not_ours_stays(labels: dict[str, str]) -> None:
    house = House()
    house.put("theirs", **labels)
    assert await house.looks(3) == ["theirs"]
    assert house.cluster.asked == []


async def test_what_ends_already_is_left_to_end() -> None:
    house = House()
    house.put("lost", hub="ours", spawn_id=LOST)["metadata"]["deletionTimestamp"] = "2026-11-21"
    await house.looks(3)
    assert house.cluster.asked == []


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_what_ended_can_be_kept_to_look_at(phase: str) -> None:
    house = House()
    house.leftovers.keeps_ended = True
    house.put("ended", hub="ours", spawn_id=LOST)["status"] = {"phase": phase}
    house.put("lost", hub="ours", spawn_id=MINE)["status"] = {"phase": "Running"}
    assert await house.looks(2) == ["ended"]


async def test_what_is_known_in_between_is_no_leftover() -> None:
    house = House()
    house.put("mine", hub="ours", spawn_id=MINE)
    await house.looks(1)
    house.known = frozenset({MINE})
    await house.looks(1)
    house.known = frozenset()
    assert await house.looks(1) == ["mine"]


async def test_a_pod_of_the_same_name_is_another_one() -> None:
    house = House()
    house.put("lost", hub="ours", spawn_id=LOST)
    await house.looks(1)
    house.put("lost", hub="ours", spawn_id="3" * 32)
    assert await house.looks(1) == ["lost"]


async def test_a_removal_whose_answer_is_lost_is_tried_again() -> None:
    house = House()
    house.put("lost", hub="ours", spawn_id=LOST)
    house.cluster.ends_at_once = False
    house.cluster.lose_the_next_answer()
    await house.looks(1)
    assert await house.looks(2) == ["lost"]
    assert house.cluster.asked == ["delete uid-1 in 1 s"]


async def test_nothing_goes_while_the_hub_cannot_read_its_own_list() -> None:
    house = House()
    house.put("mine", hub="ours", spawn_id=MINE)
    await house.looks(1)
    house.locked = True
    assert await house.looks(2) == ["mine"]


async def test_it_looks_for_ever() -> None:
    class EnoughError(Exception):
        pass

    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise EnoughError

    house = House()
    house.put("lost", hub="ours", spawn_id=LOST)
    with pytest.raises(EnoughError):
        await house.leftovers.look_after(sleep=sleep)
    assert waited == [LOOK_S] * 3
    assert house.cluster.pods == {}


@dataclass
class Server:
    spawn_id: str
    active: bool


@dataclass
class User:
    spawners: dict[str, Server] = field(default_factory=dict)


async def test_active_servers_are_known() -> None:
    users = [User({"": Server(MINE, active=True), "a": Server(LOST, active=False)}), User()]
    assert active_spawn_ids(users) == {MINE}
