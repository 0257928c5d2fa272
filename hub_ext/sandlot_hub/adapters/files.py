"""Writing small files so that no reader ever sees half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(
    path: Path, content: bytes, *, mode: int, uid: int | None = None, gid: int | None = None
) -> None:
    """Put `content` in place of `path` in one step, with exactly this mode and owner.

    The new file is made beside the old one, never opened by a name that somebody
    could have prepared (``O_EXCL``), gets its owner and mode while it is still
    empty, and then takes the old one's place. A link at `path` is replaced, not
    followed: the folder may belong to a less trusted uid than the caller's.

    Raises
    ------
    OSError
        If the folder cannot be written, or the owner cannot be set.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if uid is not None or gid is not None:
                os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
