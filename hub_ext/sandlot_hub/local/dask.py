"""The schedulers and workers of all users' Dask clusters: what is started, runs and has ended.

They belong to the supervisor, like users' servers, and not to the gateway that asks for them: so
they outlive it, and the next gateway finds each of them by its process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from sandlot_contracts.supervisor import DaskStates, LogTail
from sandlot_hub.domain.values.names import safe_slug

from .accounts import HomeError
from .dask_command import dask_command
from .dask_process import DaskProcess
from .gpu_environment import in_their_groups
from .gpu_leases import Lease
from .limited import start_limited
from .logs import RotatingLog, tail
from .refusals import RefusedRequestError
from .uids import NoUidsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandlot_contracts.supervisor import DaskState, StartDask
    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu
    from sandlot_hub.domain.settings.model import AcceleratorRequest, SandlotSettings

    from .accounts import Accounts
    from .gpu_leases import GpuLeases
    from .processes import Command, Launcher
    from .server_limits import ServerLimits

_LOG_BYTES = 256 * 1024
_TAIL_LINES = 50


class DaskProcesses:
    """Starts, knows and ends them.

    Parameters
    ----------
    launcher
        Starts processes.
    accounts
        Knows whom they run as and where the owners' homes are.
    environment
        Returns the folder of a ready local environment by its name, else None.
    limits
        Limits what they use.
    leases
        Gives GPUs to workers that have some.
    logs
        Folder of their logs.
    api_url
        Where the gateway listens to schedulers.
    remembered
        How many ended processes are remembered, with their logs, for the gateway to ask why.
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
        api_url: str,
        remembered: int = 500,
    ) -> None:
        self._launcher = launcher
        self._accounts = accounts
        self._environment = environment
        self._limits = limits
        self._leases = leases
        self._logs = logs
        self._api_url = api_url
        self._remembered = remembered
        self._loaded: tuple[LoadedSettings, ...] = ()
        """What requests may follow, the newest first."""
        self._by_id: OrderedDict[str, DaskProcess] = OrderedDict()
        # Of every supervisor another one: nobody takes the next one's for that which they have.
        self._version = time.time_ns() // 1_000_000
        self._changed = asyncio.Event()
        self._closed = False
        leases.read_from(self._held_gpus)
        _forget_old(logs, keep=remembered)

    def use(self, loaded: LoadedSettings) -> None:
        """Start processes according to these settings from now on.

        Until `settle` those of before hold too: the gateway of before still serves for a while.
        """
        self._loaded = (loaded, *self._loaded[:1])

    def settle(self) -> None:
        """Forget the settings of before."""
        self._loaded = self._loaded[:1]

    async def start(self, request: StartDask) -> DaskState:
        """Start a process, or return the one that already has this id.

        Raises
        ------
        RefusedRequestError
            If the request cannot be carried out as it is.
        """
        is_new = request.process_id not in self._by_id
        if is_new and _accelerator(request, self._check(request)) is not None:
            await self._leases.fresh()
        # Again: while the driver was asked, this may have been closed, or the same asked for.
        known = self._by_id.get(request.process_id)
        if known is None:
            known = await self._start(request, self._check(request))
        return known.state()

    async def states(
        self, *, after: int | None = None, wait_s: float = 0.0, gone: Callable[[], bool]
    ) -> DaskStates:
        """Return how all of them are; wait for a change while the version is `after`."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + wait_s
        while after == self._version and not self._closed and not gone():
            left = latest - loop.time()
            if left <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
        processes = tuple(each.state() for each in self._by_id.values())
        return DaskStates(version=self._version, processes=processes)

    async def stop(self, process_id: str, *, now: bool) -> DaskState:
        """End a process, and return its state when nothing is left of it.

        Raises
        ------
        RefusedRequestError
            If no such process is known (404).
        """
        process = self._known(process_id)
        await process.stop(now=now)
        return process.state()

    def log_tail(self, process_id: str) -> LogTail:
        """Return the last lines that a process wrote.

        Raises
        ------
        RefusedRequestError
            As in `stop`.
        """
        return LogTail(lines=tail(self._known(process_id).log_path, _TAIL_LINES))

    def end_waiting(self) -> None:
        """Answer those who wait for a change now."""
        self._closed = True
        self._tell()

    async def end_all(self, *, now: bool = False) -> None:
        """End all of them, and wait until nothing is left."""
        running = [each for each in self._by_id.values() if each.running]
        await asyncio.gather(*(each.stop(now=now) for each in running))

    async def close(self, *, now: bool = False) -> None:
        """End all of them, and start none any more."""
        self.end_waiting()
        await self.end_all(now=now)

    def _held_gpus(self) -> Iterator[Lease]:
        for process in self._by_id.values():
            if process.gpus and process.running:
                request = process.request
                yield Lease(holder=request.process_id, owner=request.owner, gpus=process.gpus)

    def _known(self, process_id: str) -> DaskProcess:
        process = self._by_id.get(process_id)
        if process is None:
            sentence = f"No process of a cluster with the id {process_id[:40]!r} is known."
            raise RefusedRequestError(sentence, code="dask-unknown", status=404)
        return process

    def _tell(self) -> None:
        self._version += 1
        # Whoever waits holds the old event; the next to wait gets one that is not set.
        self._changed.set()
        self._changed = asyncio.Event()

    async def _start(self, request: StartDask, settings: SandlotSettings) -> DaskProcess:
        # From here to its place in `_by_id` nothing is awaited that a start could come between.
        gpus = self._leases.take(
            _accelerator(request, settings), settings, holder=request.process_id, worker=True
        )
        log = RotatingLog(
            self._logs / f"{safe_slug(request.owner)}.{request.process_id}.log",
            max_bytes=_LOG_BYTES,
            backups=1,
        )
        log.write_line(f"{request.role} of the cluster {request.cluster}")
        size = (
            settings.dask.scheduler if request.role == "scheduler" else settings.sizes[request.size]
        )
        try:
            held = self._limits.take(request.process_id, size)
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
            sentence = f"The {request.role} cannot be started on this machine: {error}"
            raise RefusedRequestError(sentence, code="cannot-start", status=503) from error
        uid = self._accounts.user(request.owner).uid
        process = DaskProcess(
            request=request,
            guarded=guarded,
            uid=uid,
            held=held,
            gpus=gpus,
            log=log,
            limits=self._limits,
        )
        self._remember(process)
        return process

    def _remember(self, process: DaskProcess) -> None:
        self._by_id[process.request.process_id] = process
        process.when_over(self._tell)
        ended = [each for each in self._by_id.values() if not each.running]
        for old in ended[: max(0, len(ended) - self._remembered)]:
            del self._by_id[old.request.process_id]
            _remove_log(old.log_path)
        self._tell()

    def _check(self, request: StartDask) -> SandlotSettings:
        """Return the settings that the request fits; the caller is not believed.

        Raises
        ------
        RefusedRequestError
            If the request does not fit the settings, or what is ready now.
        """
        if not self._loaded or self._closed or not self._loaded[0].settings.dask.enabled:
            sentence = "The supervisor starts no clusters at the moment."
            raise RefusedRequestError(sentence, code="not-serving", status=503)
        by_hash = {each.hash: each.settings for each in self._loaded}
        if request.settings_hash not in by_hash:
            sentence = "The settings have changed."
            raise RefusedRequestError(sentence, code="settings-changed", status=409)
        settings = by_hash[request.settings_hash]
        if not request.owner.isprintable():
            sentence = "The owner's name has characters that do not print."
            raise RefusedRequestError(sentence, code="owner", field="owner")
        if (request.role == "worker") != (request.scheduler_address is not None):
            sentence = "A worker has a scheduler's address, and nothing else has one."
            raise RefusedRequestError(sentence, code="malformed", field="scheduler_address")
        for field, known in (("image", settings.images), ("size", settings.sizes)):
            slug = getattr(request, field)
            if slug not in known:
                sentence = f"There is no {field} {slug[:40]!r}."
                raise RefusedRequestError(sentence, code=f"{field}-unknown", field=field)
        if self._folder(request, settings) is None:
            sentence = f"The image {request.image} is not ready on this machine."
            raise RefusedRequestError(sentence, code="image-unavailable", status=409, field="image")
        return settings

    def _folder(self, request: StartDask, settings: SandlotSettings) -> Path | None:
        local = settings.images[request.image].local
        return None if local is None else self._environment(local)

    def _command(
        self, request: StartDask, settings: SandlotSettings, gpus: tuple[MachineGpu, ...]
    ) -> Command:
        image = self._folder(request, settings)
        assert image is not None  # noqa: S101 (checked before; this tells the type)
        home = self._accounts.home(request.owner)
        return dask_command(
            request,
            settings,
            image=image,
            home=home,
            identity=in_their_groups(self._accounts.user(request.owner), gpus),
            api_url=self._api_url,
            gpus=gpus,
        )


def _accelerator(request: StartDask, settings: SandlotSettings) -> AcceleratorRequest | None:
    """Return what a process needs: workers may, and a scheduler computes nothing."""
    return settings.sizes[request.size].accelerator if request.role == "worker" else None


def _forget_old(logs: Path, *, keep: int) -> None:
    """Remove the oldest logs of earlier runs; the newest are left for whoever looks for a cause."""
    found = sorted(logs.glob("*.log"), key=lambda path: path.lstat().st_mtime)
    for path in found[: max(0, len(found) - keep)]:
        _remove_log(path)


def _remove_log(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink(missing_ok=True)
