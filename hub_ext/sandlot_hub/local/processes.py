"""Start processes behind a guard, and know when they end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from . import guard, procfs
from .logs import Bounded, pump

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from .leftovers import Leftovers
    from .logs import Sink

_GUARD = Path(guard.__file__)
_KILL_AFTER_S = 10.0
"""How long a guard may take beyond its grace period before it is killed itself."""
_DRAIN_S = 1.0
_SWEEP_PAUSE_S = 0.02
_SWEEP_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a process runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Further groups. None of this has a meaning when the supervisor is not root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. The environment is complete: nothing of the supervisor's is added."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    directory: Path
    identity: Identity
    grace_s: float = 5.0
    """How long it may take to end by itself before it is killed, in seconds."""
    niceness: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ran to its end, and the first part of what it wrote."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Guarded:
    """A process behind its guard. Made by `Launcher.start`."""

    def __init__(self, *, process: subprocess.Popen[bytes], lifeline: int, grace_s: float) -> None:
        self.pid = process.pid
        """Of the guard; the process itself is below it."""
        self._process = process
        self._lifeline: int | None = lifeline
        self._grace_s = grace_s
        self._ended = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @property
    def exit_code(self) -> int | None:
        """Its exit code, 128 + N when signal N ended it; None while it runs."""
        if not self._ended.is_set():
            return None
        code = int(self._process.returncode)
        return code if code >= 0 else 128 - code

    def release(self) -> None:
        """Let the guard start its process; limits must be set before."""
        self._order(guard.GO)

    async def wait(self) -> int:
        """Wait until it and everything below it has ended; return the exit code."""
        await self._ended.wait()
        assert self.exit_code is not None  # noqa: S101 (the event says so; this tells the type)
        return self.exit_code

    async def drained(self) -> None:
        """Wait, for a moment at most, until its log has everything that it wrote."""
        if self._pump is not None:
            await asyncio.wait({self._pump}, timeout=_DRAIN_S)

    async def stop(self, *, now: bool = False) -> int:
        """End it: politely for the grace period, then by force; `now` skips the former."""
        self._order(guard.KILL if now else guard.STOP)
        patience = _KILL_AFTER_S + (0.0 if now else self._grace_s)
        try:
            return await asyncio.wait_for(self.wait(), patience)
        except TimeoutError:
            # Its own user can stop a guard (SIGSTOP). The kernel ends its process with
            # it, and the launcher sweeps what is left.
            self._process.send_signal(signal.SIGKILL)
            return await self.wait()

    def kill(self) -> None:
        """Have it ended at once, without waiting for that."""
        self._order(guard.KILL)

    def _order(self, order: bytes) -> None:
        if self._lifeline is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and is not collected yet
                os.write(self._lifeline, order)

    def _collect(self) -> None:
        self._process.wait()

    def _finish(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        self._ended.set()


class Launcher:
    """Starts every process of the stack. A supervisor has exactly one.

    The supervisor is a subreaper: when a user ends their own guard, what the guard
    held falls to the supervisor, which is how it finds and ends it. So a child that
    this class has not started is a leftover, and nothing else may start one.

    Parameters
    ----------
    leftovers
        Notes which guards run.
    sole_parent
        Whether nothing else in this process starts processes. If something does, what
        killed guards held is not looked for.
    """

    def __init__(self, *, leftovers: Leftovers, sole_parent: bool = True) -> None:
        self._leftovers = leftovers
        self._sole_parent = sole_parent
        self._running: dict[int, Guarded] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._as_root = os.geteuid() == 0
        if sole_parent:
            guard.become_subreaper()

    def start(self, command: Command, *, log: Sink) -> Guarded:
        """Start a guard; the process itself waits for `Guarded.release`.

        Raises
        ------
        OSError
            If the guard cannot be started: no process left, or a path closed to its uid.
        """
        guarded, readers = self._start_with_pipes(command, separate=False)
        guarded._pump = self._keep(pump(readers[0], log))  # noqa: SLF001 (two halves of one thing)
        return guarded

    async def run(self, command: Command, *, timeout_s: float, limit: int = 1 << 20) -> Completed:
        """Run a command to its end; keep the first `limit` bytes of each of its outputs.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout_s` seconds; it is ended then.
        OSError
            As in `start`.
        """
        guarded, readers = self._start_with_pipes(command, separate=True)
        outputs = (Bounded(limit), Bounded(limit))
        pumps = [pump(reader, output) for reader, output in zip(readers, outputs, strict=True)]
        code = await _complete(guarded, pumps, timeout_s)
        return Completed(exit_code=code, stdout=outputs[0].content, stderr=outputs[1].content)

    async def stream(self, command: Command, *, sink: Sink, timeout_s: float) -> int:
        """Run a command to its end, passing on what it writes as it comes; return its exit code.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout_s` seconds; it is ended then, as it is when
            the call is cancelled.
        OSError
            As in `start`.
        """
        guarded, readers = self._start_with_pipes(command, separate=False)
        return await _complete(guarded, [pump(readers[0], sink)], timeout_s)

    async def close(self) -> None:
        """End at once whatever still runs, and wait for that: guards must not be forgotten."""
        await asyncio.gather(*(each.stop(now=True) for each in self._running.values()))

    def _start_with_pipes(
        self, command: Command, *, separate: bool
    ) -> tuple[Guarded, tuple[int, ...]]:
        """Start a guard whose outputs are pipes; return the ends to read."""
        with contextlib.ExitStack() as on_error, contextlib.ExitStack() as writers:
            pipes = [os.pipe() for _ in range(2 if separate else 1)]
            for reader, writer in pipes:
                on_error.callback(os.close, reader)
                writers.callback(os.close, writer)
            guarded = self._start(command, stdout=pipes[0][1], stderr=pipes[-1][1])
            on_error.pop_all()
        return guarded, tuple(reader for reader, _ in pipes)

    def _start(self, command: Command, *, stdout: int, stderr: int) -> Guarded:
        arguments = [sys.executable, "-I", "-S", str(_GUARD)]
        identity = command.identity
        with contextlib.ExitStack() as on_error, contextlib.ExitStack() as readers:
            reader, lifeline = os.pipe()  # not inherited: only `reader` is passed on, by name
            readers.callback(os.close, reader)
            on_error.callback(os.close, lifeline)
            process = subprocess.Popen(  # noqa: S603 (an argument list of ours, no shell)
                [*arguments, str(reader), str(command.grace_s), *command.argv],
                env=dict(command.environment),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(reader,),
                start_new_session=True,
                umask=0o077,
                user=identity.uid if self._as_root else None,
                group=identity.gid if self._as_root else None,
                extra_groups=identity.groups if self._as_root else None,
            )
            on_error.pop_all()
        if command.niceness:
            os.setpriority(os.PRIO_PROCESS, process.pid, command.niceness)
        guarded = Guarded(process=process, lifeline=lifeline, grace_s=command.grace_s)
        self._running[process.pid] = guarded
        self._leftovers.add(process.pid)
        _ = self._keep(self._watch(guarded))
        return guarded

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Hold a task until it is done: the loop itself would forget it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self, guarded: Guarded) -> None:
        await _ended(guarded.pid)
        guarded._collect()  # noqa: SLF001 (two halves of one thing; nobody else may call it)
        del self._running[guarded.pid]
        if self._sole_parent:
            await self._sweep()
        self._leftovers.remove(guarded.pid)
        guarded._finish()  # noqa: SLF001 (as above)

    async def _sweep(self) -> None:
        """End the children that nobody started: what fell to us when a guard was killed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SWEEP_S
        while (strangers := self._strangers()) and loop.time() < deadline:
            for pid in strangers:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 (WNOHANG: it does not wait)
            await asyncio.sleep(_SWEEP_PAUSE_S)

    def _strangers(self) -> set[int]:
        me = os.getpid()
        found = {each.pid for each in procfs.processes().values() if each.parent == me}
        return found - self._running.keys()


async def _complete(
    guarded: Guarded, pumps: Sequence[Coroutine[None, None, None]], timeout_s: float
) -> int:
    """Let a process run, and return its exit code when all that it wrote has been taken."""
    guarded.release()
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(guarded.wait(), *pumps)
    finally:
        if guarded.exit_code is None:
            await guarded.stop(now=True)
    return await guarded.wait()


async def _ended(pid: int) -> None:
    """Wait until a child has ended, without collecting it."""
    loop = asyncio.get_running_loop()
    if not hasattr(os, "pidfd_open"):
        await loop.run_in_executor(None, os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return
    descriptor = os.pidfd_open(pid)
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
