"""dask-gateway's controller: makes of each record the pods that it asks for, and of those a status.

Of upstream's `KubeController` it takes the loop: a queue of clusters, and reconcilers that look at
one of them as often as something about it changes. What is done then is decided here, because
upstream's way

- needs rights in the whole cluster, and Traefik; the address of a pod is enough for ours;
- counts workers by their containers' states: of those that no node has room for it knows nothing,
  and after ten minutes makes as many again;
- removes the wrong number of waiting workers when a cluster shrinks;
- never gives up a scheduler that cannot start, and tells nobody why one has ended.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dask_gateway_server.backends.kubernetes.controller import (  # type: ignore[import-untyped]
    KubeController,
)
from dask_gateway_server.backends.kubernetes.utils import (  # type: ignore[import-untyped]
    k8s_timestamp,
    parse_k8s_timestamp,
)
from dask_gateway_server.utils import TaskPool, timestamp  # type: ignore[import-untyped]
from dask_gateway_server.workqueue import Backoff, WorkQueue  # type: ignore[import-untyped]
from typing_extensions import override

from sandlot_hub.domain.dask.names import (
    CLUSTER,
    COMPONENT,
    SCHEDULER,
    WORKER,
    scheduler_name,
    secret_name,
)
from sandlot_hub.domain.dask.pods import worker_of
from sandlot_hub.domain.dask.verdict import (
    GONE,
    about,
    judge_pod,
    new_judge,
    pod_view,
    subject_of,
)
from sandlot_hub.domain.pods.denials import CreateAnswer, explain_denial, read_answer
from sandlot_hub.domain.pods.documents import part, text
from sandlot_hub.domain.pods.endings import disruption
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode, Ready, Waiting, WaitReason
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from .fates import Fate
from .kube_backend import owner_of
from .kube_informer import PatientInformer
from .kube_workers import SEEN_AFTER_S, Workers

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from sandlot_hub.adapters.dask_objects import DaskObjectsApi
    from sandlot_hub.domain.pods.documents import Document, StartSubject
    from sandlot_hub.domain.pods.verdict import StartJudge
    from sandlot_hub.domain.settings.model import SandlotSettings

_TICK_S = 1.0
"""How often clusters that wait are looked at, though nothing about them has changed."""
_KEPT_S = 2 * 3600.0
"""How long the record of a cluster that has ended is kept."""
_CLEANUP_S = 600.0
_RETRY_S = 0.5
_RETRY_MAXIMUM_S = 30.0
_PARALLEL = 10

Status = dict[str, Any]


class PodController(KubeController):
    """The controller.

    Parameters
    ----------
    objects
        The cluster.
    settings
        How long a start may wait.
    instance
        Whose records it works on.
    log
        Where upstream writes.
    """

    def __init__(
        self,
        *,
        objects: DaskObjectsApi,
        settings: SandlotSettings,
        instance: str,
        log: logging.Logger,
    ) -> None:
        super().__init__(log=log, gateway_instance=instance)
        self._objects = objects
        self._settings = settings
        self._judges: dict[str, StartJudge] = {}
        self._asked: dict[str, float] = {}
        """When the scheduler of a cluster was made."""
        self._workers: dict[str, Workers] = {}
        self._written: dict[str, Status] = {}
        """What was written last: nobody else writes it, and the copy here may be older."""

    @override
    async def setup(self) -> None:
        """Begin to work; it returns when all that there is is known."""
        self.completed_cluster_max_age = _KEPT_S
        self.completed_cluster_cleanup_period = _CLEANUP_S
        self.stopped_clusters: dict[str, float] = {}
        self._pods: dict[str, dict[str, Document]] = {}
        self.queue = WorkQueue(backoff=Backoff(base_delay=_RETRY_S, max_delay=_RETRY_MAXIMUM_S))
        self.informers = {
            "cluster": PatientInformer(
                name="clusters",
                listing=self._objects.list_clusters,
                selector=self.label_selector,
                on_update=self.on_cluster_update,
                on_delete=self.on_cluster_delete,
            ),
            "pod": PatientInformer(
                name="pods",
                listing=self._objects.list_pods,
                selector=self.label_selector,
                on_update=self.on_pod_update,
                on_delete=self.on_pod_delete,
            ),
        }
        await asyncio.gather(*(each.start() for each in self.informers.values()))
        loop = asyncio.get_running_loop()
        self.reconcilers = [loop.create_task(self.reconciler_loop()) for _ in range(_PARALLEL)]
        self.task_pool = TaskPool()
        self.task_pool.spawn(self.cleanup_expired_cluster_records_loop())
        self.task_pool.spawn(self._tick())

    @override
    async def cleanup(self) -> None:
        """Stop to work. Clusters go on: their pods are the cluster's."""
        await self.task_pool.close()
        self.queue.close()
        await asyncio.gather(*self.reconcilers)
        await asyncio.gather(*(each.stop() for each in self.informers.values()))

    @property
    def in_step(self) -> bool:
        """Whether what is known here is what the cluster says."""
        return all(each.in_step for each in self.informers.values())

    # --- what has changed --------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for key in self.informers["cluster"].cache:
                if key not in self.stopped_clusters:
                    self.queue.put(key)

    @override
    def on_pod_update(self, pod: Document, old: Document | None = None) -> None:
        key = self._key_of(pod)
        self._pods.setdefault(key, {})[text(pod, "metadata", "name")] = pod
        if key in self._workers:
            self._workers[key].seen(text(pod, "metadata", "name"))
        self.queue.put(key)

    @override
    def on_pod_delete(self, pod: Document) -> None:
        key = self._key_of(pod)
        left = self._pods.get(key, {})
        left.pop(text(pod, "metadata", "name"), None)
        if not left:
            self._pods.pop(key, None)
        self.queue.put(key)

    @override
    def on_cluster_delete(self, cluster: Document) -> None:
        super().on_cluster_delete(cluster)
        key = f"{self._objects.namespace}.{text(cluster, 'metadata', 'name')}"
        self._forget(key)
        self._written.pop(key, None)

    def _key_of(self, pod: Document) -> str:
        return f"{self._objects.namespace}.{text(pod, 'metadata', 'labels', CLUSTER)}"

    def _forget(self, key: str) -> None:
        self._judges.pop(key, None)
        self._asked.pop(key, None)
        self._workers.pop(key, None)

    # --- what is done about it ---------------------------------------------------------

    @override
    async def patch_cluster_status(self, namespace: str, name: str, status: Status) -> None:
        await self._objects.patch_status(name, status)
        self._written[f"{namespace}.{name}"] = status

    @override
    async def delete_cluster(self, namespace: str, name: str) -> None:
        await self._objects.delete_cluster(name)

    @override
    async def handle_cluster(self, cluster: Document) -> tuple[Status | None, bool]:
        """Return the status that a cluster has now, None when it stays; and whether to look again."""
        key = f"{self._objects.namespace}.{text(cluster, 'metadata', 'name')}"
        status: Status = {**self._written.get(key, part(cluster, "status"))}
        if status.get("phase") in {"Stopped", "Failed"}:
            ended = text(status, "completionTime")
            self.stopped_clusters[key] = parse_k8s_timestamp(ended) if ended else timestamp()
            self._forget(key)
            await self._delete_pods(key)
            return None, False
        if part(cluster, "spec").get("active", True) is not True or status.get("code"):
            return await self._end(cluster, key, status), False
        if status.get("phase") != "Running":
            return await self._start(cluster, key, status), False
        return await self._keep(cluster, key, status)

    # --- beginning ---------------------------------------------------------------------

    async def _start(self, cluster: Document, key: str, status: Status) -> Status:
        name, loop = text(cluster, "metadata", "name"), asyncio.get_running_loop()
        status["phase"] = "Pending"
        if "schedulerPod" not in status:
            try:
                await self._make_scheduler(cluster)
            except ClusterRefusedError as error:
                if read_answer(error.status, error.document) is CreateAnswer.AGAIN:
                    raise
                found = explain_denial(
                    error.status, error.document, self._subject(cluster, SCHEDULER)
                )
                return _failed(status, found)
            status["schedulerPod"] = scheduler_name(name)
            return status
        pod = self._pods.get(key, {}).get(status["schedulerPod"])
        if pod is None:
            if loop.time() - self._asked.setdefault(key, loop.time()) > SEEN_AFTER_S:
                return _failed(status, GONE)
            return status
        judge = self._judges.get(key)
        if judge is None:
            kubernetes, dask = self._settings.kubernetes, self._settings.dask
            judge = new_judge(kubernetes.patience, dask, now=loop.time())
            self._judges[key] = judge
        verdict = judge.judge(pod_view(pod, self._subject(cluster, SCHEDULER)), now=loop.time())
        match verdict:
            case Ready():
                status |= {"phase": "Running", "address": text(pod, "status", "podIP")}
                status.pop("detail", None)
            case Waiting(sentence=sentence):
                status["detail"] = about("its scheduler", sentence)
            case Failed():
                status["log"] = await self._log_of(pod)
                slow = verdict.code is FailureCode.NO_ANSWER
                return _failed(status, verdict, code=Fate.SLOW.code if slow else "")
        return status

    async def _make_scheduler(self, cluster: Document) -> None:
        objects = part(cluster, "spec", "objects")
        # The policy first: nobody shall reach a scheduler before it holds.
        await self._objects.create_policy(_owned(objects["policy"], cluster))
        await self._objects.create_pod(_owned(objects["scheduler"], cluster))

    # --- going on ----------------------------------------------------------------------

    async def _keep(self, cluster: Document, key: str, status: Status) -> tuple[Status, bool]:
        self._judges.pop(key, None)
        pods = self._pods.get(key, {})
        pod = pods.get(status["schedulerPod"])
        if pod is None:
            return _failed(status, GONE), False
        verdict = judge_pod(pod, self._subject(cluster, SCHEDULER))
        if isinstance(verdict, Failed):
            status["log"] = await self._log_of(pod)
            return _failed(status, verdict, code=Fate.SCHEDULER_ENDED.code), False
        if isinstance(verdict, Waiting) and verdict.reason is WaitReason.STOPPING:
            # Somebody else has it removed. On a node that is lost it would never be gone.
            status["log"] = await self._log_of(pod)
            return _failed(status, disruption(pod) or GONE), False
        return await self._scale(cluster, key, status)

    async def _scale(self, cluster: Document, key: str, status: Status) -> tuple[Status, bool]:
        spec, now = part(cluster, "spec"), asyncio.get_running_loop().time()
        workers = self._workers.setdefault(key, Workers(subject=self._subject(cluster, WORKER)))
        pods = self._pods.get(key, {})
        todo = workers.plan(
            [pod for pod in pods.values() if text(pod, "metadata", "labels", COMPONENT) == WORKER],
            wanted=int(spec.get("replicas", 0)),
            worked=int(spec.get("worked", 0)),
            now=now,
        )
        for pod, why in todo.ended.items():
            status["worker"] = {
                "name": pod,
                "reason": about("the worker", why.sentence),
                "next": about("the worker", why.next),
                "log": await self._log_of(pods[pod]),
            }
        if todo.gives_up:
            return {**status, **_given_up(status.get("worker", {}))}, False
        status.pop("detail", None)
        if todo.waits:
            status["detail"] = about("a worker", todo.waits)
        await asyncio.gather(*(self._objects.delete_pod(name) for name in todo.remove))
        template = worker_of(spec["objects"]["worker"], scheduler_ip=status["address"])
        try:
            for _ in range(todo.create):
                made = await self._objects.create_pod(_owned(template, cluster))
                if text(made, "metadata", "name") not in self._pods.get(key, {}):
                    workers.made(text(made, "metadata", "name"), now=now)
        except ClusterRefusedError as error:
            if read_answer(error.status, error.document) is CreateAnswer.AGAIN:
                raise
            found = explain_denial(error.status, error.document, self._subject(cluster, WORKER))
            status["detail"] = about("a worker", found.message)
            # A quota has room again when something else ends.
            return status, True
        return status, False

    # --- ending ------------------------------------------------------------------------

    async def _end(self, cluster: Document, key: str, status: Status) -> Status:
        """Have all of a cluster end; it has ended when nothing of it is left."""
        name, fate = text(cluster, "metadata", "name"), part(cluster, "spec", "fate")
        await self._delete_pods(key)
        if key in self._pods or self._unseen(key):
            return status
        await self._objects.delete_secret(secret_name(name))
        failed = bool(status.get("code")) or fate.get("failed") is True
        told = {each: fate[each] for each in ("code", "reason", "next") if fate.get(each)}
        return {
            **told,
            **{each: value for each, value in status.items() if each != "detail"},
            "phase": "Failed" if failed else "Stopped",
            "completionTime": k8s_timestamp(),
        }

    def _unseen(self, key: str) -> bool:
        return key in self._workers and self._workers[key].unseen > 0

    async def _delete_pods(self, key: str) -> None:
        left = [
            name
            for name, pod in self._pods.get(key, {}).items()
            if not text(pod, "metadata", "deletionTimestamp")
        ]
        await asyncio.gather(*(self._objects.delete_pod(name) for name in left))

    def _subject(self, cluster: Document, component: str) -> StartSubject:
        config = part(cluster, "spec", "config")
        return subject_of(config, self._settings, component=component)

    async def _log_of(self, pod: Document) -> list[str]:
        try:
            return [*await self._objects.read_log(text(pod, "metadata", "name"))]
        except ClusterUnreachableError:  # its node may be gone, and why it ended is told without
            return []


def _owned(manifest: Document, cluster: Document) -> dict[str, Any]:
    metadata = {**part(manifest, "metadata"), "ownerReferences": [owner_of(cluster)]}
    return {**manifest, "metadata": metadata}


def _failed(status: Status, found: Failed, *, code: str = "") -> Status:
    return {
        **status,
        "code": code or found.code.value,
        "reason": about("its scheduler", found.sentence),
        "next": about("its scheduler", found.next),
    }


def _given_up(last: Mapping[str, str]) -> dict[str, str]:
    """Return what is told of a cluster after several workers in a row, of which `last` ended last."""
    told = Fate.WORKERS.told
    if not last:
        return told
    # A controller of before may have written the last one, without what to do about it.
    reason, todo = f"{told['reason']} The last one: {last['reason']}", last.get("next")
    return {**told, "reason": reason, "next": todo or told["next"]}
