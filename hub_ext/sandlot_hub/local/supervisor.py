"""`sandlot up` from the first check to the last process: order, signals, exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

from typing_extensions import override

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.nvml import Nvml
from sandlot_hub.adapters.private_file import PrivateFileError
from sandlot_hub.adapters.sysfs_gpus import AmdGpus, IntelGpus

from .dask import DaskProcesses
from .dask_proxy import DaskProxyMissingError, find_dask_proxy
from .datadir import AlreadyRunningError, DataDirectoryError
from .facility_news import FacilityNews
from .foundation import lay_foundation
from .gpu_leases import GpuLeases
from .gpus import MachineGpus
from .hub import HubDatabaseError, HubSettingsError
from .layout import DASK_GATEWAY, DASK_ROUTES
from .leftovers import LeftoversError
from .logs import RotatingLog, tail
from .parts import PartDiedError
from .peers import Peers
from .ports import PUBLIC, PortInUseError
from .progress import OWN_UID, SHARED_UID, Progress, Ready, has_display
from .proxy import ProxyMissingError, find_traefik
from .reachability import UnreachableError
from .servers import Servers
from .socket_api import SocketApi, serving
from .stack import Stack
from .stack_images import StackImages
from .uids import NoUidsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .foundation import Foundation
    from .options import UpOptions

_EXIT_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (AlreadyRunningError, ExitCode.ALREADY_RUNNING),
    (DataDirectoryError, ExitCode.DATA_DIRECTORY),
    (HubDatabaseError, ExitCode.DATA_DIRECTORY),
    (HubSettingsError, ExitCode.SETTINGS),
    (PortInUseError, ExitCode.PORT_IN_USE),
    (PrivateFileError, ExitCode.DATA_DIRECTORY),
    (UnreachableError, ExitCode.UNREACHABLE_PATH),
    (LeftoversError, ExitCode.FAILURE),
    (NoUidsError, ExitCode.FAILURE),
    (PartDiedError, ExitCode.FAILURE),
    (ProxyMissingError, ExitCode.FAILURE),
    (DaskProxyMissingError, ExitCode.FAILURE),
)
_EXPECTED = tuple(kind for kind, _ in _EXIT_CODES)
_LOG_LINES = 15
_IMAGES_LOOK_S = 1.0


class StopSignals:
    """The wish to end: from a signal, or from `sandlot down`. The second one is in a hurry."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()

    def ask(self) -> None:
        """Take one wish to end."""
        (self.hurry if self.asked.is_set() else self.asked).set()

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Listen to the signals while the context lasts."""
        loop = asyncio.get_running_loop()
        signals = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has it ignored
            signals.append(signal.SIGHUP)
        for number in signals:
            loop.add_signal_handler(number, self.ask)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


class _FileHandler(logging.Handler):
    """Writes the supervisor's own log like those of its parts: bounded, 0600."""

    def __init__(self, log: RotatingLog) -> None:
        super().__init__()
        self._log = log

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._log.write(f"{self.format(record)}\n".encode(errors="replace"))


def supervise(options: UpOptions) -> ExitCode:
    """Run the stack until somebody ends it; return the exit code."""
    progress = Progress(clock=time.monotonic)
    os.umask(0o077)  # what others may see is opened file by file
    try:
        return asyncio.run(_supervise(options, progress))
    except _EXPECTED as error:
        progress.fail(str(error))
        return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
    except (OSError, sqlite3.Error) as error:
        progress.fail(_reason(error, options))
        return ExitCode.DATA_DIRECTORY


def _reason(error: OSError | sqlite3.Error, options: UpOptions) -> str:
    """Return the sentence about what went wrong outside of Sandlot: a full disk, a closed file."""
    what = str(error)
    if isinstance(error, sqlite3.Error):
        what = f"the accounts (state/accounts.sqlite): {error}"
    elif error.strerror and error.filename is not None:
        what = f"{error.strerror} ({os.fsdecode(error.filename)})"
    return (
        f"Sandlot cannot work with the data directory {options.data_dir}: {what}. "
        "Set that right, or choose another --data-dir."
    )


async def _supervise(options: UpOptions, progress: Progress) -> ExitCode:
    find_traefik()
    find_dask_proxy()
    stopping = StopSignals()
    with stopping.heard():
        foundation = await lay_foundation(options, os.environ)
        try:
            return await _run(foundation, progress, stopping)
        finally:
            foundation.close()


async def _run(foundation: Foundation, progress: Progress, stopping: StopSignals) -> ExitCode:
    _log_to(foundation)
    foundation.tell_others()
    progress.step(f"Data directory {foundation.directory.root}")
    progress.step(OWN_UID if foundation.own_uids else f"WARNING. {SHARED_UID}")
    news = FacilityNews(first=time.time_ns() // 1_000_000, monotonic=time.monotonic)
    images = StackImages(foundation=foundation, changed=news.tell)
    leases = GpuLeases(
        gpus=MachineGpus(
            sources=(Nvml(), AmdGpus(), IntelGpus()), changed=news.tell, monotonic=time.monotonic
        )
    )
    servers = Servers(
        launcher=foundation.launcher,
        accounts=foundation.accounts,
        environment=images.environment,
        limits=foundation.limits,
        leases=leases,
        logs=foundation.directory.server_logs,
        changed=news.tell,
    )
    dask = DaskProcesses(
        launcher=foundation.launcher,
        accounts=foundation.accounts,
        environment=images.environment,
        limits=foundation.limits,
        leases=leases,
        logs=foundation.directory.dask_logs,
        api_url=f"http://127.0.0.1:{foundation.ports[DASK_ROUTES]}/api",
    )
    stack = Stack(
        foundation=foundation,
        servers=servers,
        dask=dask,
        images=images,
        leases=leases,
        news=news,
        say=progress.step,
        stop=stopping.ask,
    )
    api = SocketApi(servers=servers, dask=dask, stack=stack, peers=_peers(foundation))
    gid = foundation.who.stack_gid if foundation.own_uids else None
    async with serving(api, foundation.directory.socket, gid=gid):
        try:
            await _until_asked(stack, foundation, progress, stopping)
        except PartDiedError as error:
            progress.quote(tail(foundation.directory.log_file(error.name), _LOG_LINES))
            raise
        finally:
            progress.step("Stopping.")
            await _close(stack, stopping)
            await foundation.launcher.close()
    progress.step("Everything has ended.")
    return ExitCode.OK


async def _until_asked(
    stack: Stack, foundation: Foundation, progress: Progress, stopping: StopSignals
) -> None:
    """Start the stack, and stay until somebody wants its end or it fails to start."""
    loop = asyncio.get_running_loop()
    working = loop.create_task(_start_and_watch(stack, foundation, progress))
    asked = loop.create_task(stopping.asked.wait())
    done, left = await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    if working in done:
        working.result()


async def _start_and_watch(stack: Stack, foundation: Foundation, progress: Progress) -> None:
    await stack.start()
    progress.ready(_ready(foundation), display=has_display(os.environ))
    foundation.note_password_told()
    await stack.build_images()
    while True:
        progress.images(stack.images())
        await asyncio.sleep(_IMAGES_LOOK_S)


async def _close(stack: Stack, stopping: StopSignals) -> None:
    """End everything; politely until somebody asks a second time."""
    loop = asyncio.get_running_loop()
    closing = loop.create_task(stack.close(now=stopping.hurry.is_set()))
    hurry = loop.create_task(stopping.hurry.wait())
    await asyncio.wait({closing, hurry}, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not closing.done():
        await stack.close(now=True)
    await closing


def _ready(foundation: Foundation) -> Ready:
    return Ready(
        url=foundation.url,
        public_url=foundation.options.public_url,
        port=foundation.ports[PUBLIC],
        admin=foundation.options.admin,
        password=foundation.new_password,
        password_file=str(foundation.directory.admin_password_file),
        isolation=foundation.isolation,
    )


def _peers(foundation: Foundation) -> Peers:
    who = foundation.who
    return Peers(
        operator=frozenset({0, os.geteuid()}),
        hub=who.hub.uid,
        services=frozenset(each.uid for each in who.services.values()),
        gateway=who.services[DASK_GATEWAY].uid,
    )


def _log_to(foundation: Foundation) -> None:
    handler = _FileHandler(RotatingLog(foundation.directory.log_file("supervisor")))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
