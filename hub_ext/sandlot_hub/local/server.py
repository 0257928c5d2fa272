"""One user's server: its process, its limits, its log and its end."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sandlot_contracts.supervisor import LogTail, ServerState

from .endings import why_it_ended
from .held_ports import hold_port
from .listening import Listening, who_listens
from .logs import tail

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from sandlot_contracts.supervisor import StartServer
    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu

    from .logs import RotatingLog
    from .processes import Guarded, Identity
    from .server_limits import Held

_TAIL_LINES = 50
_HOLD_S = 60.0
"""How long the port of a server that has ended is kept from others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """What runs, and as whom."""

    guarded: Guarded
    identity: Identity
    own_uids: bool
    """Whether that is a uid of the owner's own."""


class Server:
    """A server from its start until somebody asks why it ended.

    Parameters
    ----------
    request
        What the hub asked for.
    process
        Its process.
    held
        Its limits.
    gpus
        Those that it may use: nobody else's until nothing is left of it.
    log
        Where its output goes.
    give_back
        Frees `held` when nothing is left of it.
    """

    def __init__(  # noqa: PLR0913 (what it is made of)
        self,
        *,
        request: StartServer,
        process: ServerProcess,
        held: Held,
        gpus: tuple[MachineGpu, ...],
        log: RotatingLog,
        give_back: Callable[[Held], Coroutine[None, None, None]],
    ) -> None:
        self.request = request
        self.gpus = gpus
        self._process = process
        self._held = held
        self._log = log
        self._give_back = give_back
        self._listens = False
        self._asked = False
        self._reason = ""
        self._held_port: socket.socket | None = None
        self._over = asyncio.get_running_loop().create_task(self._until_over())

    @property
    def running(self) -> bool:
        """Whether anything of it is left."""
        return not self._over.done()

    def when_over(self, tell: Callable[[], None]) -> None:
        """Call `tell` when nothing of it is left."""
        self._over.add_done_callback(lambda _: tell())

    def state(self) -> ServerState:
        """Return how it is now.

        A port that somebody else has taken ends the server: nothing must be sent there.
        """
        if self.running and not self._listens and not self._asked:
            self._look_at_port()
        return ServerState(
            spawn_id=self.request.spawn_id,
            owner=self.request.owner,
            server_name=self.request.server_name,
            state=self._phase(),
            pid=self._process.guarded.pid,
            uid=self._process.identity.uid,
            port=self.request.port,
            exit_code=None if self.running else self._process.guarded.exit_code,
            reason="" if self.running else self._reason,
        )

    async def stop(self, *, now: bool = False) -> None:
        """End it, and wait until nothing is left of it."""
        self._asked = True
        await self._process.guarded.stop(now=now)
        await self._over
        self.release_port()

    def release_port(self) -> None:
        """Let others have its port: no route leads there any more."""
        if self._held_port is not None:
            self._held_port.close()
            self._held_port = None

    def log_tail(self) -> LogTail:
        """Return the last lines that it wrote, without those of earlier servers."""
        lines = tail(self._log.path, _TAIL_LINES)
        marks = [n for n, line in enumerate(lines) if line.endswith(start_mark(self.request))]
        return LogTail(lines=lines[marks[-1] + 1 :] if marks else lines)

    def _phase(self) -> Literal["starting", "listening", "exited"]:
        if not self.running:
            return "exited"
        return "listening" if self._listens else "starting"

    def _look_at_port(self) -> None:
        found = who_listens(
            self.request.port,
            guard_pid=self._process.guarded.pid,
            identity=self._process.identity,
            own_uids=self._process.own_uids,
        )
        self._listens = found is Listening.OURS
        if found is Listening.OTHERS:
            self._reason = (
                f"Another program of this machine has taken port {self.request.port}, "
                "which was meant for this server. Start it again; it gets another port."
            )
            self._process.guarded.kill()

    async def _until_over(self) -> None:
        code = await self._process.guarded.wait()
        if not self._asked:
            self._hold_port()
        self._reason = self._reason or why_it_ended(
            code,
            asked=self._asked,
            memory_kills=self._held.memory_kills(),
            memory_bytes=self._held.memory_bytes,
        )
        await self._process.guarded.drained()
        self._log.write_line(f"ended with exit code {code}: {self._reason}")
        self._log.close()
        await self._give_back(self._held)

    def _hold_port(self) -> None:
        """Keep the port from others: the proxy sends people there until the hub has noticed."""
        with contextlib.suppress(OSError):  # somebody else has it, which may be why it ended
            self._held_port = hold_port(self.request.port)
            asyncio.get_running_loop().call_later(_HOLD_S, self.release_port)


def start_mark(request: StartServer) -> str:
    """Return the line that separates the log of this start from what stands before it."""
    return f"start {request.spawn_id} on port {request.port}"
