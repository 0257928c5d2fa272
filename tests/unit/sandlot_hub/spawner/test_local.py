from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm

from sandlot_hub.adapters.supervisor_client import SupervisorUnreachableError
from sandlot_hub.domain.settings import SandlotSettings
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnRefused, SpawnUnavailableError, StartUnderwayError
from sandlot_hub.spawner.local import SandlotLocalSpawner
from sandlot_hub.spawner.machine import MACHINE_KEY, LocalMachine
from support.fake_supervisor import facilities
from support.local_catalogue import CATALOGUE
from support.memory_supervisor import MemorySupervisor, state

LARGE = {"profile": "everyday", "image": "base", "size": "large"}


def _spawner(
    supervisor: MemorySupervisor | None = None, *, saved: dict[str, Any] | None = None
) -> SandlotLocalSpawner:
    settings: dict[str, Any] = {}
    if supervisor is not None:
        machine = LocalMachine(supervisor=supervisor, monotonic=lambda: 0.0)
        settings[MACHINE_KEY] = machine
    user = SimpleNamespace(
        name="ann", escaped_name="ann", admin=False, groups=[], settings=settings
    )
    spawner = SandlotLocalSpawner(
        user=user,
        hub=SimpleNamespace(base_url="/hub/"),
        orm_spawner=orm.Spawner(name="", user_options=saved),
        settings=SandlotSettings.model_validate(CATALOGUE),
    )
    spawner.load_state({} if saved is None else {"sandlot": {"last_options": saved}})
    return spawner


def _machine() -> MemorySupervisor:
    return MemorySupervisor(facility=facilities())


def test_it_needs_nothing_of_the_configuration() -> None:
    spawner = _spawner()
    assert spawner.apply_user_options is hooks.apply_user_options
    assert spawner.options_form is hooks.render_options_form
    # The hub waits longer than we do (2 s in this catalogue), or its own words would win.
    assert spawner.start_timeout == 17
    # A server that has ended must not keep its route for the hub's usual half minute.
    assert spawner.poll_interval == 3


def test_state_comes_back() -> None:
    spawner = _spawner(saved=LARGE)
    spawner.spawn_id = "0" * 32
    again = _spawner()
    again.load_state(spawner.get_state())
    assert (again.spawn_id, again.last_options) == ("0" * 32, LARGE)
    again.clear_state()
    assert (again.spawn_id, again.last_options) == ("", LARGE)


@pytest.mark.asyncio
async def test_plan_is_what_the_hook_allowed() -> None:
    spawner = _spawner(_machine())
    await hooks.apply_user_options(spawner, LARGE)
    assert spawner.plan is not None
    assert spawner.plan.options == spawner.user_options == spawner.orm_spawner.user_options == LARGE
    assert spawner.orm_spawner.state["sandlot"]["spawn_id"] == spawner.spawn_id != ""
    assert spawner.plan_title == "Everyday · JupyterLab · Large"


@pytest.mark.asyncio
async def test_every_start_has_its_own_spawn_id() -> None:
    spawner = _spawner(_machine())
    await hooks.apply_user_options(spawner, {})
    first = spawner.spawn_id
    await hooks.apply_user_options(spawner, {})
    assert spawner.spawn_id != first


@pytest.mark.asyncio
async def test_refusal_goes_back_to_the_last_choice() -> None:
    spawner = _spawner(_machine(), saved=LARGE)
    with pytest.raises(SpawnRefused):
        await hooks.apply_user_options(spawner, {"profile": "nope"})
    assert spawner.plan is None
    assert spawner.spawn_id == ""
    assert spawner.user_options == spawner.orm_spawner.user_options == LARGE


@pytest.mark.asyncio
async def test_repeated_choice_that_is_gone_gives_way_but_not_one_that_was_asked_for() -> None:
    gone = {"profile": "everyday", "image": "base", "size": "gone"}
    spawner = _spawner(_machine(), saved=gone)
    with pytest.raises(SpawnRefused):
        await hooks.apply_user_options(spawner, dict(gone))
    # What the hub passes on when nothing was asked for: the stored object itself.
    await hooks.apply_user_options(spawner, spawner.orm_spawner.user_options)
    assert spawner.plan is not None
    assert spawner.plan.size_slug == "small"
    told = [event["message"] async for event in _ended(spawner)]
    assert told[0].startswith("Your last choice could not be used again")


def _ended(spawner: SandlotLocalSpawner) -> Any:
    spawner.story.end()
    return spawner.progress()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("spawn_id", "answer", "status"),
    [
        pytest.param("", None, 0, id="never started"),
        pytest.param("0" * 32, state("listening"), None, id="running"),
        pytest.param("0" * 32, state("exited", exit_code=9), 9, id="ended"),
        pytest.param("0" * 32, SupervisorUnreachableError("x"), None, id="not known"),
    ],
)
async def test_poll(spawn_id: str, answer: Any, status: int | None) -> None:
    spawner = _spawner(MemorySupervisor(states=[answer]))
    spawner.spawn_id = spawn_id
    assert await spawner.poll() == status


@pytest.mark.asyncio
async def test_start_without_a_plan_starts_nothing() -> None:
    supervisor = MemorySupervisor()
    with pytest.raises(SpawnUnavailableError) as trouble:
        await _spawner(supervisor).start()
    assert trouble.value.code == "plan-missing"
    assert supervisor.calls == []


@pytest.mark.asyncio
async def test_hub_without_supervisor_says_so() -> None:
    with pytest.raises(SpawnUnavailableError) as trouble:
        await _spawner().get_options_form()
    assert trouble.value.code == "supervisor-missing"


def test_hub_without_settings_says_so() -> None:
    with pytest.raises(SpawnUnavailableError) as trouble:
        _ = SandlotLocalSpawner(user=SimpleNamespace(settings={})).required_settings
    assert trouble.value.code == "settings-missing"


@pytest.mark.asyncio
async def test_second_request_of_a_double_click_is_led_to_the_first() -> None:
    spawner = _spawner(_machine())
    assert spawner.run_options_from_form({"profile": ["everyday"]}) == {"profile": "everyday"}
    for read in (spawner.run_options_from_form, spawner.options_from_query):
        with pytest.raises(StartUnderwayError) as underway:
            read({"profile": ["everyday"]})
        assert underway.value.headers == {"Location": "/hub/spawn-pending/ann"}
    await hooks.apply_user_options(spawner, {})
    assert spawner.options_from_query({"size": ["small"]}) == {"size": "small"}


def test_uploaded_file_is_no_option() -> None:
    posted = _spawner().run_options_from_form({"profile": ["everyday"], "a_file": [{"body": b""}]})
    assert posted == {"profile": "everyday", "a_file": "(a file)"}


@pytest.mark.asyncio
async def test_profile_list_has_the_shape_of_kubespawner() -> None:
    everyday, course = await _spawner(_machine(), saved=LARGE).kubespawner_profiles()
    assert (everyday["slug"], everyday["default"]) == ("everyday", True)
    assert everyday["profile_options"]["size"]["choices"]["large"]["default"]
    assert course["slug"] == "course"
