from __future__ import annotations

import asyncio
import base64
import sqlite3
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sandlot_hub.services.dask_gateway.database import ClusterDatabase, new_keys, open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dask_gateway_server.backends.db_base import (  # type: ignore[import-untyped]
        Cluster,
        Worker,
    )

pytestmark = pytest.mark.asyncio

KEY = base64.urlsafe_b64encode(b"k" * 32)
OTHER = base64.urlsafe_b64encode(b"o" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clusters.sqlite"


def insert(database: ClusterDatabase, name: str = "one") -> None:
    database.insert(
        name=name, owner="ann", keys=(b"certificate", b"secret-key"), options={}, config={}
    )


def stands_in(path: Path, words: bytes) -> bool:
    return words in path.read_bytes()


def spoil(path: Path) -> None:
    path.write_bytes(b"something else " * 500)


async def test_what_is_kept_is_found_again_and_is_encrypted(path: Path) -> None:
    first = open_database(path, key=KEY)
    insert(first)
    insert(first, "two")
    first.note(first.get_cluster("one"), code="idle", reason="Because.")
    first.note(first.get_cluster("one"), code=None)

    again = open_database(path, key=KEY)
    assert [each.name for each in again.of_owner("ann")] == ["two", "one"]
    assert again.get_cluster("one").state == {"reason": "Because."}
    token = again.get_cluster("one").token
    assert not stands_in(path, token.encode())
    assert not stands_in(path, b"secret-key")


async def test_asking_for_a_name_keeps_nothing(path: Path) -> None:
    database = open_database(path, key=KEY)

    assert database.of_owner("stranger") == []
    assert "stranger" not in database.username_to_clusters


@pytest.mark.parametrize("what", ["no database", "another key"])
async def test_what_cannot_be_read_is_put_aside(path: Path, what: str) -> None:
    if what == "another key":
        insert(open_database(path, key=OTHER))
    else:
        spoil(path)

    database = open_database(path, key=KEY)
    assert database.of_owner("ann") == []
    insert(database)
    assert path.with_name("clusters.sqlite.unreadable").exists()


async def test_a_locked_database_is_not_put_aside_and_does_not_stop_everybody(path: Path) -> None:
    database = open_database(path, key=KEY)
    insert(database)
    with database.db.connect() as connection:
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    assert patience <= 500, "everybody waits meanwhile"
    with sqlite3.connect(path, isolation_level=None) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            insert(database, "two")
        locker.execute("ROLLBACK")
    locker.close()

    assert database.get_cluster("two") is None
    insert(database, "two")
    assert not path.with_name("clusters.sqlite.unreadable").exists()


async def test_every_cluster_has_keys_of_its_own() -> None:
    (certificate, key), (other, _) = await new_keys("one"), await new_keys("two")

    assert certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    assert key.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert certificate != other


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda db, one, _: db.update_cluster(one, count=1), id="a cluster"),
        pytest.param(lambda db, one, _: db.update_clusters([(one, {"count": 1})]), id="clusters"),
        pytest.param(lambda db, one, _: db.note(one, code="idle"), id="a fact"),
        pytest.param(lambda db, one, _: db.create_worker(one), id="a new worker"),
        pytest.param(
            lambda db, _, worker: db.update_worker(worker, close_expected=True), id="a worker"
        ),
        pytest.param(
            lambda db, _, worker: db.update_workers([(worker, {"close_expected": True})]),
            id="workers",
        ),
        pytest.param(lambda db, *_: insert(db, "two"), id="one more cluster"),
    ],
)
async def test_every_change_is_told_to_who_waits_for_the_owners_clusters(
    path: Path, change: Callable[[ClusterDatabase, Cluster, Worker], object]
) -> None:
    database = open_database(path, key=KEY)
    insert(database)
    cluster = database.get_cluster("one")
    worker = database.create_worker(cluster)
    waiting = asyncio.create_task(database.changes.wait("ann", 60.0))
    await asyncio.sleep(0)

    change(database, cluster, worker)
    async with asyncio.timeout(10.0):
        assert await waiting
