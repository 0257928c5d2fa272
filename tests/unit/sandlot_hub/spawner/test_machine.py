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
