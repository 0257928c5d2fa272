"""A real PostgreSQL for tests: in a folder of its own, on loopback, with a random password."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from .stack import free_port, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNTS = ("postgres", "nobody")
"""Whom it runs as when the tests run as root, which it refuses: it wants a name, too."""
COMMAND_S = 60.0
USER = "sandlot"


class Postgresql:
    """One server.

    Parameters
    ----------
    folder
        For its data; of whoever it runs as.
    uid
        Whom it runs as; as the tests do when None.
    """

    def __init__(self, folder: Path, uid: int | None) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._folder = folder
        self._uid = uid
        known = folder / "password"
        known.write_text(self.password)
        if uid is not None:
            os.chown(known, uid, uid)
        self._run(
            "initdb", "--pgdata", self._data, "--username", USER, "--pwfile", str(known),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip

    @property
    def url(self) -> str:
        """With the password."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # Nothing here has to survive the machine's end.
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories="
            " -c fsync=off -c max_connections=20"
        )
        log = str(self._folder / "log")
        self._control("start", "--log", log, "--options", options)

    def stop(self) -> None:
        """End it at once, as when its machine is switched off."""
        self._control("stop", "--mode", "immediate")

    def connect(self) -> psycopg.Connection:
        """Return a connection; the caller closes it."""
        return psycopg.connect(self.url, connect_timeout=10)

    def close(self) -> None:
        """End it if it runs."""
        if (Path(self._data) / "postmaster.pid").exists():
            self.stop()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "--pgdata", self._data, "--wait", *words)

    def _run(self, program: str, *words: str) -> None:
        as_user: list[str] = []
        if self._uid is not None:
            uid = str(self._uid)
            as_user = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"]
        # Into a file: a pipe would stay open as long as the server that is started.
        output = self._folder.parent / "output"
        with output.open("w") as file:
            done = subprocess.run(
                [*as_user, find_program(program), *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd="/",
                timeout=COMMAND_S,
                check=False,
            )
        assert done.returncode == 0, output.read_text()


def find_program(name: str) -> str:
    """Return where a program of PostgreSQL is; Debian keeps them out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for folder in folders:
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        pytest.skip("this machine has no PostgreSQL")
    return found


def _account() -> int:
    known = {each.pw_name: each.pw_uid for each in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


@contextlib.contextmanager
def running_postgresql() -> Iterator[Postgresql]:
    """Give a server that answers; it ends with the context."""
    uid = _account() if os.geteuid() == 0 else None
    with open_folder() as place, contextlib.ExitStack() as stack:
        folder = place / "postgresql"
        folder.mkdir(mode=0o700)
        if uid is not None:
            os.chown(folder, uid, uid)
        server = Postgresql(folder, uid)
        stack.callback(server.close)
        server.start()
        yield server
