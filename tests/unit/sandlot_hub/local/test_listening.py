from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.listening import Listening, who_listens
from sandlot_hub.local.processes import Identity
from sandlot_hub.local.procfs import listeners, process, processes, sockets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ME = Identity(uid=os.geteuid(), gid=os.getegid())
SOMEBODY = Identity(uid=21_987, gid=21_987)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def look(port: int, *, pid: int | None = None, identity: Identity = ME, own: bool) -> Listening:
    return who_listens(port, guard_pid=pid or os.getpid(), identity=identity, own_uids=own)


@pytest.mark.parametrize("own", [True, False])
def test_our_own_socket_is_ours(listener: socket.socket, own: bool) -> None:
    assert look(port_of(listener), own=own) is Listening.OURS


@pytest.mark.parametrize("own", [True, False])
def test_nobody_listens(listener: socket.socket, own: bool) -> None:
    port = port_of(listener)
    listener.close()
    assert look(port, own=own) is Listening.NOBODY


def test_another_uid_is_told_apart(listener: socket.socket) -> None:
    assert look(port_of(listener), identity=SOMEBODY, own=True) is Listening.OTHERS


@pytest.mark.parametrize(
    "server",
    [
        pytest.param("socket.create_server(('127.0.0.1', 0))", id="loopback"),
        pytest.param("socket.create_server(('', 0))", id="everywhere"),
        pytest.param(
            "socket.create_server(('', 0), family=socket.AF_INET6, dualstack_ipv6=True)", id="both"
        ),
    ],
)
def test_another_process_of_the_same_uid_is_told_apart(server: str) -> None:
    script = f"import socket; s = {server}; print(s.getsockname()[1], flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert look(port, pid=other.pid, own=False) is Listening.OURS
        assert look(port, pid=os.getppid(), own=False) is Listening.OURS, "it is below that, too"
        with subprocess.Popen(["/bin/sleep", "1000"]) as stranger:
            assert look(port, pid=stranger.pid, own=False) is Listening.OTHERS
            stranger.kill()
        other.kill()


def test_a_socket_that_loopback_does_not_reach_is_of_no_interest() -> None:
    with socket.create_server(("127.0.0.2", 0)) as elsewhere:
        assert listeners(port_of(elsewhere)) == []


def test_sockets_are_found_by_process(listener: socket.socket) -> None:
    (found,) = listeners(port_of(listener))
    assert found.uid == os.geteuid()
    assert found.inode in sockets_of([os.getpid()])
    assert found.inode not in sockets_of([os.getppid()])


def test_a_process_is_known_by_pid_and_start() -> None:
    me = process(os.getpid())
    assert me is not None
    assert (me.uid, me.parent, me.ended) == (os.getuid(), os.getppid(), False)
    assert processes()[os.getpid()] == me
    assert process(2**22 + 1) is None
