"""Holds a process in the moment before it opens a file, from outside of it.

A hub writes to its database and to its proxy's file between two of its own steps, too fast for
anybody to kill it there on time. The kernel asks this gate first (fanotify): who is held is in the
middle of `open`, has written nothing yet, and can be killed there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from support.cluster.errors import CannotRunHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

_CLOEXEC, _NONBLOCK, _CLASS_CONTENT = 0x1, 0x2, 0x4
_MARK_ADD = 0x1
_OPEN_PERM, _EVENT_ON_CHILD = 0x10000, 0x08000000
_AT_FDCWD = -100
_ALLOW = 1
_EVENT = struct.Struct("=IBBHQii")
_ANSWER = struct.Struct("=iI")
_MANY = 4096
_STOP_S = 10.0


@dataclass
class Held:
    """Who is to be held, and whether that has come."""

    pid: int
    match: Callable[[str], bool]
    left: int
    name: str = ""
    """Of the file, as soon as somebody is held before it."""
    _event: int = -1
    _come: threading.Event = field(default_factory=threading.Event)

    @property
    def has_come(self) -> bool:
        """Whether the process stands before the file."""
        return self._come.is_set()

    def take(self, pid: int, name: str, event: int) -> bool:
        """Hold whoever opens a file, if it is the one that is meant."""
        if self.has_come or pid != self.pid or not self.match(name):
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.name, self._event = name, event
        self._come.set()
        return True

    def give(self) -> int | None:
        """Return the event that is held, once."""
        event, self._event = self._event, -1
        return event if event >= 0 else None


class FileGate:
    """A gate before all files of a folder; a context.

    Parameters
    ----------
    folder
        Whose files. Folders in it are free.

    Raises
    ------
    CannotRunHereError
        When it is entered and the kernel does not let us.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._group = -1
        self._wake: tuple[int, int] = (-1, -1)
        self._lock = threading.Lock()
        self._held: Held | None = None
        self._thread = threading.Thread(target=self._run, name="file gate")

    def __enter__(self) -> Self:
        """Begin."""
        self._group = _begun(self._folder)
        self._wake = os.pipe()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let everybody go."""
        os.close(self._wake[1])
        self._thread.join(_STOP_S)
        os.close(self._wake[0])
        os.close(self._group)

    @contextlib.contextmanager
    def holding(self, pid: int, match: Callable[[str], bool], *, after: int) -> Iterator[Held]:
        """Hold a process before a file while the context lasts.

        Parameters
        ----------
        pid
            The process; everybody else passes.
        match
            Which names of files count.
        after
            How many it may open before.
        """
        held = Held(pid, match, after)
        with self._lock:
            self._held = held
        try:
            yield held
        finally:
            with self._lock:
                self._held = None
            if (event := held.give()) is not None:
                self._allow(event)

    def _run(self) -> None:
        # Nothing here may open a file of the folder: it would wait for itself.
        poll = select.poll()
        poll.register(self._group, select.POLLIN)
        poll.register(self._wake[0], select.POLLIN | select.POLLHUP)
        while all(ready != self._wake[0] for ready, _ in poll.poll()):
            events = os.read(self._group, _MANY)
            for _, _, _, _, _, event, pid in _EVENT.iter_unpack(events):
                name = os.path.basename(os.readlink(f"/proc/self/fd/{event}"))  # noqa: PTH115, PTH119 (for every file of a busy process)
                with self._lock:
                    taken = self._held is not None and self._held.take(pid, name, event)
                if not taken:
                    self._allow(event)

    def _allow(self, event: int) -> None:
        # Whoever was killed meanwhile needs no answer.
        with contextlib.suppress(FileNotFoundError):
            os.write(self._group, _ANSWER.pack(event, _ALLOW))
        os.close(event)


def _begun(folder: Path) -> int:
    """Return a group of the kernel that asks before each file of a folder is opened."""
    system = ctypes.CDLL(None, use_errno=True)
    system.fanotify_mark.argtypes = (
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint64,
        ctypes.c_int,
        ctypes.c_char_p,
    )
    group: int = system.fanotify_init(_CLASS_CONTENT | _CLOEXEC | _NONBLOCK, os.O_RDONLY)
    if group < 0:
        raise CannotRunHereError(_why("fanotify_init"))
    mask = _OPEN_PERM | _EVENT_ON_CHILD
    if system.fanotify_mark(group, _MARK_ADD, mask, _AT_FDCWD, os.fsencode(folder)):
        os.close(group)
        raise CannotRunHereError(_why("fanotify_mark"))
    return group


def _why(call: str) -> str:
    reason = os.strerror(ctypes.get_errno())
    return f"the kernel lets nobody stand before a file ({call}: {reason})"
