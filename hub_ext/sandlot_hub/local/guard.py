"""Stand between the supervisor and one process, and leave nothing of it behind.

Run by path, as ``python -I -S guard.py LIFELINE GRACE COMMAND…``, under the uid of
the process that it guards; only the standard library may be imported here, and as
little of it as possible, because every part and every server pays for its start.

``LIFELINE`` is the read end of a pipe. The supervisor holds the only write end and
sends orders of one byte: `GO` (nothing is started before, so that the supervisor can
set limits on this process, which its descendants inherit), `STOP`, `KILL`. When the
supervisor dies, however it dies, the kernel closes the write end, and the end of the
pipe is the order to stop.

Where the kernel allows it, this process is the *subreaper* of all it starts: a
daemon that detaches itself twice is still found below it, and is ended with it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

GO = b"g"
"""Start the command."""
STOP = b"t"
"""Ask the command to end, and kill what is left after the grace period."""
KILL = b"k"
"""Kill everything now."""

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_NOT_STARTED = 127
_ORPHANED_GRACE_S = 3.0
"""The longest grace period once the supervisor is gone: its successor waits for this."""
_TICK_S = 0.02


def set_process_flag(flag: int, value: int = 1) -> None:
    """Call Linux' ``prctl(flag, value)``; does nothing on other systems."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(flag, value, 0, 0, 0)


def become_subreaper() -> None:
    """Adopt every descendant of this process that loses its parent (Linux only)."""
    set_process_flag(_PR_SET_CHILD_SUBREAPER)


def parents() -> dict[int, int]:
    """Return the parent of every process, by pid; empty where there is no ``/proc``."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH112, PTH208 (pathlib would double the time that this module takes to start)
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 (as above)
                    # The name of the program stands in parentheses and may hold anything.
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields and fields[0] not in (b"Z", b"X"):
                found[int(name)] = int(fields[1])
    return found


def descendants(ancestor: int, parent_of: dict[int, int]) -> set[int]:
    """Return the pids of everything below `ancestor`, itself not included."""
    children: dict[int, list[int]] = {}
    for pid, parent in parent_of.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [ancestor]
    while waiting:
        below = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(below)
        waiting.extend(below)
    return found


class Guard:
    """One command and all that comes of it."""

    def __init__(self, lifeline: int, grace_s: float, command: list[str]) -> None:
        self._lifeline = lifeline
        self._grace_s = grace_s
        self._command = command
        self._child = 0
        self._status: int | None = None
        self._deadline: float | None = None
        self._asked = False

    def run(self) -> int:
        """Run the command to its end; return its exit code, 128 + N when signal N ended it."""
        os.set_inheritable(self._lifeline, False)  # noqa: FBT003 (the standard library's)
        wakeup = self._hear_signals()
        if os.read(self._lifeline, 1) != GO or self._stop_asked():
            return 0
        self._child = self._start()
        watched = [self._lifeline, wakeup]
        while self._status is None:
            ready, _, _ = select.select(watched, (), (), self._patience())
            if wakeup in ready:
                os.read(wakeup, 512)
            if self._lifeline in ready and self._obey(os.read(self._lifeline, 1)):
                watched.remove(self._lifeline)
            if self._stop_asked() and self._deadline is None:
                self._ask_to_stop()
            if self._deadline is not None and time.monotonic() >= self._deadline:
                break
            self._reap()
        self._end_everything()
        return _NOT_STARTED if self._status is None else self._status

    def _hear_signals(self) -> int:
        """Turn SIGCHLD and SIGTERM into readable bytes, so that none is lost before `select`."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_asked", True))
        for ignored in (signal.SIGHUP, signal.SIGINT):
            signal.signal(ignored, signal.SIG_IGN)
        return reader

    def _start(self) -> int:
        parent = os.getpid()
        # A SIGTERM that reached the child before its handlers are reset would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            return pid
        try:
            os.setsid()
            # Ignored signals stay ignored through exec, whoever ignored them: a shell does so
            # for what it starts in the background. A kernel needs its SIGINT.
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            set_process_flag(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == parent:  # else it died before the flag was set
                os.execv(self._command[0], self._command)  # noqa: S606 (the supervisor's own command; there is no shell)
        except OSError as error:
            sys.stderr.write(f"cannot start {self._command[0]}: {error.strerror}\n")
            sys.stderr.flush()
        os._exit(_NOT_STARTED)

    def _stop_asked(self) -> bool:
        return self._asked  # set by a signal, at any moment

    def _patience(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _obey(self, order: bytes) -> bool:
        """Take one order; return True when the pipe has ended and must no longer be read."""
        if order == KILL:
            self._deadline = time.monotonic()
        elif order in (STOP, b""):
            self._asked = True
            if not order:
                self._grace_s = min(self._grace_s, _ORPHANED_GRACE_S)
        return not order

    def _ask_to_stop(self) -> None:
        self._deadline = time.monotonic() + self._grace_s
        self._reap()
        if self._status is None:
            os.kill(self._child, signal.SIGTERM)

    def _reap(self) -> bool:
        """Collect what has ended; return whether any child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child:
                code = os.waitstatus_to_exitcode(status)
                self._status = code if code >= 0 else 128 - code

    def _end_everything(self) -> None:
        """Kill again and again, because a descendant may fork while the list is read."""
        if self._status is None:
            self._kill_group()
        while True:
            for pid in descendants(os.getpid(), parents()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue  # it ended in the meantime
            if not self._reap():
                return
            time.sleep(_TICK_S)

    def _kill_group(self) -> None:
        try:
            os.killpg(self._child, signal.SIGKILL)
        except OSError:
            return  # it ended, or has not reached its setsid: then it is found as a descendant


def main(arguments: list[str]) -> int:
    """Guard the command that `arguments` tell; return its exit code."""
    # Other processes of the same uid may end this one, but not open its pipe or change
    # what it does (ptrace). The command itself is a usual process again: exec resets this.
    set_process_flag(_PR_SET_DUMPABLE, 0)
    set_process_flag(_PR_SET_NO_NEW_PRIVS)
    become_subreaper()
    lifeline, grace_s, *command = arguments
    return Guard(int(lifeline), float(grace_s), command).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
