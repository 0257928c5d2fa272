"""The servers of all users: what is started, what runs, what has ended and why."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from sandlot_hub.domain.values.names import safe_slug

from .accounts import HomeError
from .gpu_environment import in_their_groups
from .gpu_leases import Lease
from .limited import start_limited
from .logs import RotatingLog
from .ports import is_free
from .processes import Command
from .refusals import RefusedRequestError
from .server import Server, ServerProcess, start_mark
from .server_environment import check_given, server_environment
from .uids import NoUidsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandlot_contracts.supervisor import LogTail, ServerState, StartServer
    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu
    from sandlot_hub.domain.settings.model import SandlotSettings

    from .accounts import Accounts
    from .gpu_leases import GpuLeases
    from .processes import Launcher
    from .server_limits import ServerLimits

_REMEMBERED = 1000
"""How many ended servers are remembered, for the hub to ask why."""
_LOG_BYTES = 1024 * 1024
_LOOK_S = 0.1


class Servers:
    """Starts, knows and ends users' servers.

    Parameters
    ----------
    launcher
        Starts their processes.
    accounts
        Knows whom they run as and where their homes are.
    environment
        Returns the folder of a ready local environment by its name, else None.
    limits
        Limits what they use.
    leases
        Gives GPUs to those that have some.
    logs
        Folder of their logs.
    changed
        Called when one more or one less runs.
    """

    def __init__(  # noqa: PLR0913 (what it works with, injected)
        self,
        *,
        launcher: Launcher,
        accounts: Accounts,
        environment: Callable[[str], Path | None],
        limits: ServerLimits,
        leases: GpuLeases,
        logs: Path,
        changed: Callable[[], None],
    ) -> None:
        self._launcher = launcher
        self._accounts = accounts
        self._environment = environment
        self._limits = limits
        self._leases = leases
        self._logs = logs
        self._changed = changed
        self._loaded: tuple[LoadedSettings, ...] = ()
        """What requests may follow, the newest first."""
        self._by_id: OrderedDict[str, Server] = OrderedDict()
        self._current: dict[tuple[str, str], Server] = {}
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._closed = False
        leases.read_from(self._held_gpus)

    def use(self, loaded: LoadedSettings) -> None:
        """Start servers according to these settings from now on.

        Until `settle` those of before hold too: while the hub is restarted, the one of
        before still serves for a while, and asks according to them.
        """
        self._loaded = (loaded, *self._loaded[:1])

    def settle(self) -> None:
        """Forget the settings of before."""
        self._loaded = self._loaded[:1]

    def running(self) -> int:
        """Return how many run."""
        return sum(server.running for server in self._by_id.values())

    def running_by_size(self) -> dict[str, int]:
        """Return how many run of each size, by its slug; no size of which none does."""
        return dict(Counter(s.request.size for s in self._by_id.values() if s.running))

    async def start(self, request: StartServer) -> ServerState:
        """Start a server, or return the one that already has this spawn id.

        An owner has one server of each name. When one still runs, the hub has lost
        sight of it (it was restarted in the middle of a start): it is ended first.

        Raises
        ------
        RefusedRequestError
            If the request cannot be carried out as it is.
        """
        key = (request.owner, request.server_name)
        # The lock keeps two requests for one server apart while the first one waits for
        # an earlier process to end.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            known = self._by_id.get(request.spawn_id)
            if known is None:
                # All but the port, which the earlier one may have: a request that cannot be
                # carried out ends nothing.
                settings = self._check(request)
                earlier = self._current.get(key)
                await self._check_gpus(request, settings, earlier)
                if earlier is not None and earlier.running:
                    await earlier.stop()
                known = await self._start(request)
                self._current[key] = known
                self._remember(known)
                known.when_over(self._changed)
                self._changed()
        return known.state()

    async def get(self, spawn_id: str, *, wait_s: float = 0.0) -> ServerState:
        """Return the state of a server.

        While it is starting, the answer waits for up to `wait_s` seconds: the hub, which
        has one core for everybody, then asks once in place of ten times.

        Raises
        ------
        RefusedRequestError
            If no such server is known (404).
        """
        server = self._known(spawn_id)
        loop = asyncio.get_running_loop()
        latest = loop.time() + wait_s
        state = server.state()
        while state.state == "starting" and loop.time() < latest:
            await asyncio.sleep(_LOOK_S)
            state = server.state()
        return state

    async def stop(self, spawn_id: str, *, now: bool) -> ServerState:
        """End a server, and return its state when nothing is left of it.

        Raises
        ------
        RefusedRequestError
            As in `get`.
        """
        server = self._known(spawn_id)
        await server.stop(now=now)
        return server.state()

    def log_tail(self, spawn_id: str) -> LogTail:
        """Return the last lines that a server wrote.

        Raises
        ------
        RefusedRequestError
            As in `get`.
        """
        return self._known(spawn_id).log_tail()

    async def close(self, *, now: bool = False) -> None:
        """End all servers, and start none any more."""
        self._closed = True
        running = [server for server in self._by_id.values() if server.running]
        await asyncio.gather(*(server.stop(now=now) for server in running))
        for server in self._by_id.values():
            server.release_port()

    def _held_gpus(self) -> Iterator[Lease]:
        for server in self._by_id.values():
            if server.gpus and server.running:
                request = server.request
                yield Lease(holder=request.spawn_id, owner=request.owner, gpus=server.gpus)

    def _known(self, spawn_id: str) -> Server:
        server = self._by_id.get(spawn_id)
        if server is None:
            sentence = f"No server with the spawn id {spawn_id[:40]!r} is known."
            raise RefusedRequestError(sentence, code="server-unknown", status=404)
        return server

    def _remember(self, server: Server) -> None:
        self._by_id[server.request.spawn_id] = server
        ended = [each for each in self._by_id.values() if not each.running]
        for old in ended[: max(0, len(ended) - _REMEMBERED)]:
            del self._by_id[old.request.spawn_id]
            key = (old.request.owner, old.request.server_name)
            if self._current.get(key) is old:
                del self._current[key]

    async def _start(self, request: StartServer) -> Server:
        # Again: while an earlier server ended, this may have been closed.
        settings = self._check(request)
        _check_port(request.port)
        # From here to its place in `_by_id` nothing is awaited that a start could come between.
        gpus = self._leases.take(
            settings.sizes[request.size].accelerator, settings, holder=request.spawn_id
        )
        log = self._log(request)
        log.write_line(start_mark(request))
        try:
            held = self._limits.take(request.spawn_id, settings.sizes[request.size])
            try:
                guarded = start_limited(
                    self._command(request, settings, gpus),
                    launcher=self._launcher,
                    limits=self._limits,
                    held=held,
                    log=log,
                )
            except BaseException:
                await self._limits.give_back(held)
                raise
        except (OSError, HomeError, NoUidsError) as error:
            log.close()
            sentence = f"The server cannot be started on this machine: {error}"
            raise RefusedRequestError(sentence, code="cannot-start", status=503) from error
        identity = self._accounts.user(request.owner)
        return Server(
            request=request,
            process=ServerProcess(
                guarded=guarded, identity=identity, own_uids=self._accounts.own_uids
            ),
            held=held,
            gpus=gpus,
            log=log,
            give_back=self._limits.give_back,
        )

    def _check(self, request: StartServer) -> SandlotSettings:
        """Return the settings that the request fits; the caller is not believed.

        Raises
        ------
        RefusedRequestError
            If the request does not fit the settings, or what is ready now.
        """
        if not self._loaded or self._closed:
            sentence = "The supervisor starts no servers at the moment."
            raise RefusedRequestError(sentence, code="not-serving", status=503)
        by_hash = {each.hash: each.settings for each in self._loaded}
        if request.settings_hash not in by_hash:
            sentence = "The settings have changed. Run `sandlot restart hub`."
            raise RefusedRequestError(sentence, code="settings-changed", status=409)
        settings = by_hash[request.settings_hash]
        if not request.owner.isprintable():
            sentence = "The owner's name has characters that do not print."
            raise RefusedRequestError(sentence, code="owner", field="owner")
        for field, known in (("image", settings.images), ("size", settings.sizes)):
            slug = getattr(request, field)
            if slug not in known:
                sentence = f"There is no {field} {slug[:40]!r}."
                raise RefusedRequestError(sentence, code=f"{field}-unknown", field=field)
        if self._folder(request, settings) is None:
            sentence = f"The image {request.image} is not ready on this machine."
            raise RefusedRequestError(sentence, code="image-unavailable", status=409, field="image")
        check_given(request.environment)
        return settings

    async def _check_gpus(
        self, request: StartServer, settings: SandlotSettings, earlier: Server | None
    ) -> None:
        """Look whether there are GPUs for it, those of an earlier server of its own included.

        Raises
        ------
        RefusedRequestError
            If there are not.
        """
        accelerator = settings.sizes[request.size].accelerator
        if accelerator is not None:
            await self._leases.fresh()
            holder = "" if earlier is None else earlier.request.spawn_id
            self._leases.take(accelerator, settings, holder=holder)

    def _folder(self, request: StartServer, settings: SandlotSettings) -> Path | None:
        local = settings.images[request.image].local
        return None if local is None else self._environment(local)

    def _command(
        self, request: StartServer, settings: SandlotSettings, gpus: tuple[MachineGpu, ...]
    ) -> Command:
        image = self._folder(request, settings)
        assert image is not None  # noqa: S101 (checked before; this tells the type)
        home = self._accounts.home(request.owner)
        return Command(
            argv=(f"{image}/bin/jupyterhub-singleuser",),
            environment=server_environment(
                user=request.owner, home=home, image=image, given=request.environment, gpus=gpus
            ),
            directory=home,
            identity=in_their_groups(self._accounts.user(request.owner), gpus),
            grace_s=settings.local.stop_grace,
        )

    def _log(self, request: StartServer) -> RotatingLog:
        # No slug has a dot: no two servers share a log.
        names = [safe_slug(name) for name in (request.owner, request.server_name) if name]
        path = self._logs / f"{'.'.join(names)}.log"
        return RotatingLog(path, max_bytes=_LOG_BYTES, backups=1)


def _check_port(port: int) -> None:
    if not is_free(port):
        sentence = f"Port {port} is taken. Try again with another one."
        raise RefusedRequestError(sentence, code="port-taken", status=409, field="port")
