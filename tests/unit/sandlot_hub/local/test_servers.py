from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.local.refusals import RefusedRequestError
from support.server_machine import SETTINGS, Machine, machine_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with machine_of(tmp_path) as made:
        yield made


async def test_a_server_starts_listens_and_stops(machine: Machine) -> None:
    request = machine.request()
    started = await machine.servers.start(request)
    assert (started.state, started.owner, started.port) == ("starting", "ann", request.port)
    assert started.uid == os.geteuid()
    state = await machine.servers.get(request.spawn_id, wait_s=20)
    assert state.state == "listening"
    assert machine.servers.running() == 1
    assert set(machine.bound[state.pid]) == {0}

    stopped = await machine.servers.stop(request.spawn_id, now=False)
    assert (stopped.state, stopped.reason) == ("exited", "It was stopped.")
    assert machine.servers.running() == 0


async def test_a_server_that_ends_says_why(machine: Machine) -> None:
    request = machine.behaving("exit")
    await machine.servers.start(request)
    state = await machine.servers.get(request.spawn_id, wait_s=20)
    assert (state.state, state.exit_code, state.reason) == ("exited", 3, "It ended by itself.")
    tail = machine.servers.log_tail(request.spawn_id)
    assert tail.lines[0] == "I am ann with exit"


async def test_every_start_and_end_is_told(machine: Machine) -> None:
    first, second = machine.request(1), machine.behaving("exit", 2)
    second = second.model_copy(update={"server_name": "b", "size": "large"})
    await machine.servers.start(first)
    await machine.servers.start(second)
    await machine.servers.get(second.spawn_id, wait_s=20)
    await machine.servers.stop(first.spawn_id, now=True)
    await asyncio.sleep(0)  # it is told in the loop's next turn
    assert machine.counts == [{"small": 1}, {"small": 1, "large": 1}, {"small": 1}, {}]


async def test_the_log_of_an_earlier_server_is_not_shown(machine: Machine) -> None:
    for number in (1, 2):
        await machine.servers.start(machine.behaving("exit", number))
        await machine.servers.get(f"{number:032x}", wait_s=20)
    lines = machine.servers.log_tail(f"{2:032x}").lines
    assert [line for line in lines if line.startswith("I am")] == ["I am ann with exit"]
    log = (machine.folder / "logs" / "ann.log").read_text()
    assert log.count("I am ann") == 2


async def test_the_same_spawn_is_started_once(machine: Machine) -> None:
    request = machine.request()
    first, second = await asyncio.gather(
        machine.servers.start(request), machine.servers.start(request)
    )
    assert first.pid == second.pid
    assert machine.servers.running() == 1


async def test_a_new_spawn_takes_the_place_of_a_forgotten_one(machine: Machine) -> None:
    first, second = machine.request(1), machine.request(2)
    await machine.servers.start(first)
    await machine.servers.start(second)
    assert (await machine.servers.get(first.spawn_id)).state == "exited"
    assert machine.servers.running() == 1


async def test_servers_of_other_names_and_people_stay(machine: Machine) -> None:
    for number, changes in enumerate(
        ({}, {"server_name": "b"}, {"owner": "bob"}, {"owner": "ann/b"}), start=1
    ):
        await machine.servers.start(machine.request(number, **changes))
    assert machine.servers.running() == 4
    assert len(list((machine.folder / "logs").iterdir())) == 4
    assert sorted(len(each) for each in machine.bound.values()) == [1] * 4
    await machine.servers.close()
    assert machine.servers.running() == 0


async def test_a_port_that_somebody_took_ends_the_server(machine: Machine) -> None:
    request = machine.behaving("wait")
    await machine.servers.start(request)
    with socket.create_server(("127.0.0.1", request.port)):
        state = await machine.servers.get(request.spawn_id, wait_s=20)
    assert state.state == "exited"
    assert "has taken port" in state.reason


REFUSED: dict[str, tuple[dict[str, Any], str, int]] = {
    "another-hash": ({"settings_hash": "0"}, "settings-changed", 409),
    "unknown-image": ({"image": "nope"}, "image-unknown", 400),
    "unknown-size": ({"size": "nope"}, "size-unknown", 400),
    "image-not-built": ({"image": "later"}, "image-unavailable", 409),
    "image-for-pods": ({"image": "pods"}, "image-unavailable", 409),
    "environment": ({"environment": {"LD_PRELOAD": "x"}}, "environment", 400),
    "owner-with-newline": ({"owner": "a\nb"}, "owner", 400),
    "owner-with-nul": ({"owner": "a\0b"}, "owner", 400),
}


@pytest.mark.parametrize("row", REFUSED)
async def test_what_does_not_fit_is_refused_before_anything_is_made(
    machine: Machine, row: str
) -> None:
    changes, code, status = REFUSED[row]
    with pytest.raises(RefusedRequestError) as caught:
        await machine.servers.start(machine.request(**changes))
    assert (caught.value.problem.code, caught.value.problem.status) == (code, status)
    assert nothing_made(machine)


async def test_a_port_in_use_is_refused(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        request = machine.request(port=taken.getsockname()[1])
        with pytest.raises(RefusedRequestError) as caught:
            await machine.servers.start(request)
    assert caught.value.problem.code == "port-taken"
    assert nothing_made(machine)


def nothing_made(machine: Machine) -> bool:
    return not [*(machine.folder / "homes").iterdir(), *(machine.folder / "guards").iterdir()]


def home_is_a_link(machine: Machine) -> None:
    (machine.folder / "homes" / "ann").symlink_to("/")


def no_affinity(machine: Machine) -> None:
    def refuse(_pid: int, _cpus: frozenset[int]) -> None:
        raise PermissionError

    machine.servers._limits._set_affinity = refuse


@pytest.mark.parametrize("prepare", [home_is_a_link, no_affinity])
async def test_what_cannot_be_started_gives_everything_back(
    machine: Machine, prepare: Callable[[Machine], None]
) -> None:
    prepare(machine)
    with pytest.raises(RefusedRequestError) as caught:
        await machine.servers.start(machine.request())
    assert caught.value.problem.code == "cannot-start"
    assert machine.servers.running() == 0
    # Both processors are free again: a server of two gets both, one of one the first.
    assert machine.servers._limits._processors.take(1) == frozenset({0})


@pytest.mark.parametrize("call", ["get", "stop", "log_tail"])
async def test_an_unknown_server_is_404(machine: Machine, call: str) -> None:
    options = {"now": True} if call == "stop" else {}
    with pytest.raises(RefusedRequestError) as caught:
        await asyncio.ensure_future(_call(getattr(machine.servers, call), **options))
    assert caught.value.problem.status == 404


async def _call(method: Callable[..., object], **options: bool) -> None:
    answer = method("f" * 32, **options)
    if asyncio.iscoroutine(answer):
        await answer


async def test_nothing_is_started_without_settings_or_after_the_end(machine: Machine) -> None:
    await machine.servers.close()
    with pytest.raises(RefusedRequestError) as caught:
        await machine.servers.start(machine.request())
    assert caught.value.problem.status == 503


async def test_a_refused_start_leaves_the_earlier_server_alone(machine: Machine) -> None:
    first = machine.request(1)
    await machine.servers.start(first)
    with pytest.raises(RefusedRequestError):
        await machine.servers.start(machine.request(2, image="nope"))
    assert (await machine.servers.get(first.spawn_id, wait_s=20)).state == "listening"


async def test_a_new_spawn_may_have_the_port_of_a_forgotten_one(machine: Machine) -> None:
    first = machine.request(1)
    await machine.servers.start(first)
    await machine.servers.get(first.spawn_id, wait_s=20)
    second = machine.request(2, port=first.port, environment=first.environment)
    await machine.servers.start(second)
    assert (await machine.servers.get(second.spawn_id, wait_s=20)).state == "listening"


async def test_the_settings_of_before_hold_until_the_hub_has_changed(machine: Machine) -> None:
    newer = load_settings({**SETTINGS, "local": {"stop_grace": "300 ms"}})
    machine.servers.use(newer)
    await machine.servers.start(machine.request(1))
    await machine.servers.start(machine.request(2, settings_hash=newer.hash))
    machine.servers.settle()
    with pytest.raises(RefusedRequestError) as caught:
        await machine.servers.start(machine.request(3))
    assert caught.value.problem.code == "settings-changed"


async def test_the_port_of_a_server_that_ended_is_kept_until_the_hub_knows(
    machine: Machine,
) -> None:
    request = machine.behaving("exit")
    await machine.servers.start(request)
    await machine.servers.get(request.spawn_id, wait_s=20)
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", request.port))
    await machine.servers.stop(request.spawn_id, now=False)
    socket.create_server(("127.0.0.1", request.port)).close()


async def test_nothing_is_kept_of_a_start_but_the_server(machine: Machine) -> None:
    await machine.servers.start(machine.request())
    assert len(machine.servers._locks) == 0


async def test_a_start_that_waited_for_an_earlier_server_ends_with_the_stack(
    machine: Machine,
) -> None:
    await machine.servers.start(machine.request(1))
    second = asyncio.ensure_future(machine.servers.start(machine.request(2)))
    await asyncio.sleep(0)  # it waits for the first to end
    await machine.servers.close(now=True)
    with pytest.raises(RefusedRequestError) as caught:
        await second
    assert caught.value.problem.code == "not-serving"
    assert machine.servers.running() == 0
