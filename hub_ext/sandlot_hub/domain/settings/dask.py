"""Dask clusters: who may have how much, and when an idle one ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from sandlot_hub.domain.values.units import Cpus, Duration, Memory

from .base import SettingsModel, Slug

Count = Annotated[int, Field(ge=1, le=10_000, strict=True)]
PrivatePath = Annotated[
    str, StringConstraints(pattern=r"^/[^\x00-\x1f]+$", max_length=4096, strict=True)
]
"""Absolute path of a file with a secret. The secret itself stands in no settings."""


class DaskLimits(SettingsModel):
    """What all clusters of one user may have together. `null` means no limit."""

    clusters: Count | None = 4
    """Clusters that start, run or end."""
    workers: Count | None = 32
    """Workers of all of them."""
    cpus: Cpus | None = None
    """CPU cores of their workers."""
    memory: Memory | None = None
    """Memory of their workers."""
    accelerators: Count | None = 4
    """GPUs and other accelerators of their workers."""


class DaskScheduler(SettingsModel):
    """What the scheduler of every cluster gets; it counts in no limit of the user."""

    cpus: Cpus = 1.0
    """CPU cores."""
    memory: Memory = 2 * 1024**3
    """Memory."""


class DaskSettings(SettingsModel):
    """Dask clusters, started from notebooks. An image needs `dask-gateway` and `distributed`."""

    enabled: bool = True
    """Whether there are any."""
    sizes: tuple[Slug, ...] = ()
    """Slugs of the sizes that a worker may have, the default one first; all when empty.
    A user finds those that they may use."""
    scheduler: DaskScheduler = DaskScheduler()
    """The scheduler of a cluster."""
    limits: DaskLimits = DaskLimits()
    """Limits of each user."""
    idle_timeout: Duration | None = 1800.0
    """A cluster on which nothing was computed for so long ends; `null` means never."""
    start_timeout: Duration = 60.0
    """How long a scheduler or a worker may take until it works; then it is given up."""
    mount_home: bool = False
    """Whether scheduler and workers have the home of their owner, on Kubernetes. Workers run on
    several nodes: homes on claims need `ReadWriteMany` for it. On one machine they always do."""
    database_file: PrivatePath | None = None
    """File with the URL of a PostgreSQL database that keeps the clusters of one machine, such as
    `postgresql://user:password@host/name`; nobody but its owner may read it. Without, a file of
    SQLite in the data directory keeps them."""
