from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.service_config import write_service_config
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.services.handlers import MAX_BODY
from sandlot_hub.services.process import run
from support.probe_service import ALICE
from support.service_process import TOKEN, running_service, service_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tornado.web import Application

    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.services.context import ServiceContext
    from support.fake_hub import FakeHub
    from support.probe_service import ProbeService
    from support.service_process import RunningService


@asynccontextmanager
async def never(context: ServiceContext) -> AsyncIterator[Application]:
    pytest.fail("it must not get as far as this")
    yield  # type: ignore[unreachable] # what makes it a generator


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def files(tmp_path: Path, settings: LoadedSettings) -> Path:
    """A folder with the resolved settings."""
    write_resolved(tmp_path / "settings.json", settings.settings)
    return tmp_path


def configure(folder: Path, **changes: Any) -> Path:
    path = folder / "service.json"
    values = {"settings_file": folder / "settings.json", **changes}
    write_service_config(path, service_config(**values))
    return path


# --- what keeps it from starting ---------------------------------------------------------------


def test_a_missing_file_is_a_sentence(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = files / "nothing.json"
    assert run(never, ["--config", str(path)], name="offers") == ExitCode.SETTINGS
    assert capfd.readouterr().err == f"{path} cannot be opened: No such file or directory.\n"


def test_the_file_of_another_service_is_a_sentence(
    files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = configure(files, name="quota")
    assert run(never, ["--config", str(path)], name="offers") == ExitCode.SETTINGS
    assert "configures the service 'quota', not 'offers'" in capfd.readouterr().err


def test_wrong_settings_are_a_sentence(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (files / "settings.json").write_text('{"version": 1, "imagse": {}}')
    path = configure(files)
    assert run(never, ["--config", str(path)], name="offers") == ExitCode.SETTINGS
    error = capfd.readouterr().err
    assert "settings.json" in error
    assert "imagse" in error
    assert "Traceback" not in error


def test_a_taken_port_is_a_sentence(
    files: Path, taken: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path = configure(files, port=taken)
    assert run(never, ["--config", str(path)], name="offers") == ExitCode.PORT_IN_USE
    error = capfd.readouterr().err
    assert f"cannot listen on http://127.0.0.1:{taken}: another program does." in error
    assert TOKEN not in error


def test_who_was_told_nothing_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(never, [], name="offers", environment={}) == ExitCode.SETTINGS
    error = capfd.readouterr().err
    assert "The variable SANDLOT_SERVICE is missing." in error
    assert "name its file with --config" in error


async def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionError:
        return False
    writer.close()
    return True


# --- how it ends -------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_request_in_progress_is_finished(
    probe: RunningService, service: ProbeService
) -> None:
    request = asyncio.create_task(probe.ask("api/v1/slow"))
    await service.started.wait()
    probe.stop.set()
    async with asyncio.timeout(10):
        while await accepts(probe.port):  # Nobody new comes in meanwhile.
            pass
    assert not request.done()
    service.gate.set()
    assert (await request).json == {"text": "slow"}
    await probe.task


@pytest.mark.asyncio
async def test_a_request_that_does_not_end_is_cut_off(
    service: ProbeService, settings: LoadedSettings, hub: FakeHub
) -> None:
    async with running_service(
        service.build, settings, name="probe", hub_api_url=hub.api_url, stop_grace=0.05
    ) as probe:
        request = asyncio.create_task(probe.ask("api/v1/slow"))
        await service.started.wait()
        probe.stop.set()
        async with asyncio.timeout(10):
            await probe.task
            with pytest.raises(aiohttp.ClientError):
                await request
    service.gate.set()


@pytest.mark.asyncio
async def test_a_hub_that_is_silent_does_not_keep_it(probe: RunningService, hub: FakeHub) -> None:
    hub.gate = asyncio.Event()
    request = asyncio.create_task(probe.ask("api/v1/notes", token=ALICE))
    await hub.arrival.wait()
    probe.stop.set()
    async with asyncio.timeout(10):
        await probe.task
    await asyncio.gather(request, return_exceptions=True)


# --- what it takes -----------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_body_beyond_the_bound_is_not_read(probe: RunningService) -> None:
    # Refused by its length, or the connection is closed while it is still being sent.
    try:
        answer = await probe.ask(
            "api/v1/notes", method="POST", token=ALICE, data=io.BytesIO(b"x" * MAX_BODY * 2)
        )
    except aiohttp.ClientError:
        return
    assert answer.status == 400


@pytest.mark.asyncio
async def test_a_compressed_body_is_not_unpacked(probe: RunningService) -> None:
    answer = await probe.ask(
        "api/v1/notes",
        method="POST",
        token=ALICE,
        data=gzip.compress(b'{"text": "x"}'),
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )
    assert (answer.status, answer.json["code"]) == (400, "body-json")


@pytest.mark.asyncio
async def test_headers_beyond_the_bound_are_not_read(probe: RunningService) -> None:
    with pytest.raises(aiohttp.ClientError):
        await probe.ask("health", headers={"X-Long": "x" * 100_000})
    assert (await probe.ask("health")).status == 200


# --- the real process --------------------------------------------------------------------------


@pytest.fixture
def free() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.asyncio
async def test_the_process_serves_and_ends_at_sigterm(files: Path, free: int) -> None:
    path = configure(files, port=free, hub_api_url=f"http://127.0.0.1:{free}/hub/api")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandlot_hub.services.offers", "--config", str(path)),
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            first = json.loads(await process.stderr.readline())
            assert (first["message"], first["url"]) == ("serving", f"http://127.0.0.1:{free}")
            # Every address 127.x.y.z is this machine's; only the one in its file is listened on.
            assert await accepts(free)
            assert not await accepts(free, "127.0.0.2")
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{free}/services/offers/"
                async with session.get(f"{url}health") as answer:
                    assert (await answer.json())["service"] == "offers"
                headers = {"Authorization": "token nobody"}
                async with session.get(f"{url}api/v1/offers", headers=headers) as answer:
                    assert answer.status == 503
            process.send_signal(signal.SIGTERM)
            rest = (await process.stderr.read()).decode()
            assert await process.wait() == ExitCode.OK
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [json.loads(line) for line in rest.splitlines()]
    assert lines[-1]["message"] == "stopped"
    assert lines[-1]["cut_off"] is False
    assert TOKEN not in rest
