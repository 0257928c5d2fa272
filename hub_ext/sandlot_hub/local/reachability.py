"""Whether other uids can reach what they need: interpreter, packages, settings, homes.

A virtual environment links to the interpreter that made it. When that lies below a
closed folder (an administrator's home, say), every process of every user fails with
"Permission denied", and nothing says where. This says it before anything is started.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Needed:
    """A file or folder that processes of other uids must reach."""

    path: Path
    what: str
    """As in "… is closed to other users, who need {what}"."""
    contents: bool = True
    """Whether its contents must be readable, too; False when passing through is enough."""


class UnreachableError(Exception):
    """A path is closed to the uids that need it; the text says which and what to do."""

    def __init__(self, closed: Path, needed: Needed) -> None:
        self.closed = closed
        super().__init__(
            f"{closed} is closed to other users, and each user runs under a uid of their own "
            f"and needs {needed.what} ({needed.path}). Move it to a place that everybody can "
            f"reach, or open the folder with `chmod o+x {closed}`."
        )


def check_reachable(needed: Iterable[Needed]) -> None:
    """Check every path, its links and all folders above them.

    Raises
    ------
    UnreachableError
        Naming the first that is closed.
    """
    for each in needed:
        for step in steps_to(each.path):
            if not _open(step, contents=each.contents and step == _target(each.path)):
                raise UnreachableError(step, each)


def needed_by_everybody(sources: Iterable[Path]) -> list[Needed]:
    """Return what every process of the stack needs: the interpreter and the packages."""
    interpreter = Path(sys.executable)
    return [
        Needed(interpreter, "the Python that runs Sandlot"),
        Needed(Path(sys.base_prefix), "the Python that runs Sandlot"),
        Needed(Path(sys.prefix), "the environment that Sandlot is installed in"),
        Needed(Path(os.__file__), "Python's standard library"),
        *(Needed(source, "Sandlot's own files") for source in sources),
    ]


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))


def steps_to(path: Path) -> Iterator[Path]:
    """Yield, from the root on, every folder that opening `path` passes, links followed."""
    seen: set[Path] = set()
    waiting = [Path(os.path.abspath(path))]  # noqa: PTH100 (keeps links, unlike resolve)
    while waiting:
        current = waiting.pop()
        for step in (*reversed(current.parents), current):
            if step in seen:
                continue
            seen.add(step)
            if step.is_symlink():
                # Its target decides; what lies behind the link is reached through that.
                linked = Path(os.path.normpath(step.parent / step.readlink()))
                waiting.append(linked / current.relative_to(step))
                break
            yield step


def _open(path: Path, *, contents: bool) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return True  # not there is another complaint, and somebody else's
    if stat.S_ISDIR(mode):
        return bool(mode & stat.S_IXOTH) and (not contents or bool(mode & stat.S_IROTH))
    return not contents or bool(mode & stat.S_IROTH)
