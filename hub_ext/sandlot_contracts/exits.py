"""Exit codes of the ``sandlot`` command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script that calls ``sandlot`` can rely on."""

    OK = 0
    FAILURE = 1
    """Something went wrong that has no code of its own."""
    USAGE = 2
    """The command line was wrong."""
    SETTINGS = 3
    """The settings or the hub's configuration are wrong."""
    ALREADY_RUNNING = 4
    NOT_RUNNING = 5
    PORT_IN_USE = 6
    DATA_DIRECTORY = 7
    """Not writable, of another version, or not Sandlot's."""
    UNREACHABLE_PATH = 8
    """A path that users' processes need is closed to them."""
    REFUSED = 9
    """The request was understood and refused (a hostile user name, for example)."""
    WARNING = 10
    """It works, with something to look at (`sandlot check` and differing settings)."""
