"""dask-gateway's backend on Kubernetes: what people ask for, as records that a controller works on.

Of upstream's `KubeBackend` it takes how a cluster is kept (a record of the kind ``DaskCluster``) and
how the copy of the records here is kept in step. In place of upstream's rights in the whole cluster
it has those in one namespace, and none to read Secrets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from dask_gateway_server.backends.kubernetes.backend import (  # type: ignore[import-untyped]
    KubeBackend,
)
from dask_gateway_server.backends.kubernetes.utils import (  # type: ignore[import-untyped]
    parse_k8s_timestamp,
)
from dask_gateway_server.utils import timestamp  # type: ignore[import-untyped]
from dask_gateway_server.workqueue import WorkQueue  # type: ignore[import-untyped]
from typing_extensions import override

from sandlot_hub.adapters.dask_objects import GROUP, VERSION
from sandlot_hub.domain.dask.names import CLUSTER, DaskPlace, cluster_labels
from sandlot_hub.domain.dask.pods import dask_objects
from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.services.logs import FIELDS

from .changes import Changes
from .clusters import kept_config
from .fates import Fate
from .kube_informer import PatientInformer
from .kube_records import PodCluster
from .kube_seal import ClusterKeys, UnsealableError
from .orders import WorkerOrders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from sandlot_hub.adapters.dask_objects import DaskObjectsApi
    from sandlot_hub.domain.dask.options import DaskPlan
    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

    from .database import Keys
    from .heartbeat import PodHeartbeat
    from .kube_seal import Seal
    from .schedulers import SchedulerRoutes

logger = logging.getLogger(__name__)

_TROUBLES = (ClusterRefusedError, ClusterUnreachableError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodBackendParts:
    """What the backend works with."""

    objects: DaskObjectsApi
    settings: SandlotSettings
    seal: Seal
    routes: SchedulerRoutes
    instance: str
    """Which gateway it is, of several in a namespace."""
    door_url: str
    """Where schedulers reach it, ending in ``/api``."""


class PodBackend(KubeBackend):
    """The backend.

    Parameters
    ----------
    parts
        What it works with.
    log
        Where upstream writes.
    """

    def __init__(self, parts: PodBackendParts, *, log: logging.Logger) -> None:
        super().__init__(log=log, gateway_instance=parts.instance)
        self._parts = parts
        self._objects = parts.objects
        self._records: dict[str, PodCluster] = {}
        self.changes = Changes()
        """Told of all that people see, once it is so."""
        self._begun: set[str] = set()
        """Clusters that the API server is being asked for: they count already."""
        self._pods: dict[str, dict[str, Document]] = {}
        """Pods by their name, by cluster."""
        self.orders = WorkerOrders(
            limits=parts.settings.dask.limits, of_owner=self.of_owner, keep=self._keep_adaptive
        )
        self.admission = self.orders.admission

    @override
    async def setup(self, app: web.Application) -> None:
        """Begin to follow the records; routes for the proxy go into `app`.

        It returns when all that there is is known.
        """
        self.orders.open()
        self.queue = WorkQueue()
        await self._parts.routes.setup(app)
        self.informer = PatientInformer(
            name="clusters",
            listing=self._objects.list_clusters,
            selector=self.label_selector,
            on_update=self.on_cluster_event,
            on_delete=self.on_cluster_event,
        )
        self._pod_informer = PatientInformer(
            name="pods",
            listing=self._objects.list_pods,
            selector=self.label_selector,
            on_update=self._on_pod,
            on_delete=self._on_pod_gone,
        )
        self.sync_task = asyncio.get_running_loop().create_task(self.sync_clusters_loop())
        await asyncio.gather(self.informer.start(), self._pod_informer.start())

    @override
    async def cleanup(self) -> None:
        """Stop to work. Clusters go on: they are the controller's, and the next gateway's."""
        await asyncio.gather(self.informer.stop(), self._pod_informer.stop())
        self.queue.close()
        await self.sync_task
        await self._parts.routes.cleanup()
        await self.orders.close()

    @property
    def in_step(self) -> bool:
        """Whether what is known here is what the cluster says."""
        return bool(self.informer.in_step and self._pod_informer.in_step)

    # --- what is known -----------------------------------------------------------------

    def find(self, name: str) -> PodCluster | None:
        """Return a cluster, also one that has ended; None when there is none."""
        return self._records.get(name)

    def live(self, name: str) -> PodCluster | None:
        """Return a cluster of which anything is left; None when there is none."""
        found = self._records.get(name)
        return found if found is not None and found.status < JobStatus.STOPPED else None

    def of_owner(self, owner: str) -> list[PodCluster]:
        """Return all clusters of a user, ended ones included, the newest first."""
        found = [each for each in self._records.values() if each.username == owner]
        return sorted(found, key=lambda each: (-each.start_time, each.name))

    # --- what people ask for -----------------------------------------------------------

    async def begin(
        self, plan: DaskPlan, entitlements: Entitlements, *, name: str, keys: Keys
    ) -> PodCluster:
        """Have a cluster made. It counts at once, and no longer when it cannot be made."""
        config = kept_config(plan)
        own = ClusterKeys(certificate=keys[0], key=keys[1], token=uuid.uuid4().hex)
        cluster = PodCluster(
            name=name,
            username=entitlements.user,
            options=plan.options,
            config=config,
            token=own.token,
            tls_cert=own.certificate,
            tls_key=own.key,
            start_time=timestamp(),
        )
        self._records[name] = cluster
        self.changes.tell(cluster.username)
        self._begun.add(name)
        place = self._place(name)
        made = dask_objects(plan, entitlements, self._parts.settings, place)
        spec = {
            "username": entitlements.user,
            "options": plan.options,
            "config": config,
            "objects": made.document(),
            "sealed": self._parts.seal.close(own),
            "active": True,
            "replicas": 0,
        }
        try:
            record = await self._objects.create_cluster(self._record(place, spec))
        except _TROUBLES:
            self._forget(name)
            raise
        try:
            await self._make_secret(name, own, record)
        except _TROUBLES:
            with contextlib.suppress(*_TROUBLES):
                await self.end(cluster)
            raise
        return cluster

    async def end(self, cluster: PodCluster, fate: Fate | None = None) -> None:
        """Have a cluster end; `fate` says why when its owner did not ask for it."""
        if cluster.target > JobStatus.RUNNING:
            return
        told: dict[str, object] = {}
        if fate is not None:
            told = {**fate.told, "failed": fate.failed}
        await self._objects.patch_cluster(cluster.name, active=False, fate=told)
        cluster.target = JobStatus.STOPPED
        self.admission.forget(cluster)
        self.changes.tell(cluster.username)

    async def _keep_adaptive(
        self, cluster: PodCluster, bounds: Mapping[str, int | None] | None
    ) -> None:
        adaptive: dict[str, object] = {}
        if bounds is not None:
            kept = {name: each for name, each in bounds.items() if each is not None}
            adaptive = {"active": True, **kept}
        await self._objects.patch_cluster(cluster.name, adaptive=adaptive)

    # --- what schedulers say -----------------------------------------------------------

    async def heartbeat(self, cluster: PodCluster, beat: PodHeartbeat) -> None:
        """Take what a scheduler says of its cluster; it says the same again every second."""
        known = frozenset(cluster.pods)
        active = known.intersection(beat.active_workers)
        # One that is new has begun to work: those that failed before it no longer count.
        cluster.worked += len(active - cluster.active)
        cluster.active, cluster.closing = active, known.intersection(beat.closing_workers)
        cluster.count = self.admission.granted(cluster, beat.count)
        cluster.note_shortage(self.admission.shortage(cluster, beat.count))
        self.changes.tell(cluster.username)
        with contextlib.suppress(*_TROUBLES):
            if cluster.idle:
                await self.end(cluster, Fate.IDLE)
                return
            wanted = {"replicas": cluster.count, "worked": cluster.worked}
            if wanted != cluster.written:
                with cluster.writing():
                    record = await self._objects.patch_cluster(cluster.name, **wanted)
                    cluster.wrote(record)

    async def idle(self, cluster: PodCluster) -> None:
        """Have a cluster end on which nothing was computed for long."""
        # Its scheduler asks once. Should it be in vain, its next heartbeat asks again.
        cluster.idle = True
        with contextlib.suppress(*_TROUBLES):
            await self.end(cluster, Fate.IDLE)

    # --- what the cluster says ---------------------------------------------------------

    @override
    def get_cluster_name(self, obj: Document) -> str:
        return text(obj, "metadata", "name")

    def _on_pod(self, pod: Document, old: Document | None = None) -> None:
        del old
        cluster = text(pod, "metadata", "labels", CLUSTER)
        self._pods.setdefault(cluster, {})[text(pod, "metadata", "name")] = pod
        self.queue.put(cluster)

    def _on_pod_gone(self, pod: Document) -> None:
        cluster = text(pod, "metadata", "labels", CLUSTER)
        left = self._pods.get(cluster, {})
        left.pop(text(pod, "metadata", "name"), None)
        if not left:
            self._pods.pop(cluster, None)
        self.queue.put(cluster)

    @override
    async def sync_cluster(self, cluster_name: str) -> None:
        """Take over what is new of a cluster."""
        record = self.informer.get(f"{self._objects.namespace}.{cluster_name}")
        if record is None:
            if cluster_name not in self._begun:
                await self._drop(cluster_name)
            return
        known = self._records.get(cluster_name)
        cluster = await self._adopted(record) if known is None else known
        self._begun.discard(cluster_name)
        cluster.take(record)
        cluster.pods = self._pods.get(cluster_name, {})
        await self._lead_to(cluster)
        if cluster.model_status.name != "PENDING":
            cluster.ready.set()
        self.changes.tell(cluster.username)

    async def _adopted(self, record: Document) -> PodCluster:
        """Return a cluster that an earlier gateway made."""
        spec, name = record["spec"], text(record, "metadata", "name")
        cluster = PodCluster(
            name=name,
            username=text(spec, "username"),
            options=dict(spec["options"]),
            config=dict(spec["config"]),
            token="",
            tls_cert=b"",
            tls_key=b"",
            start_time=parse_k8s_timestamp(text(record, "metadata", "creationTimestamp")),
        )
        self._records[name] = cluster
        try:
            keys = self._parts.seal.open(text(spec, "sealed"))
        except UnsealableError:
            cluster.take(record)
            if cluster.status < JobStatus.STOPPED:
                logger.warning("a cluster's keys cannot be read", extra={FIELDS: {"name": name}})
                await self.end(cluster, Fate.KEYS)
            return cluster
        cluster.tls_cert, cluster.tls_key, cluster.token = keys.certificate, keys.key, keys.token
        if not text(record, "status", "phase"):
            # The gateway that made the record may have ended before it made the Secret.
            await self._make_secret(name, keys, record)
        return cluster

    async def _drop(self, name: str) -> None:
        cluster = self._records.pop(name, None)
        if cluster is not None:
            cluster.status = cluster.target = JobStatus.STOPPED
            cluster.ready.set()
            self.admission.forget(cluster)
            self.changes.tell(cluster.username)
            await self._parts.routes.remove_route(kind="SNI", sni=name)

    async def _lead_to(self, cluster: PodCluster) -> None:
        routes = self._parts.routes
        if cluster.model_status.name != "RUNNING":
            await routes.remove_route(kind="SNI", sni=cluster.name)
        elif ("SNI", cluster.name) not in routes.routes:
            await routes.add_route(kind="SNI", sni=cluster.name, target=cluster.scheduler_address)

    # --- making of ---------------------------------------------------------------------

    def _forget(self, name: str) -> None:
        self._begun.discard(name)
        if self.informer.get(f"{self._objects.namespace}.{name}") is None:
            gone = self._records.pop(name, None)
            if gone is not None:
                self.changes.tell(gone.username)

    def _place(self, name: str) -> DaskPlace:
        return DaskPlace(name=name, instance=self._parts.instance, door_url=self._parts.door_url)

    def _record(self, place: DaskPlace, spec: Document) -> dict[str, Any]:
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "DaskCluster",
            "metadata": {"name": place.name, "labels": cluster_labels(place, "dask-cluster")},
            "spec": spec,
        }

    async def _make_secret(self, name: str, keys: ClusterKeys, record: Document) -> None:
        labels = cluster_labels(self._place(name), "credentials")
        await self._objects.create_secret(keys.secret(name, labels=labels, owner=owner_of(record)))


def owner_of(record: Document) -> dict[str, Any]:
    """Return the reference with which an object goes when the record of its cluster does."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "DaskCluster",
        "name": text(record, "metadata", "name"),
        "uid": text(record, "metadata", "uid"),
    }
