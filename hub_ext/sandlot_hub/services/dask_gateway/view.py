"""Clusters as their owner's server and the client of dask-gateway are told of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dask_gateway_server.backends.db_base import Cluster, JobStatus  # type: ignore[import-untyped]

from sandlot_contracts.clusters import (
    ClusterAccelerator,
    ClusterAdaptive,
    ClusterImage,
    ClusterInfo,
    ClusterLimits,
    ClusterList,
    ClusterOptions,
    ClusterSize,
    ClusterUsage,
    ClusterWorkers,
)
from sandlot_hub.domain.dask.options import IMAGE, SIZE

from .admission import size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandlot_contracts.images import ImageContents, Package
    from sandlot_hub.domain.dask.admission import ClusterUse
    from sandlot_hub.domain.dask.options import DaskOffers
    from sandlot_hub.domain.settings.dask import DaskLimits
    from sandlot_hub.domain.settings.model import ImageSettings, SandlotSettings

_SAME_EVERYWHERE = frozenset({"dask", "distributed", "numpy", "pandas"})
"""What is computed with travels between them as objects of these."""
_REPLACED = "Another one is started."
_PENDING = "Its scheduler starts; that takes a few seconds."


def gateway_view(cluster: Cluster, *, keys: bool) -> dict[str, Any]:
    """Return a cluster in dask-gateway's own words.

    Parameters
    ----------
    cluster
        The cluster.
    keys
        Whether with the TLS keys with which its owner computes on it; while it runs.
    """
    model = cluster.to_model().to_dict(full=keys)
    if model["dashboard_route"]:
        # Below the owner's own server: nobody else shows it.
        model["dashboard_route"] = f"/{cluster.name}/dashboard/status"
    return dict(model)


def options_spec(offers: DaskOffers) -> list[dict[str, Any]]:
    """Return the options of a cluster in dask-gateway's own words."""
    return [
        {
            "field": field,
            "label": label,
            "default": next(iter(slugs), ""),
            "spec": {"type": "select", "options": slugs},
        }
        for field, label, slugs in (
            (IMAGE, "Image", list(offers.images)),
            (SIZE, "Worker size", list(offers.sizes)),
        )
    ]


def options_view(offers: DaskOffers, settings: SandlotSettings) -> ClusterOptions:
    """Return what a user may make a cluster of."""
    return ClusterOptions(
        images=tuple(
            _image(slug, entry).model_copy(update={"packages": _shared(offers.contents.get(slug))})
            for slug, entry in offers.images.items()
        ),
        sizes=tuple(
            ClusterSize(
                slug=slug,
                display_name=entry.display_name,
                cpus=entry.cpus,
                memory_bytes=entry.memory,
                accelerator=None
                if entry.accelerator is None
                else _accelerator(entry.accelerator.flavor, entry.accelerator.count, settings),
            )
            for slug, entry in offers.sizes.items()
        ),
        pairs=tuple(sorted(offers.pairs)),
        limits=limits_view(settings.dask.limits),
    )


def list_view(
    clusters: Sequence[Cluster],
    uses: Sequence[ClusterUse],
    settings: SandlotSettings,
) -> ClusterList:
    """Return all clusters of a user, with the version of exactly this."""
    found = ClusterList(
        version="",
        clusters=tuple(cluster_view(each, settings) for each in clusters),
        limits=limits_view(settings.dask.limits),
        used=ClusterUsage(
            clusters=len(uses),
            workers=sum(each.workers for each in uses),
            cpus=sum(each.workers * each.size.cpus for each in uses),
            memory_bytes=sum(each.workers * each.size.memory for each in uses),
            accelerators=sum(each.workers * each.size.accelerators for each in uses),
        ),
    )
    digest = hashlib.sha256(found.model_dump_json().encode()).hexdigest()
    return found.model_copy(update={"version": digest[:20]})


def cluster_view(cluster: Cluster, settings: SandlotSettings) -> ClusterInfo:
    """Return one cluster."""
    image, size, state = cluster.config[IMAGE], cluster.config[SIZE], cluster.state
    known_image, known_size = settings.images.get(image), settings.sizes.get(size)
    status, accelerators = cluster.model_status.name, size_of(cluster).accelerators
    workers = _workers(cluster)
    return ClusterInfo(
        name=cluster.name,
        status=status,
        code=state.get("code", ""),
        reason=state.get("reason", ""),
        next=state.get("next", ""),
        detail=_detail(state, status, workers),
        started_at=_time(cluster.start_time),
        stopped_at=None if cluster.stop_time is None else _time(cluster.stop_time),
        image=_image(image, known_image),
        size=ClusterSize(
            slug=size,
            display_name=size if known_size is None else known_size.display_name,
            cpus=cluster.config["cpus"],
            memory_bytes=cluster.config["memory"],
            accelerator=_accelerator(cluster.config["flavor"], accelerators, settings)
            if accelerators
            else None,
        ),
        workers=workers,
        adaptive=ClusterAdaptive(**state["adaptive"]) if "adaptive" in state else None,
        idle_timeout_s=settings.dask.idle_timeout,
        dashboard_address=cluster.dashboard_address if status == "RUNNING" else "",
    )


def limits_view(limits: DaskLimits) -> ClusterLimits:
    """Return the limits of a user."""
    return ClusterLimits(
        clusters=limits.clusters,
        workers=limits.workers,
        cpus=limits.cpus,
        memory_bytes=limits.memory,
        accelerators=limits.accelerators,
    )


def _accelerator(flavor: str, count: int, settings: SandlotSettings) -> ClusterAccelerator:
    known = settings.accelerators.get(flavor)
    name = flavor if known is None else known.display_name
    return ClusterAccelerator(flavor=flavor, display_name=name, count=count)


def _image(slug: str, entry: ImageSettings | None) -> ClusterImage:
    if entry is None:
        return ClusterImage(slug=slug, display_name=slug)
    return ClusterImage(slug=slug, display_name=entry.display_name, version=entry.version)


def _shared(contents: ImageContents | None) -> tuple[Package, ...]:
    """Return the packages of which a notebook and its cluster need the same version."""
    packages = () if contents is None else contents.packages
    return tuple(each for each in packages if each.name in _SAME_EVERYWHERE)


def _detail(state: Mapping[str, Any], status: str, workers: ClusterWorkers) -> str:
    """Return what a cluster waits for, or its workers do that are wanted and not there."""
    if status == "PENDING":
        return str(state.get("detail", _PENDING))
    if status != "RUNNING":
        return ""
    if workers.running < workers.wanted:
        if state.get("detail"):
            return str(state["detail"])
        # On Kubernetes this is what is kept of its log.
        if isinstance(state.get("worker"), str):
            return f"A worker is missing: {state['worker']} {_REPLACED}"
    return str(state.get("shortage", ""))


def _workers(cluster: Cluster) -> ClusterWorkers:
    counts = {"running": 0, "starting": 0, "stopping": 0}
    for worker in cluster.workers.values():
        if worker.status >= JobStatus.STOPPED:
            continue
        if worker.target > JobStatus.RUNNING or worker.close_expected:
            counts["stopping"] += 1
        else:
            counts["running" if worker.status == JobStatus.RUNNING else "starting"] += 1
    wanted = cluster.count if cluster.target == JobStatus.RUNNING else 0
    return ClusterWorkers(wanted=wanted, **counts)


def _time(milliseconds: int) -> str:
    found = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
