"""A real `sandlot up` for tests: started on an empty data directory, followed, and ended by pid.

Nothing here waits for a time to pass: the stack's own progress lines, its exit and its
socket say how far it is, each with a deadline.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.supervisor import StackStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "jupyterhub_config.py"
SANDLOT = Path(sys.executable).with_name("sandlot")
AS_ROOT = os.geteuid() == 0
READY = "Sandlot is ready: "

START_S = 90.0
"""How long the login page may take on a machine that does other things too."""
STOP_S = 60.0
BUILD_S = 900.0
"""How long an image may take that is in no cache yet."""
COMMAND_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a stack is started."""

    config: Path | None = CONFIG
    settings: Path | None = None
    arguments: Sequence[str] = ()
    """More arguments for `sandlot up`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    uid: int | None = None
    """Start it as this user, instead of as the one that runs the tests."""


class Stack:
    """One `sandlot up`."""

    def __init__(self, data_dir: Path, launch: Launch) -> None:
        self.data_dir = data_dir
        self.launch = launch
        self.lines: list[str] = []
        """Everything that it has printed."""
        self._printed = threading.Condition()
        self.process = subprocess.Popen(
            [*self._as_user(), str(SANDLOT), "up", *self._arguments()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd="/",
            env=self._environment(),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """The hub's root with its base URL."""
        return self.wait_for(READY).partition(READY)[2].strip()

    @property
    def admin_password(self) -> str:
        """The first administrator's."""
        return (self.data_dir / "admin-password").read_text().strip()

    @property
    def output(self) -> str:
        """Everything that it has printed, as one text."""
        return "\n".join(self.lines)

    def wait_for(self, words: str, *, unless: str = "", timeout_s: float = START_S) -> str:
        """Return the first line with these words, printed before or from now on.

        A line with the words `unless` says that it will never come.
        """
        deadline = time.monotonic() + timeout_s
        seen = 0
        with self._printed:
            while True:
                for line in self.lines[seen:]:
                    if words in line:
                        return line
                    if unless and unless in line:
                        pytest.fail(f"sandlot up: {line}\n{self.output}")
                seen = len(self.lines)
                if not self._reader.is_alive():
                    pytest.fail(f"sandlot up ended before it said {words!r}:\n{self.output}")
                if not self._printed.wait(deadline - time.monotonic()):
                    pytest.fail(f"sandlot up did not say {words!r} in time:\n{self.output}")

    def wait_ready(self) -> Stack:
        """Wait until the login page answers."""
        self.wait_for(READY)
        return self

    def wait_image(self, slug: str) -> None:
        """Wait until an image can be used; the first time on a machine it is built."""
        self.wait_for(f"Image {slug}: ready.", unless=f"Image {slug}: failed", timeout_s=BUILD_S)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run another `sandlot` command on the same data directory."""
        command, *rest = arguments
        done = subprocess.run(
            [*self._as_user(), str(SANDLOT), command, "--data-dir", str(self.data_dir), *rest],
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
            cwd=self.data_dir.parent,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def status(self) -> StackStatus:
        """Return what `sandlot status --json` says."""
        return StackStatus.model_validate_json(self.run("status", "--json").stdout)

    def add_user(self, name: str, *arguments: str) -> str:
        """Make an account; return its password."""
        self.run("user", "add", name, *arguments)
        return self.run("user", "password", name).stdout.strip()

    def password(self, name: str, *arguments: str) -> str:
        """Return the password of an account, which is made when there is none yet."""
        known = self.run("user", "password", name, check=False)
        if known.returncode == 0:
            return known.stdout.strip()
        return self.add_user(name, *arguments)

    def log(self, part: str) -> str:
        """Return what a part has written."""
        return (self.data_dir / "logs" / f"{part}.log").read_text(errors="replace")

    def stop(self) -> int:
        """End it with SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End the supervisor with SIGKILL, and nothing else."""
        self.process.kill()
        self.process.wait(STOP_S)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """Wait for its end; return the exit code."""
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def _as_user(self) -> list[str]:
        if self.launch.uid is None:
            return []
        uid = str(self.launch.uid)
        return ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"]

    def _environment(self) -> dict[str, str]:
        images = str(images_dir(self.launch.uid))
        home = {} if self.launch.uid is None else {"HOME": images}
        return {**os.environ, **home, "SANDLOT_IMAGES_DIR": images, **self.launch.environment}

    def _arguments(self) -> list[str]:
        arguments = ["--data-dir", str(self.data_dir)]
        if "--port" not in self.launch.arguments:
            arguments += ["--port", str(free_port())]
        for name in ("config", "settings"):
            path = getattr(self.launch, name)
            if path is not None:
                arguments += [f"--{name}", str(path)]
        return [*arguments, *self.launch.arguments]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._printed:
                self.lines.append(line.rstrip("\n"))
                self._printed.notify_all()
        with self._printed:
            self._printed.notify_all()
        self.process.stdout.close()


def images_dir(uid: int | None = None) -> Path:
    """Return the folder of environments that all tests share: they are built once a machine.

    One folder for each uid that runs stacks, since who builds an environment owns it.
    """
    if uid is None and (chosen := os.environ.get("SANDLOT_IMAGES_DIR")):
        return Path(chosen)
    owner = os.geteuid() if uid is None else uid
    folder = Path("/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir())  # noqa: S108 (the owner is checked)
    folder /= f"sandlot-test-images-{owner}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if owner != os.geteuid():
        os.chown(folder, owner, owner)
    assert folder.stat().st_uid == owner, f"{folder} belongs to somebody else"
    return folder


def free_port() -> int:
    """Return a port that nothing listens on, below those of outgoing connections."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = 20_000 + int.from_bytes(os.urandom(2)) % 12_000
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def open_folder(uid: int | None = None) -> Iterator[Path]:
    """Give an empty folder that every uid can pass through, while the context lasts."""
    base = "/var/tmp" if Path("/var/tmp").is_dir() else None  # noqa: S108 (mkdtemp makes it safe)
    folder = Path(tempfile.mkdtemp(prefix="sandlot-test-", dir=base))
    folder.chmod(0o755)
    if uid is not None:
        os.chown(folder, uid, uid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(launch: Launch | None = None, *, data_dir: Path | None = None) -> Iterator[Stack]:
    """Start a stack and wait until people can log in; end it with the context."""
    launch = launch or Launch()
    with contextlib.ExitStack() as stack:
        if data_dir is None:
            data_dir = stack.enter_context(open_folder(launch.uid)) / "data"
        started = Stack(data_dir, launch)
        stack.callback(started.close)
        yield started.wait_ready()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack that the tests of one run share: as root if they run as root."""
    with running() as started:
        yield started


@pytest.fixture
def start() -> Iterator[Callable[..., Stack]]:
    """Return a function that starts a further stack; all are ended with the test.

    It does not wait: the test says for what.
    """
    with contextlib.ExitStack() as open_things:

        def started(data_dir: Path | None = None, **launch: object) -> Stack:
            asked = Launch(**launch)  # type: ignore[arg-type]
            if data_dir is None:
                data_dir = open_things.enter_context(open_folder(asked.uid)) / "data"
            new = Stack(data_dir, asked)
            open_things.callback(new.close)
            return new

        yield started
