"""Clusters that a real PostgreSQL keeps, which also goes away and comes back."""

from __future__ import annotations

import base64
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from sandlot_hub.services.dask_gateway.database import (
    ClusterDatabase,
    DatabaseForeignError,
    open_postgresql,
)
from support.dask_user import dask_processes, one
from support.postgresql import running_postgresql
from support.processes import arguments, below, environment, wait_ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.dask_user import DaskUser
    from support.postgresql import Postgresql

    from .conftest import Change, DaskStack

pytestmark = [pytest.mark.timeout(600), pytest.mark.root]

KEY = base64.urlsafe_b64encode(b"k" * 32)
OTHER = base64.urlsafe_b64encode(b"o" * 32)
AWAY = (503, "database-unavailable")
_WAIT_S = 60.0


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    with running_postgresql() as server:
        yield server


def insert(database: ClusterDatabase, name: str) -> None:
    database.insert(
        name=name, owner="ann", keys=(b"certificate", b"secret-key"), options={}, config={}
    )


def empty(server: Postgresql) -> None:
    with server.connect() as connection:
        connection.execute("DELETE FROM clusters")


def stands_in(server: Postgresql, words: bytes) -> bool:
    with server.connect() as connection:
        rows = connection.execute("SELECT token, tls_credentials FROM clusters").fetchall()
    return any(words in bytes(cell) for row in rows for cell in row)


@pytest.mark.asyncio
async def test_what_is_kept_is_found_again_and_is_encrypted(postgresql: Postgresql) -> None:
    url = SecretStr(postgresql.url)
    with closing(open_postgresql(url, key=KEY)) as first:
        insert(first, "one")
        kept = first.get_cluster("one")
        worker = first.create_worker(kept)
        first.update_workers([(worker, {"close_expected": True})])
        first.note(kept, reason="Because.")
    with closing(open_postgresql(url, key=KEY)) as second:
        again = second.get_cluster("one")
    assert (again.token, again.tls_key) == (kept.token, b"secret-key")
    assert (again.state, again.start_time) == ({"reason": "Because."}, kept.start_time)
    assert again.workers[worker.name].close_expected
    assert not stands_in(postgresql, again.token.encode())
    assert not stands_in(postgresql, b"secret-key")

    with pytest.raises(DatabaseForeignError, match="Give this one an empty database"):
        open_postgresql(url, key=OTHER)
    empty(postgresql)


@pytest.mark.asyncio
async def test_a_lock_is_not_waited_for_long(postgresql: Postgresql) -> None:
    with closing(open_postgresql(SecretStr(postgresql.url), key=KEY)) as database:
        with postgresql.connect() as locker:
            locker.execute("LOCK TABLE clusters IN ACCESS EXCLUSIVE MODE")
            for waits in (database.probe, lambda: insert(database, "one")):
                with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                    waits()
            locker.rollback()
        database.probe()
        insert(database, "one")
    empty(postgresql)


def test_clusters_outlive_the_gateway_and_their_database(
    dask: DaskStack, ann: DaskUser, change_settings: Change, postgresql: Postgresql
) -> None:
    _use(dask.stack.data_dir.parent / "database-url", postgresql, change_settings)
    name = ann.create()
    ann.running(name)
    ann.scale(name, 1)
    ann.wait_cluster(name, lambda each: each.workers.running == 1)
    before = dask_processes(dask.pid, name)
    _nobody_tells_the_password(dask, postgresql)
    dask.stack.run("restart", "dask-gateway")
    found = one(ann.overview(), name)
    assert (found.status, found.workers.running) == ("RUNNING", 1)

    postgresql.stop()
    reply = ann.ask("GET", "sandlot/clusters")
    while reply.status_code == 200:
        query = {"after": reply.json()["version"], "wait": "30"}
        reply = ann.ask("GET", "sandlot/clusters", params=query)
    for refused in (reply, ann.ask("POST", "clusters/", json={})):
        assert (refused.status_code, refused.json()["code"]) == AWAY
    postgresql.start()
    deadline = time.monotonic() + _WAIT_S
    while ann.ask("GET", "sandlot/clusters").status_code == 503:
        assert time.monotonic() < deadline

    assert set(dask_processes(dask.pid, name)) == set(before)
    ann.scale(name, 2)
    ann.wait_cluster(name, lambda each: each.workers.running == 2)
    ann.stop_all()
    wait_ended(before)
    assert postgresql.password not in dask.stack.log("dask-gateway")


def _use(path: Path, server: Postgresql, change_settings: Change) -> None:
    path.write_text(f"{server.url}\n")
    path.chmod(0o600)
    change_settings("enabled: true", f"enabled: true\n  database_file: {path}")


def _nobody_tells_the_password(dask: DaskStack, server: Postgresql) -> None:
    settings = dask.stack.data_dir / "run" / "settings.json"
    assert not settings.exists() or server.password not in settings.read_text()
    for each in below(dask.pid):
        assert server.password not in arguments(each.pid)
        assert server.password not in str(environment(each.pid))
