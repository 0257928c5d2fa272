"""Every process of the stack is killed once, and nothing is lost or left behind."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.exits import ExitCode
from support.hub_user import HubUser
from support.processes import below, find_below, server_of, wait_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.stack import Stack

    People = Callable[[str], HubUser]

pytestmark = pytest.mark.timeout(1200)

OPTIONS = {"profile": "everyday", "image": "base", "size": "small"}


@pytest.fixture
def own(start: Callable[..., Stack]) -> Stack:
    """A stack that a test may break."""
    return start().wait_ready()


@pytest.fixture
def ann(own: Stack) -> HubUser:
    own.wait_image("base")
    person = HubUser(own.url, "ann")
    person.log_in(own.add_user("ann"))
    person.start(OPTIONS)
    return person


def test_the_hub_is_killed_and_work_goes_on(stack: Stack, people: People) -> None:
    hal = people("hal")
    server = server_of(stack.process.pid, "hal")
    kernel = hal.kernel()
    with kernel.connected() as channel:
        channel.run("x = 41")
        os.kill(find_below(stack.process.pid, "jupyterhub -f"), signal.SIGKILL)
        stack.wait_for("The hub ended with exit code 137")
        assert channel.run("print(x + 1)").strip() == "42"
        stack.run("restart", "hub")
        assert channel.run("print(x + 2)").strip() == "43"

    assert hal.model()["servers"][""]["ready"] is True
    assert server_of(stack.process.pid, "hal") == server
    assert kernel.run("print(x + 3)").strip() == "44"
    hal.stop()
    wait_ended([server])


def test_the_proxy_is_killed_and_comes_back_with_its_routes(stack: Stack, people: People) -> None:
    pat = people("pat")
    kernel = pat.kernel()
    kernel.run("x = 41")
    kernel_id = pat.lab_api("GET", "api/kernels").json()[0]["id"]

    os.kill(find_below(stack.process.pid, "traefik"), signal.SIGKILL)
    stack.wait_for("The proxy ended with exit code 137")
    stack.run("restart", "proxy")
    assert pat.lab_api("GET", "api/kernels").json()[0]["id"] == kernel_id
    assert pat.kernel().run("print(6 * 7)").strip() == "42"


def test_a_user_kills_the_own_guard_and_everything_of_that_server_ends(
    stack: Stack, people: People
) -> None:
    gus = people("gus")
    gus.kernel().run("import os; os.system('setsid sleep 1000 & setsid sleep 1001 &')")
    guard = server_of(stack.process.pid, "gus").parent
    doomed = below(guard)
    os.kill(guard, signal.SIGKILL)
    wait_ended(doomed)
    assert stack.status().services["hub"] == "running"


def test_the_supervisor_is_killed_and_everything_ends_and_nothing_is_lost(
    own: Stack, ann: HubUser, start: Callable[..., Stack]
) -> None:
    ann.kernel().run("open('work', 'w').write('x'); import os; os.system('setsid sleep 1000 &')")
    everything = below(own.process.pid)
    own.kill()
    wait_ended(everything)

    again = start(own.data_dir, arguments=("--port", own.url.split(":")[2].rstrip("/")))
    again.wait_ready()
    assert again.url == own.url
    again.wait_image("base")
    person = HubUser(again.url, "ann")
    assert person.log_in(again.run("user", "password", "ann").stdout.strip()).status_code == 200
    person.start()
    assert person.kernel().run("print(open('work').read())").strip() == "x"


@pytest.mark.root
def test_a_stopped_guard_does_not_outlive_the_next_start(
    own: Stack, ann: HubUser, start: Callable[..., Stack]
) -> None:
    ann.kernel().run("import os; os.system('setsid sleep 1000 &')")
    guard = server_of(own.process.pid, "ann").parent
    left = below(guard)
    os.kill(guard, signal.SIGSTOP)
    own.kill()
    again = start(own.data_dir).wait_ready()
    wait_ended(left, timeout_s=1)
    assert again.status().servers == 0


THIEF = """
import subprocess, sys
code = '''
import socket
while True:
    for port in PORTS:
        for reuse_port in (False, True):
            try:
                socket.create_server(("127.0.0.1", port), reuse_port=reuse_port)
            except OSError:
                continue
            open("stolen", "a").write(str(port))
'''
subprocess.Popen([sys.executable, "-c", code])
"""


@pytest.mark.root
def test_nobody_can_take_the_port_of_a_part_that_is_down(own: Stack, ann: HubUser) -> None:
    ports = json.loads((own.data_dir / "run" / "supervisor.json").read_text())["ports"]
    ann.kernel().run(THIEF.replace("PORTS", str([*ports.values()])))
    own.run("restart", "hub")
    for part in ("jupyterhub -f", "services.offers", "traefik"):
        os.kill(find_below(own.process.pid, part), signal.SIGKILL)
    for part in ("hub", "offers", "proxy"):
        own.wait_for(f"The {part} ended with exit code 137")
        own.run("restart", part)
    person = HubUser(own.url, "ann")
    assert person.log_in(own.run("user", "password", "ann").stdout.strip()).status_code == 200
    assert not (own.data_dir / "homes" / "ann" / "stolen").exists()


def test_sigterm_ends_everything_in_order(own: Stack, ann: HubUser) -> None:
    ann.kernel()
    everything = below(own.process.pid)
    assert own.stop() == ExitCode.OK
    wait_ended(everything, timeout_s=1)
    assert "received signal 15, stopping" in own.log("servers/ann")
    assert list((own.data_dir / "state" / "guards").iterdir()) == []


def test_a_second_signal_does_not_wait(own: Stack, ann: HubUser) -> None:
    server = server_of(own.process.pid, "ann").pid
    os.kill(server, signal.SIGSTOP)
    everything = below(own.process.pid)
    own.process.send_signal(signal.SIGTERM)
    own.wait_for("Stopping.")
    own.process.send_signal(signal.SIGTERM)
    assert own.wait(20) == ExitCode.OK
    wait_ended(everything, timeout_s=1)


def test_a_service_is_killed_and_comes_back(stack: Stack) -> None:
    os.kill(find_below(stack.process.pid, "services.offers"), signal.SIGKILL)
    stack.wait_for("The offers ended with exit code 137")
    stack.run("restart", "offers")
    assert stack.status().services["offers"] == "running"
