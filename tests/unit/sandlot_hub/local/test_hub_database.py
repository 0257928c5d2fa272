from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_hub.local.hub_database import DatabaseError, main, prepare, read_revisions

if TYPE_CHECKING:
    from pathlib import Path

NEWEST = "f460b0348206"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "jupyterhub.sqlite"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def write(database: Path, revision: str | None) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
        connection.execute("INSERT INTO users VALUES ('ann')")
        if revision is not None:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.commit()


def test_nothing_is_done_at_the_first_start(database: Path, backups: Path) -> None:
    assert prepare(database, backups) == ""
    assert not backups.exists()


def test_a_database_of_this_version_is_copied(database: Path, backups: Path) -> None:
    write(database, NEWEST)
    said = prepare(database, backups)
    (copy,) = backups.iterdir()
    assert str(copy) in said
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM users").fetchall() == [("ann",)]
    assert copy.stat().st_size > 0
    assert backups.stat().st_mode & 0o777 == 0o700


def test_five_copies_stay(database: Path, backups: Path) -> None:
    write(database, NEWEST)
    said = [prepare(database, backups) for _ in range(7)]
    assert len(list(backups.iterdir())) == 5
    assert all(str(path) in "".join(said[-5:]) for path in backups.iterdir())


def test_a_database_without_revision_is_left_to_the_hub(database: Path, backups: Path) -> None:
    write(database, None)
    assert prepare(database, backups).startswith("Backed up")


def test_a_newer_one_is_refused_and_not_touched(database: Path, backups: Path) -> None:
    write(database, "ffffffffffff")
    before = database.read_bytes()
    with pytest.raises(DatabaseError, match="newer JupyterHub"):
        prepare(database, backups)
    assert database.read_bytes() == before
    assert not backups.exists()


def test_what_is_no_database_is_told(
    database: Path, backups: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database.write_text("no database at all, and longer than its header would be " * 3)
    assert main([str(database), str(backups)]) == ExitCode.DATA_DIRECTORY
    said = capsys.readouterr()
    assert str(database) in said.err
    assert said.out == ""


def test_revisions_are_read_from_the_scripts() -> None:
    scripts = [
        "revision = 'aa'\ndown_revision = None\n",
        "revision: str = \"bb\"\ndown_revision: str | None = 'aa'\n",
        "# revision = 'no'\nrevision = 'cc'\ndown_revision = 'bb'\n",
    ]
    assert read_revisions(scripts) == (frozenset({"aa", "bb", "cc"}), "cc")
