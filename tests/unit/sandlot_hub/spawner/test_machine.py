from __future__ import annotations

import asyncio

import pytest

from sandlot_hub.adapters.supervisor_client import SupervisorUnreachableError
from sandlot_hub.spawner.exceptions import SpawnUnavailableError
from sandlot_hub.spawner.machine import FACILITIES_AGE, LocalMachine, as_trouble
from support.fake_supervisor import facilities
from support.memory_supervisor import MemorySupervisor, refusal

pytestmark = pytest.mark.asyncio


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_many_forms_ask_once() -> None:
    supervisor = MemorySupervisor(facility=facilities())
    machine = LocalMachine(supervisor=supervisor, monotonic=Clock())
    assert machine.latest is None
    answers = await asyncio.gather(*(machine.facilities() for _ in range(20)))
    assert supervisor.calls == ["facilities"]
    assert all(answer is machine.latest for answer in answers)


async def test_answer_is_good_for_a_second() -> None:
    clock = Clock()
    supervisor = MemorySupervisor(facility=facilities())
    machine = LocalMachine(supervisor=supervisor, monotonic=clock)
    await machine.facilities()
    clock.now = FACILITIES_AGE * 0.99
    await machine.facilities()
    assert len(supervisor.calls) == 1
    supervisor.facility = facilities(cpus=2)
    clock.now = FACILITIES_AGE
    assert (await machine.facilities()).cpus == 2
    assert len(supervisor.calls) == 2


async def test_what_a_server_held_is_free_once_it_has_ended() -> None:
    clock = Clock()
    supervisor = MemorySupervisor(facility=facilities())
    machine = LocalMachine(supervisor=supervisor, monotonic=clock)
    await machine.facilities()
    supervisor.facility = facilities(cpus=2)
    clock.now = 0.1
    machine.forget()
    assert (await machine.facilities()).cpus == 2
    await machine.facilities()
    assert len(supervisor.calls) == 2


async def test_an_answer_to_a_question_from_before_the_end_is_not_good() -> None:
    clock = Clock()
    supervisor = MemorySupervisor(facility=facilities())
    machine = LocalMachine(supervisor=supervisor, monotonic=clock)
    asked = asyncio.create_task(machine.facilities())
    # Two turns: the flight begins with the first, the question with the second.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert supervisor.calls == ["facilities"]
    clock.now = 0.1
    machine.forget()
    supervisor.facility = facilities(cpus=2)
    assert (await asked).cpus == 2
    assert len(supervisor.calls) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(SupervisorUnreachableError("x"), "supervisor-unreachable", id="unreachable"),
        pytest.param(refusal("forbidden", 403), "forbidden", id="refused"),
    ],
)
async def test_trouble_is_converted_once(error: Exception, code: str) -> None:
    with pytest.raises(SpawnUnavailableError) as trouble:
        async with as_trouble():
            raise error
    assert trouble.value.code == code
    assert trouble.value.__cause__ is error
