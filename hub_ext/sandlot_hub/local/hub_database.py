"""``python -m sandlot_hub.local.hub_database DATABASE BACKUPS``: before the hub starts.

Run as the hub, whose files these are: the supervisor is root and opens nothing that a
less trusted uid could have put there. Prints a sentence when something was done.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_KEPT = 5
"""How many copies stay."""
_BUSY_S = 10.0
_REVISION = re.compile(r"^(down_)?revision\s*(?::[^=]*)?=\s*['\"]([0-9a-f]+)['\"]", re.MULTILINE)


class DatabaseError(Exception):
    """The database cannot be used; the text says why and what to do."""


def prepare(database: Path, backups: Path) -> str:
    """Back up the database and bring it to the version of the installed hub.

    Returns
    -------
    str
        What was done; empty when there is no database yet.

    Raises
    ------
    DatabaseError
        If a newer hub has made it, or it cannot be read or upgraded.
    """
    if not database.exists():
        return ""
    known, head = read_revisions(_revision_files())
    try:
        found = _revision(database)
        if found is not None and found not in known:
            message = (
                f"The hub's database {database} was made by a newer JupyterHub (revision {found}). "
                "Install that version again, or put back an older copy from "
                f"{backups} and lose what happened since."
            )
            raise DatabaseError(message)
        copy = _back_up(database, backups)
    except (sqlite3.Error, OSError) as error:
        message = f"The hub's database {database} cannot be read or copied: {error}."
        raise DatabaseError(message) from error
    if found in (None, head):
        return f"Backed up the hub's database to {copy}."
    _upgrade(database, copy)
    return f"Upgraded the hub's database; the old one is {copy}."


def read_revisions(texts: Iterable[str]) -> tuple[frozenset[str], str]:
    """Return all known revisions, and the newest, from the texts of migration scripts."""
    revisions: set[str] = set()
    replaced: set[str] = set()
    for text in texts:
        for down, revision in _REVISION.findall(text):
            (replaced if down else revisions).add(revision)
    (head,) = revisions - replaced
    return frozenset(revisions), head


def _revision_files() -> list[str]:
    """Return the migration scripts of the installed hub, without importing the hub: it is slow."""
    spec = importlib.util.find_spec("jupyterhub")
    if spec is None or not spec.submodule_search_locations:
        message = "JupyterHub is not installed beside Sandlot."
        raise DatabaseError(message)
    folder = Path(spec.submodule_search_locations[0], "alembic", "versions")
    return [path.read_text() for path in sorted(folder.glob("*.py"))]


def _revision(database: Path) -> str | None:
    """Return the revision of a database; None of one from before there were any."""
    with _opened(database) as connection:
        tables = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.execute(tables).fetchone()[0] == 0:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _back_up(database: Path, backups: Path) -> Path:
    """Copy the database, what is in its journal included, and keep the newest copies."""
    backups.mkdir(mode=0o700, exist_ok=True)
    copy = backups / f"jupyterhub-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.sqlite"
    with _opened(database) as source, _opened(copy) as target:
        source.backup(target)
    for old in sorted(backups.glob("jupyterhub-*.sqlite"))[:-_KEPT]:
        old.unlink()
    return copy


def _upgrade(database: Path, copy: Path) -> None:
    from jupyterhub.dbutil import upgrade  # noqa: PLC0415 (slow, and rarely needed)

    try:
        upgrade(f"sqlite:///{database}")
    except Exception as error:
        # Whatever a migration raises: the copy is what helps.
        message = (
            f"The hub's database {database} could not be upgraded ({error}). "
            f"It was copied to {copy} before."
        )
        raise DatabaseError(message) from error


def _opened(path: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(path, timeout=_BUSY_S))


def main(arguments: Sequence[str]) -> int:
    """Run as a program; return an exit code."""
    database, backups = (Path(each) for each in arguments)
    try:
        done = prepare(database, backups)
    except DatabaseError as error:
        print(error, file=sys.stderr)  # noqa: T201 (a program)
        return ExitCode.DATA_DIRECTORY
    if done:
        print(done)  # noqa: T201 (a program)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
