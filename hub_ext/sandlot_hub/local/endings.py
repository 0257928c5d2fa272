"""Why a server or a process of a cluster ended, in words for its owner."""

from __future__ import annotations

import signal

from sandlot_hub.domain.values.units import format_memory

_SIGNALS = 128
_NOT_STARTED = 127


def why_it_ended(
    exit_code: int,
    *,
    asked: bool,
    memory_kills: int,
    memory_bytes: int,
    more_memory: str = "Choose a larger size.",
) -> str:
    """Return the sentence for what has ended.

    Parameters
    ----------
    exit_code
        Its exit code, 128 + N when signal N ended it.
    asked
        Whether somebody asked for its end.
    memory_kills
        How many of its processes the kernel ended for want of memory.
    memory_bytes
        How much memory it had.
    more_memory
        What to do when that was too little.
    """
    if asked:
        return "It was stopped."
    if memory_kills and exit_code == _SIGNALS + signal.SIGKILL:
        had = format_memory(memory_bytes)
        said = f"It needed more than its {had} of memory, so the system ended it."
        return f"{said} {more_memory}".rstrip()
    if exit_code == _NOT_STARTED:
        return "Its program could not be started; an administrator has the log."
    if exit_code > _SIGNALS:
        return f"It was ended by the signal {_signal_name(exit_code - _SIGNALS)}."
    return "It ended by itself."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
