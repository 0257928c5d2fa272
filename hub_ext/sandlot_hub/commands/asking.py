"""Asking the supervisor of a data directory, with sentences for when that fails."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.supervisor_client import (
    SupervisorClient,
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.local.datadir import DataDirectory

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")

_EXITS = {"settings": ExitCode.SETTINGS, "part-unknown": ExitCode.USAGE}


class AskFailedError(Exception):
    """The supervisor gave no answer; carries the sentence and the exit code."""

    def __init__(self, sentence: str, exit_code: ExitCode) -> None:
        self.exit_code = exit_code
        super().__init__(sentence)


def directory_of(arguments: argparse.Namespace) -> DataDirectory:
    """Return the data directory that the arguments name; it need not exist."""
    return DataDirectory(Path(arguments.data_dir).absolute())


def ask(
    directory: DataDirectory, question: Callable[[SupervisorClient], Awaitable[Answer]]
) -> Answer:
    """Ask the supervisor of a data directory.

    Raises
    ------
    AskFailedError
        If it does not run, cannot be asked, or refuses.
    """

    async def asked() -> Answer:
        return await question(SupervisorClient(directory.socket))

    try:
        return asyncio.run(asked())
    except SupervisorUnreachableError as error:
        if isinstance(error.__cause__, PermissionError) or _forbidden(directory):
            sentence = (
                f"{directory.root} belongs to somebody else; run this as the user who started it."
            )
            raise AskFailedError(sentence, ExitCode.REFUSED) from error
        sentence = f"Sandlot does not run on {directory.root}. Start it with `sandlot up`."
        raise AskFailedError(sentence, ExitCode.NOT_RUNNING) from error
    except SupervisorRefusedError as error:
        code = _EXITS.get(error.problem.code, ExitCode.FAILURE)
        raise AskFailedError(str(error), code) from error


def failed(name: str, error: AskFailedError) -> ExitCode:
    """Print why a command failed and return its exit code."""
    print(f"sandlot {name}: {error}", file=sys.stderr)
    return error.exit_code


def _forbidden(directory: DataDirectory) -> bool:
    try:
        directory.socket.exists()
    except PermissionError:
        return True
    return False
