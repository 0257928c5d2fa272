from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Literal

import pytest

from sandlot_hub.local.port_watch import PortWatch
from sandlot_hub.local.processes import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.asyncio

ME = os.geteuid()
OTHER = ME + 21_987


class FakePlan:
    """Where a part listens and as whom; the watch asks nothing else."""

    def __init__(self, port: int, uid: int) -> None:
        self.port = port
        self.identity = Identity(uid=uid, gid=uid)


class FakePart:
    """A part that is in the state that the test says."""

    def __init__(self, port: int, *, uid: int = OTHER) -> None:
        self.plan = FakePlan(port, uid)
        self.state: Literal["running", "restarting"] = "restarting"
        self.calls: list[str] = []

    async def stop(self, *, now: bool = False) -> None:
        self.calls.append(f"stop now={now}")

    def start(self) -> None:
        self.calls.append("start")


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that this process, the thief, listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


class Bench:
    """A watch over a hub and a proxy."""

    def __init__(self, hub: FakePart, proxy: FakePart) -> None:
        self.said: list[str] = []
        self.proxy = proxy
        parts = {"hub": hub, "proxy": proxy}
        self.watch = PortWatch(parts=parts, proxy="proxy", say=self.said.append)  # type: ignore[arg-type]


def bench(taken: socket.socket, *, uid: int = OTHER) -> tuple[Bench, FakePart]:
    hub = FakePart(taken.getsockname()[1], uid=uid)
    proxy = FakePart(1)
    proxy.state = "running"
    return Bench(hub, proxy), hub


async def test_the_proxy_is_down_as_long_as_somebody_has_the_hubs_port(
    taken: socket.socket,
) -> None:
    on, hub = bench(taken)
    await on.watch._look()
    await on.watch._look()
    assert on.proxy.calls == ["stop now=True"]
    (said,) = on.said
    assert f"uid {ME} has taken port {hub.plan.port} of the hub" in said

    taken.close()
    await on.watch._look()
    await on.watch._look()
    assert on.proxy.calls == ["stop now=True", "start"]
    assert "started" in on.said[-1]


async def test_the_parts_own_uid_is_no_thief(taken: socket.socket) -> None:
    on, _ = bench(taken, uid=ME)
    await on.watch._look()
    assert (on.proxy.calls, on.said) == ([], [])


async def test_a_running_part_holds_its_port_itself(taken: socket.socket) -> None:
    on, hub = bench(taken)
    hub.state = "running"
    await on.watch._look()
    assert (on.proxy.calls, on.said) == ([], [])


async def test_the_proxys_own_port_is_told(taken: socket.socket) -> None:
    hub = FakePart(1)
    hub.state = "running"
    on = Bench(hub, FakePart(taken.getsockname()[1]))
    await on.watch._look()
    assert on.proxy.calls == []
    assert "of the proxy. Nobody can log in" in on.said[0]


async def test_a_part_that_the_proxy_sends_nothing_to_is_told_only(
    taken: socket.socket,
) -> None:
    said: list[str] = []
    aside, proxy = FakePart(taken.getsockname()[1]), FakePart(1)
    proxy.state = "running"
    watch = PortWatch(
        parts={"aside": aside, "proxy": proxy},  # type: ignore[dict-item]
        proxy="proxy",
        say=said.append,
        apart=frozenset({"aside"}),
    )

    await watch._look()
    taken.close()
    await watch._look()
    assert proxy.calls == []
    (told,) = said
    assert told.endswith("of the aside. It works again when that program ends.")
