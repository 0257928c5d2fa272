"""``sandlot``: finds its sub-commands by entry points, and imports the one that is asked for.

A sub-command is a function, named by an entry point of the group ``sandlot.commands``.
It is given a parser, adds its arguments, and returns what runs: a function from the
parsed arguments to an exit code. Its summary is the first line of its module, which is
read as text, so that ``sandlot --help`` imports nothing.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import sys
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.metadata import EntryPoint

GROUP = "sandlot.commands"
DEFAULT_DATA_DIR = ".sandlot"
_INTERRUPTED = 130
"""As shells report a program that Ctrl-C ended."""
_ORDER = ("up", "down", "status", "restart", "logs", "user", "check", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments
        What follows ``sandlot``; from the command line when not given.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {point.name: point for point in entry_points(group=GROUP)}
    name = _asked_for(given, commands)
    parser, run = _parser(commands, name)
    parsed = parser.parse_args(given)
    if run is None:
        parser.print_help()
        return ExitCode.USAGE
    try:
        return run(parsed)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`sandlot logs | head`). Python would
        # complain once more when it flushes at its end.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _asked_for(given: Sequence[str], commands: Mapping[str, EntryPoint]) -> str | None:
    """Return the name of the command: the first word that is no option, if there is such a one."""
    first = next((word for word in given if not word.startswith("-")), None)
    return first if first in commands else None


def _parser(
    commands: Mapping[str, EntryPoint], name: str | None
) -> tuple[argparse.ArgumentParser, Callable[[argparse.Namespace], int] | None]:
    """Return the parser with the arguments of the one command, and what runs it."""
    parser = argparse.ArgumentParser(
        prog="sandlot", description="A JupyterHub as a shared data-science sandbox."
    )
    parser.add_argument("--version", action="version", version=f"sandlot {version('sandlot')}")
    listed = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    run = None
    for each in sorted(commands, key=_rank):
        summary = _summary(commands[each])
        sub = listed.add_parser(each, help=summary, description=summary)
        if each == name:
            sub.add_argument(
                "--data-dir",
                metavar="D",
                default=DEFAULT_DATA_DIR,
                help=f"where everything of the stack lies (default: ./{DEFAULT_DATA_DIR})",
            )
            run = commands[each].load()(sub)
    return parser, run


def _rank(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _summary(point: EntryPoint) -> str:
    """Return the first line of a command's module, without importing it or its packages."""
    top, *inner = point.module.split(".")
    spec = find_spec(top)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        with contextlib.suppress(OSError, SyntaxError):
            text = Path(folder, *inner).with_suffix(".py").read_text(encoding="utf-8")
            first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
            return first.partition(": ")[2] or first
    return ""
