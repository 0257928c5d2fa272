"""Who runs as which uid, kept in the data directory; and the homes of users."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from sandlot_contracts.supervisor import Account
from sandlot_hub.domain.values.names import safe_slug

from .datadir import DataDirectoryError
from .processes import Identity
from .uids import Occupied, choose_block, survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Kind = Literal["part", "user"]

IMAGES = "images"
"""The part that builds the environments of images."""

_PRIVATE = 0o700
_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (device INTEGER NOT NULL, inode INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS block (start INTEGER PRIMARY KEY, stop INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS account (
    kind TEXT NOT NULL, name TEXT NOT NULL, uid INTEGER UNIQUE, PRIMARY KEY (kind, name)
);
"""


class HomeError(Exception):
    """A user's home cannot be used; the text says why."""


class Accounts:
    """Gives every part and every user a uid of their own, for ever.

    Nothing is ever taken back: the files of a user who was deleted must not fall to
    the next one. When the supervisor is not root there is only its own uid, which
    all share.

    Raises
    ------
    DataDirectoryError
        If the database cannot be opened or is none.
    """

    def __init__(
        self,
        *,
        database: Path,
        homes: Path,
        own_uids: bool,
        look: Callable[[], Occupied] = survey,
        pick: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self.own_uids = own_uids
        self._homes = homes
        self._look = look
        self._pick = pick
        try:
            with contextlib.ExitStack() as on_error:
                self._database = sqlite3.connect(database, isolation_level=None)
                on_error.callback(self._database.close)
                self._database.executescript(_SCHEMA)
                self._copied = self._is_copy(database.parent.stat())
                on_error.pop_all()
        except sqlite3.Error as error:
            message = (
                f"{database} cannot be used: {error}. It says which files are whose: bring it "
                "back from a backup, or choose another --data-dir."
            )
            raise DataDirectoryError(message) from error

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def part(self, name: str, *, groups: tuple[int, ...] = ()) -> Identity:
        """Return whom a part of the stack runs as."""
        return self._identity("part", name, groups)

    def user(self, name: str) -> Identity:
        """Return whom a user's processes run as; a new user gets the next uid."""
        return self._identity("user", name, ())

    def known_user(self, name: str) -> Account | None:
        """Return where a user's files are; None when nothing was ever started for them."""
        if self._find("user", name) is None:
            return None
        return Account(user=name, uid=self.user(name).uid, home=str(self._home(name)))

    def home(self, name: str) -> Path:
        """Return the home of a user, made if there is none, closed to everybody else.

        Raises
        ------
        HomeError
            If what is there is not a folder of theirs.
        """
        identity, home = self.user(name), self._home(name)
        if not os.path.lexists(home):
            home.mkdir(mode=_PRIVATE)
        # Looked at, not remembered: an earlier supervisor may have been killed right here.
        if self.own_uids and _is_begun(home):
            os.chown(home, identity.uid, identity.gid, follow_symlinks=False)
        found = home.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != identity.uid:
            message = (
                f"{home} is not a folder of the account's own: it belongs to uid "
                f"{found.st_uid}, and the account has uid {identity.uid}."
            )
            raise HomeError(message)
        return home

    def reserved(self) -> tuple[range, ...]:
        """Return the uids that are this data directory's alone.

        None when they may be somebody else's too: when all share one uid, and in a
        copy of a data directory, whose original may be running. Without the builder of
        images: where several stacks share the folder of environments, they share it.
        """
        if self._copied or not self.own_uids:
            return ()
        builder = self.part(IMAGES).uid
        return tuple(
            part
            for block in self._blocks()
            for part in (
                (range(block.start, builder), range(builder + 1, block.stop))
                if builder in block
                else (block,)
            )
        )

    def _identity(self, kind: Kind, name: str, groups: tuple[int, ...]) -> Identity:
        found = self._find(kind, name) or self._add(kind, name)
        if found.uid is None:
            return Identity(uid=os.geteuid(), gid=os.getegid())
        return Identity(uid=found.uid, gid=found.uid, groups=groups)

    def _find(self, kind: Kind, name: str) -> _Found | None:
        query = "SELECT uid FROM account WHERE kind = ? AND name = ?"
        row = self._database.execute(query, (kind, name)).fetchone()
        return None if row is None else _Found(row[0])

    def _add(self, kind: Kind, name: str) -> _Found:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            uid = self._next_uid() if self.own_uids else None
            self._database.execute("INSERT INTO account VALUES (?, ?, ?)", (kind, name, uid))
        return _Found(uid)

    def _next_uid(self) -> int:
        """Return the next uid of the block in use, or the first of a new one."""
        used = "SELECT max(uid) FROM account WHERE uid BETWEEN ? AND ?"
        blocks = self._blocks()
        for block in blocks:
            (last,) = self._database.execute(used, (block.start, block.stop - 1)).fetchone()
            if last is None or last + 1 in block:
                return block.start if last is None else int(last) + 1
        occupied = self._look()
        occupied = replace(occupied, ranges=(*occupied.ranges, *blocks))
        block = choose_block(occupied, pick=self._pick)
        self._database.execute("INSERT INTO block VALUES (?, ?)", (block.start, block.stop))
        return block.start

    def _blocks(self) -> tuple[range, ...]:
        rows = self._database.execute("SELECT start, stop FROM block ORDER BY start")
        return tuple(range(start, stop) for start, stop in rows)

    def _home(self, name: str) -> Path:
        return self._homes / safe_slug(name)

    def _is_copy(self, here: os.stat_result) -> bool:
        known = self._database.execute("SELECT device, inode FROM place").fetchone()
        if known is None:
            self._database.execute("INSERT INTO place VALUES (?, ?)", (here.st_dev, here.st_ino))
        return known not in (None, (here.st_dev, here.st_ino))


def _is_begun(home: Path) -> bool:
    """Return whether this is a home that we have made and not given to its owner yet."""
    found = home.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and stat.S_IMODE(found.st_mode) == _PRIVATE
        and found.st_uid == os.geteuid()
        and not any(home.iterdir())
    )


class _Found:
    """A row: that it exists is one thing, whether it has a uid another."""

    def __init__(self, uid: int | None) -> None:
        self.uid = uid
