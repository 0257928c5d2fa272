from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandlot_contracts.images import ImageContents, Package
from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.local.image_build import BuildKit, BuildLimits, Workshop
from sandlot_hub.local.image_contents import size_on_disk
from sandlot_hub.local.image_definitions import ImageDefinition, PythonInfo
from sandlot_hub.local.image_store import ImageStore
from sandlot_hub.local.images import ImageBuilder
from sandlot_hub.local.processes import Identity
from sandlot_hub.local.server_wheel import ServerWheel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sandlot_contracts.supervisor import LocalImage
    from sandlot_hub.local.logs import Sink
    from sandlot_hub.local.processes import Command

pytestmark = pytest.mark.asyncio

PYTHON = PythonInfo(executable=Path("/usr/bin/python3"), version="3.11.2", platform="linux")
WHEEL = ServerWheel(
    filename="s-1-py3-none-any.whl", content=b"w", digest="d", has_labextension=True
)
NUMPY = Package(name="numpy", version="2.4.1")
LIMITS = BuildLimits(afterlife=timedelta(0))


class FakeRunner:
    """Runs nothing; tells what it was asked, and ends as the test says."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.outcome: int | Exception = 0
        self.output = b""
        self.gate: asyncio.Event | None = None
        self.started = asyncio.Event()

    async def stream(self, command: Command, *, sink: Sink, timeout_s: float) -> int:
        assert timeout_s > 0
        self.commands.append(command)
        sink.write(self.output)
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    @property
    def programs(self) -> list[str]:
        """What ran, behind the shell that sets the umask."""
        return [Path(command.argv[3]).name for command in self.commands]


class Log:
    def __init__(self) -> None:
        self.text = ""

    def write(self, chunk: bytes) -> None:
        self.text += chunk.decode()


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def told() -> list[str]:
    """How the images stood, whenever a change was told."""
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest_asyncio.fixture
async def make(
    runner: FakeRunner, folder: Path, log: Log, told: list[str]
) -> AsyncIterator[Callable[[], ImageBuilder]]:
    made: list[ImageBuilder] = []

    def builder() -> ImageBuilder:
        identity = Identity(uid=os.getuid(), gid=os.getgid())
        store = ImageStore(folder=folder, builder=identity, own_uid=False)
        kit = BuildKit(uv=Path("/opt/uv"), python=PYTHON, wheel=WHEEL)
        environment = {"UV_DEFAULT_INDEX": "mirror", "HOME": "/home/x", "SECRET": "no"}
        definitions = {
            name: ImageDefinition(
                name=name, slot=f"{name}-1", requirements=b"", files={}, packages=(NUMPY,)
            )
            for name in ("base", "scipy")
        }
        made.append(
            ImageBuilder(
                definitions=definitions,
                store=store,
                workshop=Workshop(
                    runner=runner, store=store, kit=kit, environment=environment, limits=LIMITS
                ),
                log=log,
                clock=SystemClock(),
                changed=lambda: told.extend(each.state for each in made[-1].states().values()),
            )
        )
        return made[-1]

    yield builder
    for each in made:
        await each.close()


async def settled(builder: ImageBuilder) -> dict[str, LocalImage]:
    async with asyncio.timeout(10):
        await builder.settled()
    return builder.states()


def built(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


async def test_a_build(make: Callable[[], ImageBuilder], runner: FakeRunner, folder: Path) -> None:
    builder = make()
    builder.want(["base"])
    assert builder.states()["base"].state == "queued"
    assert builder.environment("base") is None

    states = await settled(builder)

    assert states["base"].state == "ready"
    assert builder.environment("base") == folder / "base-1"
    assert runner.programs == ["uv", "cp", "uv", "jupyterhub-singleuser"]


async def test_what_is_inside_is_told(
    make: Callable[[], ImageBuilder], runner: FakeRunner, folder: Path
) -> None:
    builder = make()
    builder.want(["base"])
    contents = builder.states()["base"].contents
    assert contents == ImageContents(packages=(NUMPY,))  # before it is built, too

    contents = (await settled(builder))["base"].contents

    assert contents.packages == (NUMPY,)
    assert contents.built_at is not None
    assert contents.built_at.endswith("Z")
    assert contents.size_bytes == size_on_disk(folder / "base-1")


async def test_nothing_is_measured_twice(
    make: Callable[[], ImageBuilder], runner: FakeRunner, folder: Path
) -> None:
    first = make()
    first.want(["base"])
    await settled(first)
    kept = folder / ".sizes/base-1"
    kept.write_text("4711")

    second = make()
    second.want(["base"])
    assert second.states()["base"].contents.size_bytes == 4711

    kept.write_text("garbage")
    third = make()
    third.want(["base"])
    assert third.states()["base"].contents.size_bytes is None
    assert (await settled(third))["base"].contents.size_bytes == size_on_disk(folder / "base-1")
    assert kept.read_text().isdigit()
    assert not kept.stat().st_mode & 0o022


async def test_an_image_whose_size_cannot_be_kept_is_ready_all_the_same(
    make: Callable[[], ImageBuilder], folder: Path, log: Log
) -> None:
    builder = make()
    builder.want(["base"])
    (folder / ".sizes").rmdir()
    state = (await settled(builder))["base"]
    assert (state.state, state.contents.size_bytes) == ("ready", None)
    assert "the size of base-1 is not known" in log.text


async def test_every_step_is_told(
    make: Callable[[], ImageBuilder], runner: FakeRunner, told: list[str]
) -> None:
    builder = make()
    builder.want(["base"])
    await settled(builder)
    assert told == ["queued", "building", "ready", "ready"]  # the last one is measured


async def test_builds_get_no_more_of_the_environment_than_they_need(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    builder = make()
    builder.want(["base"])
    await settled(builder)

    environment = runner.commands[0].environment
    assert environment["UV_DEFAULT_INDEX"] == "mirror"
    assert environment["HOME"] == "/home/x"
    assert "SECRET" not in environment


async def test_no_package_runs_code_while_it_is_installed(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    builder = make()
    builder.want(["base"])
    await settled(builder)

    install = runner.commands[2].argv
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(install)
    assert all(command.niceness > 0 for command in runner.commands)


async def test_progress_is_told(make: Callable[[], ImageBuilder], runner: FakeRunner) -> None:
    runner.gate, runner.output = asyncio.Event(), b"Prepared 34 packages in 1.03s\n"
    builder = make()
    builder.want(["base", "scipy"])
    await runner.started.wait()

    states = builder.states()
    assert (states["base"].state, states["base"].detail) == ("building", "Installing the packages.")
    assert 0 < states["base"].progress < 1
    assert states["scipy"].state == "queued"

    runner.gate.set()
    assert {state.state for state in (await settled(builder)).values()} == {"ready"}


async def test_what_is_built_is_ready_at_once(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    first = make()
    first.want(["base"])
    await settled(first)
    runner.commands.clear()

    second = make()
    second.want(["base"])

    assert second.states()["base"].state == "ready"
    assert second.environment("base") is not None
    assert not runner.commands


async def test_an_image_without_a_folder(make: Callable[[], ImageBuilder]) -> None:
    builder = make()
    builder.want(["nothing"])

    state = builder.states()["nothing"]
    assert state.state == "missing"
    assert "“nothing”" in state.detail
    assert builder.environment("nothing") is None


@pytest.mark.parametrize(
    ("outcome", "output", "words"),
    [
        pytest.param(2, b"error: no such host\n", "no such host", id="with-a-reason"),
        pytest.param(3, b"", "uv ended with exit code 3", id="without"),
        pytest.param(
            TimeoutError(), b"waiting\n", "took longer than 10 min. waiting", id="too-slow"
        ),
        pytest.param(OSError(28, "No space left on device"), b"", "No space left", id="disk-full"),
    ],
)
async def test_a_failed_build(
    make: Callable[[], ImageBuilder],
    runner: FakeRunner,
    folder: Path,
    log: Log,
    outcome: int | Exception,
    output: bytes,
    words: str,
) -> None:
    runner.outcome, runner.output = outcome, output
    builder = make()
    builder.want(["base", "scipy"])

    states = await settled(builder)

    assert {state.state for state in states.values()} == {"failed"}
    assert words in states["base"].detail
    assert "image base could not be built" in log.text
    assert built(folder) == []


async def test_a_failed_build_is_tried_again_when_it_is_wanted_again(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    runner.outcome = 1
    builder = make()
    builder.want(["base"])
    await settled(builder)
    runner.outcome = 0

    builder.want(["base"])

    assert (await settled(builder))["base"].state == "ready"


async def test_what_is_wanted_while_old_ones_are_removed_is_not_forgotten(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    runner.outcome = 1
    builder = make()
    builder.want(["base"])
    while builder.states()["base"].state != "failed":  # noqa: ASYNC110 (this very moment is tested)
        await asyncio.sleep(0)
    runner.outcome = 0

    builder.want(["base"])

    assert (await settled(builder))["base"].state == "ready"


async def test_wanting_more_keeps_what_there_is(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    builder = make()
    builder.want(["base"])
    await settled(builder)
    before = len(runner.commands)

    builder.want(["scipy"])
    builder.want(["base", "scipy"])

    assert set(await settled(builder)) == {"base", "scipy"}
    assert builder.environment("base") is not None
    assert len(runner.commands) == 2 * before


async def test_two_supervisors_build_once(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    runner.gate = asyncio.Event()
    first, second = make(), make()
    first.want(["base"])
    await runner.started.wait()
    second.want(["base"])
    assert "Another Sandlot" in second.states()["base"].detail

    runner.gate.set()

    assert (await settled(first))["base"].state == "ready"
    assert (await settled(second))["base"].state == "ready"
    assert runner.programs.count("jupyterhub-singleuser") == 1


async def test_closing_ends_a_build_and_the_next_one_begins_anew(
    make: Callable[[], ImageBuilder], runner: FakeRunner
) -> None:
    runner.gate = asyncio.Event()
    builder = make()
    builder.want(["base"])
    await runner.started.wait()

    await builder.close()

    other = make()
    runner.gate = None
    other.want(["base"])
    assert (await settled(other))["base"].state == "ready"


async def test_what_a_killed_supervisor_left_is_built_anew(
    make: Callable[[], ImageBuilder], runner: FakeRunner, folder: Path
) -> None:
    (folder / "base-1/lib").mkdir(parents=True)
    builder = make()
    builder.want(["base"])

    assert (await settled(builder))["base"].state == "ready"
    assert not (folder / "base-1/lib").exists()
    assert runner.commands
