from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.supervisor_client import SupervisorUnreachableError
from sandlot_hub.spawner.exceptions import SpawnFailed, SpawnRefused, SpawnUnavailableError
from sandlot_hub.spawner.process import LocalProcess
from sandlot_hub.spawner.progress import StartStory
from support.memory_supervisor import SPAWN_ID, MemorySupervisor, refusal, request, state

if TYPE_CHECKING:
    from sandlot_contracts.supervisor import StartServer

pytestmark = pytest.mark.asyncio


class Ports:
    """Asks with another port each time."""

    def __init__(self) -> None:
        self.next = 40_000

    def __call__(self) -> StartServer:
        self.next += 1
        return request(self.next)


def _process(supervisor: MemorySupervisor) -> tuple[LocalProcess, StartStory]:
    story = StartStory(monotonic=lambda: 0.0)
    process = LocalProcess(supervisor=supervisor, spawn_id=SPAWN_ID, story=story, retry_s=0.0)
    return process, story


async def _answers() -> bool:
    return True


async def _never() -> bool:
    return False


async def _start(process: LocalProcess, *, limit: float = 60.0) -> None:
    await process.start(Ports(), _answers, name="SciPy", limit=limit)


async def _told(story: StartStory) -> list[str]:
    story.end()
    return [event["message"] async for event in story.events()]


async def test_start_returns_when_the_server_listens() -> None:
    supervisor = MemorySupervisor(
        starts=[state("starting")], states=[state("starting"), state("listening")]
    )
    process, story = _process(supervisor)
    await _start(process)
    assert supervisor.calls == ["start", "get", "get"]
    assert (await _told(story))[0] == "Starting SciPy…"
    assert await process.exit_code() is None


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        pytest.param(
            [state("exited", exit_code=7, reason="It could not import jupyterlab.")],
            "Your server ended with code 7 while it was starting. It could not import jupyterlab.",
            id="with a code",
        ),
        pytest.param([None], "Your server ended while it was starting.", id="forgotten"),
    ],
)
async def test_server_that_ends_is_told_with_its_log(states: list, sentence: str) -> None:  # type: ignore[type-arg]
    supervisor = MemorySupervisor(
        starts=[state("starting")], states=states, log=("\x1b[31mImportError\x1b[0m",)
    )
    process, story = _process(supervisor)
    with pytest.raises(SpawnFailed) as failed:
        await _start(process)
    assert failed.value.message.startswith(sentence)
    assert (failed.value.code, failed.value.details) == ("server-exited", ("ImportError",))
    assert (await _told(story))[-1] == failed.value.message


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(SupervisorUnreachableError("It is gone."), id="unreachable"),
        pytest.param(refusal("server-unknown", 404), id="refused"),
    ],
)
async def test_log_that_cannot_be_had_changes_nothing(trouble: Exception) -> None:
    supervisor = MemorySupervisor(starts=[state("exited", exit_code=1)], states=[None], log=trouble)
    process, _ = _process(supervisor)
    with pytest.raises(SpawnFailed) as failed:
        await _start(process)
    assert (failed.value.code, failed.value.details) == ("server-exited", ())


async def test_server_that_never_listens_is_given_up() -> None:
    supervisor = MemorySupervisor(starts=[state("starting")], silent=True, states=[None])
    process, _ = _process(supervisor)
    with pytest.raises(SpawnFailed, match="did not answer within 10 ms") as failed:
        await _start(process, limit=0.01)
    assert failed.value.code == "start-timeout"


async def test_server_that_listens_and_never_answers_is_given_up() -> None:
    supervisor = MemorySupervisor(starts=[state("listening")], states=[state("listening")])
    process, story = _process(supervisor)
    with pytest.raises(SpawnFailed, match="did not answer within 10 ms") as failed:
        await process.start(Ports(), _never, name="SciPy", limit=0.01)
    assert failed.value.code == "start-timeout"
    assert "JupyterLab listens; connecting you…" in await _told(story)


async def test_server_that_ends_before_it_answers_is_told() -> None:
    supervisor = MemorySupervisor(
        starts=[state("listening")], states=[state("listening"), state("exited", exit_code=3)]
    )
    process, _ = _process(supervisor)
    with pytest.raises(SpawnFailed, match="ended with code 3") as failed:
        await process.start(Ports(), _never, name="SciPy", limit=60)
    assert failed.value.code == "server-exited"


async def test_taken_port_is_tried_again_with_another() -> None:
    supervisor = MemorySupervisor(
        starts=[refusal("port-taken"), refusal("port-taken"), state("listening")]
    )
    process, _ = _process(supervisor)
    await _start(process)
    assert [asked.port for asked in supervisor.requests] == [40_001, 40_002, 40_003]


@pytest.mark.parametrize(
    ("starts", "code"),
    [
        pytest.param([refusal("port-taken")] * 3, "port-taken", id="no free port"),
        pytest.param([refusal("settings-changed")], "settings-changed", id="refused"),
        pytest.param(
            [SupervisorUnreachableError("It is gone.")], "supervisor-unreachable", id="unreachable"
        ),
    ],
)
async def test_trouble_of_the_supervisor_is_not_the_users(
    starts: list[Exception], code: str
) -> None:
    supervisor = MemorySupervisor(starts=list(starts))
    process, story = _process(supervisor)
    with pytest.raises(SpawnUnavailableError) as trouble:
        await _start(process)
    assert trouble.value.code == code
    assert (await _told(story))[-1] == trouble.value.jupyterhub_message
    assert len(supervisor.requests) == len(starts)


@pytest.mark.parametrize("code", ["accelerators-busy", "size-never-fits", "size-unavailable"])
async def test_what_somebody_else_was_given_a_moment_ago_is_a_refusal(code: str) -> None:
    supervisor = MemorySupervisor(starts=[refusal(code, 409)])
    process, story = _process(supervisor)
    with pytest.raises(SpawnRefused) as refused:
        await _start(process)
    assert (refused.value.code, refused.value.status_code) == (code, 409)
    assert (await _told(story))[-1] == refused.value.jupyterhub_message


async def test_process_counts_as_running_while_its_start_is_on_its_way() -> None:
    supervisor = MemorySupervisor(starts=[state("listening")], states=[None], gate=asyncio.Event())
    process, _ = _process(supervisor)
    start = asyncio.create_task(_start(process))
    await supervisor.asked.wait()
    assert await process.exit_code() is None
    assert "get" not in supervisor.calls
    assert supervisor.gate is not None
    supervisor.gate.set()
    await start
    assert await process.exit_code() == 0


async def test_stop_waits_for_a_start_that_was_cancelled() -> None:
    supervisor = MemorySupervisor(starts=[state("listening")], gate=asyncio.Event())
    process, _ = _process(supervisor)
    start = asyncio.create_task(_start(process))
    await supervisor.asked.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    stop = asyncio.create_task(process.stop(now=False, limit=60.0))
    # A stop that overtakes its start finds nothing, and the process would stay.
    done, _ = await asyncio.wait([stop], timeout=0.01)
    assert not done
    assert supervisor.calls == ["start"]
    assert supervisor.gate is not None
    supervisor.gate.set()
    await stop
    assert supervisor.calls == ["start", "stop now=False"]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        pytest.param(state("starting"), None, id="starting"),
        pytest.param(state("listening"), None, id="listening"),
        pytest.param(state("exited", exit_code=137), 137, id="killed"),
        pytest.param(state("exited"), 0, id="ended without a code"),
        pytest.param(None, 0, id="unknown"),
    ],
)
async def test_exit_code(found: object, code: int | None) -> None:
    process, _ = _process(MemorySupervisor(states=[found]))  # type: ignore[list-item]
    assert await process.exit_code() == code


async def test_exit_code_that_cannot_be_known_is_not_invented() -> None:
    process, _ = _process(MemorySupervisor(states=[SupervisorUnreachableError("It is gone.")]))
    with pytest.raises(SpawnUnavailableError):
        await process.exit_code()


async def test_stop_that_takes_too_long_is_told() -> None:
    supervisor = MemorySupervisor(starts=[state("listening")], gate=asyncio.Event())
    process, _ = _process(supervisor)
    start = asyncio.create_task(_start(process))
    await supervisor.asked.wait()
    with pytest.raises(SpawnUnavailableError) as trouble:
        await process.stop(now=True, limit=0.01)
    assert trouble.value.code == "stop-timeout"
    start.cancel()
    assert supervisor.gate is not None
    supervisor.gate.set()


@pytest.mark.parametrize(
    ("found", "port"),
    [pytest.param(state("listening"), 40_000, id="known"), pytest.param(None, None, id="unknown")],
)
async def test_port_is_the_supervisors_word(found: object, port: int | None) -> None:
    process, _ = _process(MemorySupervisor(states=[found]))  # type: ignore[list-item]
    assert await process.port() == port
