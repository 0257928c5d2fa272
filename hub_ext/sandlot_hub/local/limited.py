"""Starting a process whose limits hold from its first moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .logs import RotatingLog
    from .processes import Command, Guarded, Launcher
    from .server_limits import Held, ServerLimits


def start_limited(
    command: Command, *, launcher: Launcher, limits: ServerLimits, held: Held, log: RotatingLog
) -> Guarded:
    """Start a process within `held`.

    Raises
    ------
    OSError
        If it cannot be started, or not limited; nothing of it is left then.
    """
    guarded = launcher.start(command, log=log)
    try:
        # Before the guard starts anything: what it starts inherits the limits.
        limits.apply(held, guarded.pid)
    except OSError:
        guarded.kill()
        raise
    guarded.release()
    return guarded
