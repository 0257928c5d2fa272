"""Where lines go while a bench runs: its own to the terminal, those of all that it starts to a file.

Hubs and peers in processes of their own inherit the standard output and the standard error; those
in this process log to them. What they write says why a bench broke, and is of no use while it works.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAIL_LINES = 40
"""How much of the file is shown when a bench fails."""


def say(line: str, *, measure: bool = False) -> None:
    """Write a line of a bench's own to the terminal.

    Parameters
    ----------
    line
        What to write.
    measure
        Whether it goes to the standard output, where measures are; else to the standard error.
    """
    stream = sys.__stdout__ if measure else sys.__stderr__
    assert stream is not None  # a command has both
    stream.write(f"{line}\n")
    stream.flush()


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Have all that this process and its children write go to a file; what they `say` does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = sys.__stdout__, sys.__stderr__
    _flush()
    # The streams of this process, and what children inherit, are these two numbers.
    terminal: list[IO[str]] = [os.fdopen(os.dup(number), "w") for number in (1, 2)]
    with path.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    sys.__stdout__, sys.__stderr__ = terminal  # type: ignore[misc, assignment]  # ours again below
    try:
        yield
    finally:
        _flush()
        sys.__stdout__, sys.__stderr__ = begun  # type: ignore[misc]  # as above
        for number, stream in zip((1, 2), terminal, strict=True):
            os.dup2(stream.fileno(), number)
            stream.close()


def show_tail(path: Path) -> None:
    """Show the end of the file of a bench that failed."""
    lines = path.read_text(errors="replace").splitlines()
    if not lines:
        return
    say(f"bench: the end of {path}, {len(lines)} lines in all:")
    for line in lines[-TAIL_LINES:]:
        say(f"  {line}")


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
