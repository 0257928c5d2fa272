"""The clusters and their workers: in memory, and after every change in a database.

That is a file of SQLite, or PostgreSQL where an administrator has one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from cryptography.fernet import InvalidToken
from dask_gateway_server.backends.db_base import (  # type: ignore[import-untyped]
    Cluster,
    DataManager,
    JobStatus,
    Worker,
    clusters,
)
from dask_gateway_server.tls import new_keypair  # type: ignore[import-untyped]
from dask_gateway_server.utils import FrozenAttrDict, timestamp  # type: ignore[import-untyped]
from typing_extensions import override

from sandlot_hub.services.logs import FIELDS

from .changes import Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pydantic import SecretStr

logger = logging.getLogger(__name__)

_LOCKED_MS = 500
"""How long a locked database is waited for. Everybody waits meanwhile: there is one thread."""

# What an insert, an update and a delete ask for.
_POSTGRESQL_PROBE = "LOCK TABLE clusters, workers IN ROW EXCLUSIVE MODE"

Keys = tuple[bytes, bytes]
"""Certificate and key, as PEM."""


class DatabaseForeignError(Exception):
    """A database has what this gateway cannot read; the text says what to do."""


class ClusterDatabase(DataManager):
    """dask-gateway's records.

    Parameters
    ----------
    url
        Where they are.
    key
        32 bytes, in URL-safe base64: tokens and TLS keys are encrypted with it.
    probe
        A statement that fails when nothing could be written now, and changes nothing.
    options
        Of SQLAlchemy's engine.
    """

    def __init__(self, url: str, *, key: bytes, probe: str, **options: Any) -> None:
        try:
            super().__init__(url=url, encrypt_keys=[key], **options)
        except Exception:
            with contextlib.suppress(AttributeError):  # it had not come so far
                self.db.dispose()
            raise
        self._probe = probe
        self._probing = self.db.execution_options(sandlot_probes=True)
        self.away = False
        """Whether it is known that nothing can be written: then nobody waits for it in vain."""
        sa.event.listen(self.db, "begin", self._refuse)
        self.changes = Changes()
        """Told of every change."""

    def close(self) -> None:
        """Close all connections."""
        self.db.dispose()

    def probe(self) -> None:
        """Look whether something could be written now. Blocks, and may be called in any thread.

        Raises
        ------
        DatabaseError
            If not.
        """
        with self._probing.connect() as connection:
            connection.exec_driver_sql(self._probe)
            connection.rollback()

    def _refuse(self, connection: sa.Connection) -> None:
        if self.away and not connection.get_execution_options().get("sandlot_probes"):
            why = OSError("nothing can be written for now")
            raise sa.exc.OperationalError(statement="BEGIN", params=None, orig=why)

    def of_owner(self, owner: str) -> list[Cluster]:
        """Return all clusters of a user, ended ones included, the newest first."""
        # `get`: the mapping would make an entry for every name that it is asked for.
        found = self.username_to_clusters.get(owner, {})
        return sorted(found.values(), key=lambda each: -each.id)

    def live(self, name: str) -> Cluster | None:
        """Return a cluster of which anything is left; None when there is none."""
        cluster = self.get_cluster(name)
        return cluster if cluster is not None and cluster.status < JobStatus.STOPPED else None

    def insert(
        self, *, name: str, owner: str, keys: Keys, options: Mapping[str, str], config: object
    ) -> Cluster:
        """Keep a new cluster."""
        token = uuid.uuid4().hex
        certificate, key = keys
        common: dict[str, Any] = {
            "name": name,
            "username": owner,
            "options": dict(options),
            "status": JobStatus.CREATED,
            "target": JobStatus.RUNNING,
            "count": 0,
            "state": {},
            "scheduler_address": "",
            "dashboard_address": "",
            "api_address": "",
            "start_time": timestamp(),
        }
        with self.db.begin() as connection:
            done = connection.execute(
                clusters.insert().values(
                    tls_credentials=self.encode_tls_credentials(certificate, key),
                    token=self.encode_token(token),
                    config=config,
                    **common,
                )
            )
        cluster = Cluster(
            id=done.inserted_primary_key[0],
            token=token,
            tls_cert=certificate,
            tls_key=key,
            config=FrozenAttrDict(config),
            **common,
        )
        self.id_to_cluster[cluster.id] = cluster
        self.name_to_cluster[name] = cluster
        self.username_to_clusters[owner][name] = cluster
        self.changes.tell(owner)
        return cluster

    @override
    def create_worker(self, cluster: Cluster) -> Worker:
        worker = super().create_worker(cluster)
        self.changes.tell(cluster.username)
        return worker

    @override
    def update_cluster(self, cluster: Cluster, **values: Any) -> None:
        super().update_cluster(cluster, **values)
        self.changes.tell(cluster.username)

    @override
    def update_clusters(self, updates: Sequence[tuple[Cluster, Mapping[str, Any]]]) -> None:
        super().update_clusters(updates)
        for cluster, _ in updates:
            self.changes.tell(cluster.username)

    @override
    def update_worker(self, worker: Worker, **values: Any) -> None:
        super().update_worker(worker, **values)
        self.changes.tell(worker.cluster.username)

    @override
    def update_workers(self, updates: Sequence[tuple[Worker, Mapping[str, Any]]]) -> None:
        super().update_workers(updates)
        for worker, _ in updates:
            self.changes.tell(worker.cluster.username)

    def note(self, cluster: Cluster, **facts: Any) -> None:
        """Keep facts of ours about a cluster; None takes one away."""
        state = {**cluster.state, **facts}
        known = {name: fact for name, fact in state.items() if fact is not None}
        if known != cluster.state:
            self.update_cluster(cluster, state=known)


async def new_keys(name: str) -> Keys:
    """Return a new certificate and its key; making one takes a tenth of a second of CPU."""
    pair: Keys = await asyncio.to_thread(new_keypair, name)
    return pair


def open_database(path: Path, *, key: bytes) -> ClusterDatabase:
    """Return the database in a file; one that cannot be read is put aside.

    Nothing is lost with it that could still be used: clusters that no database knows are ended.
    """
    try:
        return _open_file(path, key=key)
    except (InvalidToken, ValueError, sa.exc.DatabaseError) as error:
        if isinstance(error, sa.exc.OperationalError) and path.stat().st_size:
            raise  # locked, or the disk is full: it is still ours
        aside = path.with_name(f"{path.name}.unreadable")
        logger.warning(
            "the database of clusters cannot be read, and is put aside",
            extra={FIELDS: {"reason": type(error).__name__, "as": aside.name}},
        )
        with contextlib.suppress(FileNotFoundError):
            path.replace(aside)
        return _open_file(path, key=key)


def open_postgresql(url: SecretStr, *, key: bytes) -> ClusterDatabase:
    """Return the database at a URL.

    Raises
    ------
    sqlalchemy.exc.OperationalError
        If it does not answer.
    DatabaseForeignError
        If somebody else's clusters are in it.
    """
    # The driver is there only where somebody asked for it.
    from .postgresql import engine_options  # noqa: PLC0415

    try:
        return ClusterDatabase(**engine_options(url), key=key, probe=_POSTGRESQL_PROBE)
    except InvalidToken:
        # Not put aside, as a file is: a wrong URL leads to what others need.
        message = (
            "The database that dask.database_file leads to was written by another Sandlot, or "
            "with another secret. Give this one an empty database."
        )
        raise DatabaseForeignError(message) from None


def _open_file(path: Path, *, key: bytes) -> ClusterDatabase:
    database = ClusterDatabase(f"sqlite:///{path}", key=key, probe="BEGIN IMMEDIATE")
    sa.event.listen(database.db, "connect", _be_impatient)
    database.db.dispose()
    return database


def _be_impatient(connection: Any, record: Any) -> None:
    del record
    _execute(connection.cursor, f"PRAGMA busy_timeout={_LOCKED_MS}")


def _execute(cursor: Callable[[], Any], statement: str) -> None:
    with contextlib.closing(cursor()) as open_cursor:
        open_cursor.execute(statement)
