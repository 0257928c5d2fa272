from __future__ import annotations

from contextvars import Context
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub import orm

from sandlot_contracts.offers import AvailabilitySnapshot
from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.adapters.supervisor_client import SupervisorUnreachableError
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import (
    SpawnRefused,
    SpawnUnavailableError,
    StartUnderwayError,
    UnconfirmedStartError,
)
from sandlot_hub.spawner.local import SandlotLocalSpawner
from sandlot_hub.spawner.machine import MACHINE_KEY, LocalMachine
from sandlot_hub.spawner.mixin import read_end
from sandlot_hub.spawner.offers_feed import FEED_KEY, Seen
from support.fake_supervisor import facilities
from support.local_catalogue import CATALOGUE
from support.memory_supervisor import MemorySupervisor, state

if TYPE_CHECKING:
    from sandlot_contracts.supervisor import LocalFacilities
    from sandlot_hub.domain.values.entitlements import Entitlements

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


@dataclass
class Feed:
    """What the offers service said last."""

    live: bool
    stream_url: str = ""
    availability_url: str = ""
    said: LocalFacilities = field(default_factory=facilities)

    async def seen(self) -> Seen:
        snapshot = AvailabilitySnapshot(
            as_of="2026-11-21T12:00:00Z", age_s=7.0, settings_hash="", machine=self.said
        )
        return Seen(snapshot=snapshot, age_s=7.0, counted_at=0.0, live=self.live)

    def ticket(self, owner: Entitlements) -> str:
        return owner.user


def _fed(spawner: SandlotLocalSpawner, feed: Feed) -> None:
    service = SimpleNamespace(url="http://127.0.0.1:1", api_token="a-token")
    spawner.user.settings.update({"services": {"offers": service}, FEED_KEY: feed})


def _open(spawner: SandlotLocalSpawner) -> None:
    """Set what the hub sets when somebody opens a spawn page."""
    spawner.handler = SimpleNamespace(
        request=SimpleNamespace(headers={}), get_query_argument=lambda _name, default: default
    )


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


@pytest.mark.parametrize(
    ("server", "counted"),
    [
        pytest.param(orm.Server(), {"large": 1}, id="the hub ended while it ran"),
        # The hub commits that there is no server a moment before it clears the state.
        pytest.param(None, {}, id="the hub ended while it stopped"),
    ],
)
def test_places_are_those_of_servers_that_the_hub_knows(
    server: orm.Server | None, counted: dict[str, int]
) -> None:
    spawner = _spawner()
    spawner.orm_spawner.server = server
    spawner.load_state({"sandlot": {"spawn_id": "0" * 32, "last_options": LARGE}})
    assert spawner.places.running() == counted


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("live", "taken"),
    [
        pytest.param(True, 1, id="live"),
        # The page says that it does not know; no number may say otherwise.
        pytest.param(False, None, id="not live"),
    ],
)
async def test_numbers_are_shown_while_they_are_known(*, live: bool, taken: int | None) -> None:
    spawner = _spawner()
    small = {**CATALOGUE["sizes"]["small"], "max_running": 3}
    sizes = {**CATALOGUE["sizes"], "small": small}
    spawner.settings = SandlotSettings.model_validate({**CATALOGUE, "sizes": sizes})
    spawner.places.take("somebody", "small")
    _fed(spawner, Feed(live=live))
    everyday, *_ = await spawner.kubespawner_profiles()
    assert everyday["profile_options"]["size"]["choices"]["small"]["sandlot"]["taken"] == taken


@pytest.mark.asyncio
async def test_a_refusal_is_explained_while_it_holds() -> None:
    spawner = _spawner(_machine())
    large = {**CATALOGUE["sizes"]["large"], "max_running": 1}
    sizes = {**CATALOGUE["sizes"], "large": large}
    spawner.settings = SandlotSettings.model_validate({**CATALOGUE, "sizes": sizes})
    spawner.places.take("somebody", "large")
    with pytest.raises(SpawnRefused):
        await hooks.apply_user_options(spawner, dict(LARGE))
    assert 'id="sandlot-refused"' in await spawner.get_options_form()
    spawner.places.release("somebody")
    assert 'id="sandlot-refused"' not in await spawner.get_options_form()
    # What was asked for is still what is chosen.
    everyday, *_ = await spawner.kubespawner_profiles()
    assert everyday["profile_options"]["size"]["choices"]["large"]["default"]


BUILDING = facilities(images={"base": LocalImage(state="building")})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("supervisor", "live", "ready", "age_s"),
    [
        pytest.param(_machine(), True, False, 7.0, id="live: nobody is asked"),
        # It was built since: nothing that the form refuses may be from an hour ago.
        pytest.param(_machine(), False, True, 0.0, id="not live: the machine is asked"),
        pytest.param(None, False, False, 7.0, id="nobody answers: what was said"),
    ],
)
async def test_form_is_as_of_now_where_that_can_be_known(
    supervisor: MemorySupervisor | None, age_s: float, *, live: bool, ready: bool
) -> None:
    spawner = _spawner(supervisor)
    _fed(spawner, Feed(live=live, said=BUILDING))
    seen = await spawner.availability()
    assert (seen.facilities.images["base"].ready, seen.age_s, seen.live) == (ready, age_s, live)


@pytest.mark.asyncio
async def test_plan_is_what_the_hook_allowed() -> None:
    spawner = _spawner(_machine())
    await hooks.apply_user_options(spawner, LARGE)
    assert spawner.plan is not None
    assert spawner.plan.options == spawner.user_options == spawner.orm_spawner.user_options == LARGE
    assert spawner.orm_spawner.state["sandlot"]["spawn_id"] == spawner.spawn_id != ""
    assert spawner.choice_title == "Everyday · JupyterLab · Large"


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
async def test_why_a_server_ended_is_kept_until_the_next_start() -> None:
    killed = state("exited", exit_code=137, reason="It needed more than its 1 GiB of memory.")
    spawner = _spawner(MemorySupervisor(states=[killed]))
    spawner.spawn_id = "0" * 32
    await spawner.poll()
    assert spawner.ended is not None
    assert spawner.ended.code == "server-exited"
    assert spawner.ended.message == (
        "Your server has ended. It needed more than its 1 GiB of memory. Next: start it again."
    )
    spawner.clear_state()
    again = _spawner(_machine())
    again.load_state(spawner.get_state())
    assert read_end(again.get_state()) == spawner.ended
    await hooks.apply_user_options(again, dict(LARGE))
    assert read_end(again.get_state()) is None


@pytest.mark.asyncio
async def test_an_end_that_was_asked_for_is_no_news() -> None:
    stopped = state("exited", exit_code=0, reason="It was stopped.")
    spawner = _spawner(MemorySupervisor(states=[stopped, stopped]))
    spawner.spawn_id = "0" * 32
    await spawner.stop()
    assert await spawner.poll() == 0
    assert spawner.ended is None


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
    _open(spawner)
    for read in (spawner.run_options_from_form, spawner.options_from_query):
        with pytest.raises(StartUnderwayError) as underway:
            read({"profile": ["everyday"]})
        assert underway.value.headers == {"Location": "/hub/spawn-pending/ann"}
    await hooks.apply_user_options(spawner, {})
    assert spawner.options_from_query({"size": ["small"]}) == {"size": "small"}


NAMED = {"profile": ["cpu"], "reference": ["Quay.io/lab/x"], "size": ["small"]}


@pytest.mark.parametrize(
    ("saved", "posted", "starts"),
    [
        pytest.param(None, None, False, id="of somebody else"),
        pytest.param("quay.io/lab/x:latest", None, True, id="started last, in words of its own"),
        pytest.param("quay.io/lab/x:1", None, False, id="another one was started"),
        pytest.param(None, "quay.io/lab/x", True, id="sent with a form"),
        pytest.param(None, "quay.io/lab/y", False, id="another one was sent"),
        pytest.param(None, "://", False, id="what was sent is no name"),
    ],
)
def test_a_link_starts_only_the_named_image_that_its_reader_has_named(
    saved: str | None, posted: str | None, *, starts: bool
) -> None:
    spawner = _spawner(saved=None if saved is None else {"reference": saved})
    if posted is not None:
        spawner.run_options_from_form({"profile": ["cpu"], "reference": [posted]})
        spawner.release_start()
    _open(spawner)
    if starts:
        assert spawner.options_from_query(NAMED)["reference"] == "Quay.io/lab/x"
        return
    with pytest.raises(UnconfirmedStartError) as unconfirmed:
        spawner.options_from_query(NAMED)
    filled_in = "/hub/spawn/ann#profile=cpu&reference=Quay.io%2Flab%2Fx&size=small"
    assert unconfirmed.value.headers == {"Location": filled_in}
    # Nothing is under way, so that the reader can press Start.
    assert spawner.run_options_from_form({"profile": ["cpu"]})


@pytest.mark.parametrize("reference", ["", "://", "UPPER/case"])
def test_what_is_no_name_of_an_image_starts_nothing(reference: str) -> None:
    spawner = _spawner()
    _open(spawner)
    for _ in range(2):
        with pytest.raises(UnconfirmedStartError):
            spawner.options_from_query({"profile": ["cpu"], "reference": [reference]})
        spawner.run_options_from_form({"profile": ["cpu"], "reference": [reference]})
        spawner.release_start()


def test_a_link_of_which_nothing_is_known_starts_nothing() -> None:
    def read() -> None:
        with pytest.raises(UnconfirmedStartError):
            _spawner().options_from_query({"profile": ["everyday"]})

    Context().run(read)


def test_a_request_is_judged_by_its_own_headers() -> None:
    spawner = _spawner()

    def read() -> object:
        _open(spawner)
        # Meanwhile another request came, and a start has ended.
        Context().run(_open, spawner)
        spawner.handler = None
        return spawner.options_from_query({"profile": ["everyday"]})

    assert Context().run(read) == {"profile": "everyday"}


def test_uploaded_file_is_no_option() -> None:
    posted = _spawner().run_options_from_form({"profile": ["everyday"], "a_file": [{"body": b""}]})
    assert posted == {"profile": "everyday", "a_file": "(a file)"}


@pytest.mark.asyncio
async def test_profile_list_has_the_shape_of_kubespawner() -> None:
    everyday, course = await _spawner(_machine(), saved=LARGE).kubespawner_profiles()
    assert (everyday["slug"], everyday["default"]) == ("everyday", True)
    assert everyday["profile_options"]["size"]["choices"]["large"]["default"]
    assert course["slug"] == "course"
