"""The clusters and their workers: in memory, and after every change in SQLite."""

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
    clusters,
)
from dask_gateway_server.tls import new_keypair  # type: ignore[import-untyped]
from dask_gateway_server.utils import FrozenAttrDict, timestamp  # type: ignore[import-untyped]

from sandlot_hub.services.logs import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

_LOCKED_MS = 500
"""How long a locked database is waited for. Everybody waits meanwhile: there is one thread."""

Keys = tuple[bytes, bytes]
"""Certificate and key, as PEM."""


class ClusterDatabase(DataManager):
    """dask-gateway's records.

    Parameters
    ----------
    path
        The file.
    key
        32 bytes, in URL-safe base64: tokens and TLS keys are encrypted with it.
    """

    def __init__(self, path: Path, *, key: bytes) -> None:
        super().__init__(url=f"sqlite:///{path}", encrypt_keys=[key])
        sa.event.listen(self.db, "connect", _be_impatient)
        self.db.dispose()

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
        return cluster

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
    """Return the database; one that cannot be read is put aside.

    Nothing is lost with it that could still be used: clusters that no database knows are ended.
    """
    try:
        return ClusterDatabase(path, key=key)
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
        return ClusterDatabase(path, key=key)


def _be_impatient(connection: Any, record: Any) -> None:
    del record
    _execute(connection.cursor, f"PRAGMA busy_timeout={_LOCKED_MS}")


def _execute(cursor: Callable[[], Any], statement: str) -> None:
    with contextlib.closing(cursor()) as open_cursor:
        open_cursor.execute(statement)
