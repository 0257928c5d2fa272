from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local import procfs
from sandlot_hub.local.dask_proxy import find_dask_proxy
from sandlot_hub.local.held_ports import HeldPorts, LentPort, hold_port
from sandlot_hub.local.ports import PortInUseError

if TYPE_CHECKING:
    from collections.abc import Iterator

ME = os.geteuid()
OTHER = 61_987
LISTEN = """
import socket, sys
socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=True)
"""


PROXY_S = 60.0
"""How long the proxy may take to listen, on a machine that does other things too."""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def held(port: int) -> Iterator[HeldPorts]:
    made = HeldPorts()
    made.hold({port: ME})
    yield made
    made.close()


@pytest.fixture
def lent(port: int) -> Iterator[LentPort]:
    ports = HeldPorts()
    yield ports.hold_to_lend(port)
    ports.close()


def dask_proxy(port: int) -> subprocess.Popen[bytes]:
    """Start the real proxy to schedulers; it finds nobody to ask for routes."""
    address = f"127.0.0.1:{port}"
    return subprocess.Popen(
        [
            *(str(find_dask_proxy()), "-address", address, "-tcp-address", address),
            *("-api-url", "http://127.0.0.1:1/routes", "-log-level", "error"),
        ],
        env={"DASK_GATEWAY_PROXY_TOKEN": "t"},
        cwd="/",
        stderr=subprocess.DEVNULL,
    )


def wait_listening(proxy: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PROXY_S
    while not procfs.listeners(port):
        assert proxy.poll() is None, "the proxy ended"
        assert time.monotonic() < deadline, "the proxy does not listen"


def can_listen(port: int, *, reuse_port: bool = False) -> bool:
    try:
        socket.create_server(("127.0.0.1", port), reuse_port=reuse_port).close()
    except OSError:
        return False
    return True


@pytest.mark.usefixtures("held")
def test_who_knows_of_it_listens_beside_it_and_is_reached(port: int) -> None:
    assert not can_listen(port)
    with (
        socket.create_server(("127.0.0.1", port), reuse_port=True) as part,
        socket.create_connection(("127.0.0.1", port)) as caller,
    ):
        accepted, address = part.accept()
        accepted.close()
        assert address == caller.getsockname()
    assert not can_listen(port)
    assert can_listen(port, reuse_port=True)


@pytest.mark.usefixtures("held")
def test_nobody_answers_while_the_part_is_down(port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.root
def test_only_the_uid_that_it_is_held_for_can_listen(port: int) -> None:
    with hold_port(port, uid=OTHER):
        got = [
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", LISTEN, str(port)],
                user=uid,
                check=False,
                capture_output=True,
                cwd="/",
            ).returncode
            for uid in (OTHER, OTHER + 1, 0)
        ]
    assert got == [0, 1, 1]


def test_the_proxy_to_schedulers_has_its_port_for_itself(port: int, lent: LentPort) -> None:
    """It sets SO_REUSEADDR only, as a thief would who knows of it."""
    assert not can_listen(port)
    for _ in range(2):
        lent.lend()
        with dask_proxy(port) as proxy:
            wait_listening(proxy, port)
            assert not can_listen(port), "its own socket keeps others away"
            lent.take_back()
            proxy.kill()
        assert not can_listen(port), "now the held one does"


@pytest.mark.usefixtures("lent")
def test_the_proxy_to_schedulers_needs_to_be_lent_its_port(port: int) -> None:
    with dask_proxy(port) as proxy:
        assert proxy.wait(PROXY_S) != 0


def test_a_port_that_was_let_go_is_not_lent_any_more(port: int) -> None:
    ports = HeldPorts()
    lent = ports.hold_to_lend(port)
    ports.close()
    lent.lend()
    lent.take_back()
    assert can_listen(port)


def test_without_a_uid_nobody_can_listen(port: int) -> None:
    with hold_port(port):
        assert not can_listen(port)
        assert not can_listen(port, reuse_port=True)
    assert can_listen(port)


def test_connections_of_before_are_in_nobodys_way(port: int) -> None:
    with (
        socket.create_server(("127.0.0.1", port)) as before,
        socket.create_connection(("127.0.0.1", port)) as caller,
    ):
        before.accept()[0].close()  # this end first: it is the one that lingers
        caller.recv(1)
    with hold_port(port):
        assert not can_listen(port)


def test_a_port_that_was_taken_meanwhile_is_told_and_the_others_are_let_go(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        taken = thief.getsockname()[1]
        with pytest.raises(PortInUseError, match=str(taken)):
            HeldPorts().hold({port: ME, taken: ME})
    assert can_listen(port)
