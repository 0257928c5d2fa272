"""Dask clusters, as their owner's server is told of them. No token and no TLS key is in here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import StrictWireModel, WireModel
from .images import Package

ClusterStatus = Literal["PENDING", "RUNNING", "STOPPING", "STOPPED", "FAILED"]


class ClusterWorkers(WireModel):
    """How many workers there are."""

    wanted: int = Field(ge=0, description="Asked for, by the owner or by adaptive scaling.")
    running: int = Field(ge=0, description="Connected to the scheduler.")
    starting: int = Field(ge=0)
    stopping: int = Field(ge=0)


class ClusterAdaptive(WireModel):
    """The bounds of adaptive scaling; None means no bound."""

    minimum: int | None = Field(default=None, ge=0)
    maximum: int | None = Field(default=None, ge=0)


class ClusterImage(WireModel):
    """An image that clusters can be made of."""

    slug: str
    display_name: str
    version: str = Field(default="", description="As people read it.")
    packages: tuple[Package, ...] = Field(
        default=(),
        description="Those of which a notebook and its cluster need the same version; only in the "
        "reply about options, and only where it is known what is inside.",
    )


class ClusterAccelerator(WireModel):
    """The accelerators of each worker."""

    flavor: str = Field(description="Slug of the flavor.")
    display_name: str
    count: int = Field(ge=1)


class ClusterSize(WireModel):
    """What each worker has."""

    slug: str
    display_name: str
    cpus: float = Field(gt=0, description="CPU cores.")
    memory_bytes: int = Field(gt=0)
    accelerator: ClusterAccelerator | None = Field(default=None, description="None: it has none.")


class ClusterState(WireModel):
    """One cluster, as far as everybody who shows it knows it."""

    name: str
    status: ClusterStatus
    code: str = Field(default="", description="Stable code of why it failed, when it did.")
    reason: str = Field(default="", description="Why it failed, one sentence, when it did.")
    next: str = Field(default="", description="What to do now, one sentence, when it failed.")
    detail: str = Field(
        default="",
        description="What it waits for: while PENDING, and while RUNNING, what workers that are "
        "wanted wait for.",
    )
    started_at: str = Field(description="When it was asked for: UTC, ISO 8601.")
    stopped_at: str | None = Field(default=None, description="When nothing of it was left.")
    image: ClusterImage
    size: ClusterSize
    workers: ClusterWorkers
    adaptive: ClusterAdaptive | None = Field(
        default=None, description="Set while the cluster scales by itself."
    )
    idle_timeout_s: float | None = Field(
        default=None, description="It ends when nothing was computed for so long; None: never."
    )


class ClusterInfo(ClusterState):
    """One cluster of the caller's."""

    dashboard_address: str = Field(
        default="",
        description="Where its dashboard answers without a login, for the owner's server only.",
    )


class ClusterLimits(WireModel):
    """What all clusters of the caller may have together; None means no limit."""

    clusters: int | None = None
    workers: int | None = None
    cpus: float | None = None
    memory_bytes: int | None = None
    accelerators: int | None = None


class ClusterUsage(WireModel):
    """What all clusters of the caller have, or were promised."""

    clusters: int = Field(ge=0)
    workers: int = Field(ge=0)
    cpus: float = Field(ge=0)
    memory_bytes: int = Field(ge=0)
    accelerators: int = Field(default=0, ge=0)


class ClusterList(WireModel):
    """Reply of ``GET api/v1/sandlot/clusters``."""

    version: str = Field(description="Another one after every change; opaque.")
    clusters: tuple[ClusterInfo, ...] = Field(description="The newest first.")
    limits: ClusterLimits
    used: ClusterUsage


class ClusterOptions(WireModel):
    """Reply of ``GET api/v1/sandlot/options``: what the caller may make a cluster of."""

    images: tuple[ClusterImage, ...] = Field(description="In the order in which they are shown.")
    sizes: tuple[ClusterSize, ...] = Field(description="Of a worker; the first is the default.")
    pairs: tuple[tuple[str, str], ...] = Field(description="Image and size that go together.")
    limits: ClusterLimits


class WorkerLog(WireModel):
    """The end of what one worker wrote."""

    worker: str
    lines: tuple[str, ...]


class ClusterLog(WireModel):
    """Reply of ``GET api/v1/sandlot/clusters/{name}/log``."""

    scheduler: tuple[str, ...] = Field(description="The end of what the scheduler wrote.")
    workers: tuple[WorkerLog, ...] = Field(description="The newest first, a few at most.")


# --- what a page and its own server tell each other ------------------------------------------


class Unmet(WireModel):
    """An order that could not be carried out any more once the cluster ran."""

    code: str
    message: str


class PageCluster(ClusterState):
    """One cluster of the owner's; where its processes are is not for pages."""

    dashboard: str = Field(
        description="Path of its dashboard below ``…/sandlot/api/v1/``; empty when there is none."
    )
    unmet: Unmet | None = Field(
        default=None, description="Why it did not get the workers that it was created with."
    )


class PageClusters(WireModel):
    """Reply of ``GET …/sandlot/api/v1/clusters``."""

    clusters: tuple[PageCluster, ...] = Field(description="The newest first.")
    limits: ClusterLimits
    used: ClusterUsage


class ClusterRange(StrictWireModel):
    """The bounds of adaptive scaling, as a page orders them; None means no bound."""

    minimum: int | None = Field(default=None, ge=0, strict=True)
    maximum: int | None = Field(default=None, ge=0, strict=True)


class ClusterWish(StrictWireModel):
    """Body of ``POST …/sandlot/api/v1/clusters``; what is left out is the gateway's default."""

    image: str | None = Field(default=None, max_length=200, description="Slug of the image.")
    worker_size: str | None = Field(default=None, max_length=200, description="Slug of the size.")
    workers: int | None = Field(
        default=None, ge=0, strict=True, description="So many, as soon as it runs."
    )
    adaptive: ClusterRange | None = Field(
        default=None, description="As many as there is work for, in place of `workers`."
    )


class NewCluster(WireModel):
    """Reply of ``POST …/sandlot/api/v1/clusters``."""

    name: str


class WorkersWish(StrictWireModel):
    """Body of ``POST …/sandlot/api/v1/clusters/{name}/scale``."""

    count: int = Field(ge=0, strict=True)


class AdaptiveWish(ClusterRange):
    """Body of ``POST …/sandlot/api/v1/clusters/{name}/adapt``."""

    active: bool = Field(
        default=True, strict=True, description="False: it stays as large as it is."
    )


class ClustersChanged(WireModel):
    """What pages hear when there is something new; the list itself is for the owner to ask."""

    revision: int = Field(ge=0, description="Another one with every message.")
    reachable: bool = Field(description="Whether the service of clusters answers.")
