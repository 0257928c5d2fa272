"""A hub with our spawner in a process of its own, so that its CPU can be told from the bench's."""

from __future__ import annotations

import asyncio
import multiprocessing
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot_contracts.supervisor import LocalImage
from support.fake_supervisor import FakeSupervisor, facilities
from support.hub_app import running_hub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection

    from sandlot_hub.domain.settings.model import SandlotSettings

_START_S = 60
_END_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions:
    """What the process runs."""

    settings: SandlotSettings
    socket: Path
    """Of the supervisor."""
    users: Mapping[str, Sequence[str]]
    """Groups by user; a user's password is the name."""
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own_supervisor: bool = False
    """Whether the process has a supervisor of its own, in which every image is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubProcess:
    """A running hub."""

    url: str
    """Its root; it is reached without a proxy."""
    pid: int

    def cpu_seconds(self) -> float:
        """Return the CPU time that its event loop has used so far."""
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that the main thread of a process, its event loop, has used so far.

    From the scheduler's own count in nanoseconds: the usual one goes by ticks of 10 ms.
    """
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def hub_process(options: HubOptions) -> Iterator[HubProcess]:
    """Run the hub until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(options, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(_START_S):
            msg = "the hub did not start in time"
            raise RuntimeError(msg)
        assert process.pid is not None
        yield HubProcess(url=ours.recv(), pid=process.pid)
    finally:
        ours.close()
        process.join(_END_S)
        if process.exitcode is None:
            process.kill()


def _main(options: HubOptions, parent: Connection) -> None:
    asyncio.run(_serve(options, parent))


async def _serve(options: HubOptions, parent: Connection) -> None:
    async with AsyncExitStack() as stack:
        if options.own_supervisor:
            images = {slug: LocalImage(state="ready") for slug in options.settings.images}
            supervisor = FakeSupervisor(socket=options.socket, facilities=facilities(images=images))
            await stack.enter_async_context(supervisor.serve())
        running = running_hub(options.settings, options.socket, config=options.config)
        hub = await stack.enter_async_context(running)
        for name, groups in options.users.items():
            hub.add_user(name, *groups)
        parent.send(f"http://127.0.0.1:{hub.app.hub.port}/")
        # Readable when the parent closes its end, or dies.
        await asyncio.to_thread(parent.poll, None)
