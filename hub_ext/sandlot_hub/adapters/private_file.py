"""Reading files that hold secrets: only when no other account could have read or written them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class PrivateFileError(Exception):
    """A file with secrets cannot be trusted or read; the text says why and what to do."""


def read_private(path: Path, *, limit: int = 256 * 1024) -> str:
    """Return the text of a file that only this account (or root) can read and write.

    Parameters
    ----------
    path
        The file. A symbolic link is refused: whoever can place one chooses the content.
    limit
        Largest size in bytes.

    Raises
    ------
    PrivateFileError
        The file is missing, is no regular file, belongs to somebody else, is open to others,
        is too large, or is not UTF-8.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        message = f"{path} cannot be opened: {error.strerror}."
        raise PrivateFileError(message) from error
    with os.fdopen(descriptor, "rb") as file:
        # The checks look at the open file, not at the path: the path may change in between.
        _check_private(path, os.fstat(file.fileno()))
        content = file.read(limit + 1)
    if len(content) > limit:
        message = f"{path} is larger than {limit} bytes; this is not the file it should be."
        raise PrivateFileError(message)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text."
        raise PrivateFileError(message) from error


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        message = f"{path} is not a regular file."
        raise PrivateFileError(message)
    if status.st_uid not in {0, os.geteuid()}:
        message = f"{path} belongs to uid {status.st_uid}, not to uid {os.geteuid()} or root."
        raise PrivateFileError(message)
    if status.st_mode & OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        message = (
            f"{path} holds secrets and is open to other accounts (mode {mode:04o}). "
            f"Close it with: chmod 600 {path}"
        )
        raise PrivateFileError(message)
