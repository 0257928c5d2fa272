"""Servers in a Kubernetes cluster: KubeSpawner, with Sandlot's plans, reasons and care."""

from __future__ import annotations

import asyncio
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from typing_extensions import override

from sandlot_hub.adapters.cluster_objects import KubernetesObjects
from sandlot_hub.domain.cluster_ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.domain.facilities import Facilities, Mode
from sandlot_hub.domain.pod_denials import CreateAnswer, explain_denial, read_answer, unreachable
from sandlot_hub.domain.pod_documents import StartSubject, text
from sandlot_hub.domain.start_outcomes import Failed

from .exceptions import SpawnFailed, SpawnUnavailableError
from .kube_create import CreateLimits, PodCreator
from .kube_plans import KubePlans
from .kube_surroundings import WatchedStart, is_of
from .kube_watchdog import Watchdog

if TYPE_CHECKING:
    from sandlot_contracts.session import Isolation
    from sandlot_hub.domain.cluster_ports import ClusterObjects
    from sandlot_hub.domain.cluster_settings import StartPatience
    from sandlot_hub.domain.pod_documents import Document

_EARLIER = 5.0
"""Seconds that a start is given up before the hub would, whose words are a bare timeout."""
_NO_SUBJECT = StartSubject(image="")


class SandlotKubeSpawner(KubePlans):
    """Starts servers as pods, tells why they wait, and ends starts that cannot work."""

    @override
    async def facilities(self) -> Facilities:
        """Return what the cluster can do: whether it has room shows when a server is placed."""
        return Facilities(mode=Mode.KUBERNETES)

    @override
    def isolation(self) -> Isolation:
        """Return that every server is apart from the others."""
        return "pod"

    @cached_property
    def objects(self) -> ClusterObjects:
        """The cluster."""
        return KubernetesObjects(
            api=self.api, namespace=self.namespace, timeout_s=self.k8s_api_request_timeout
        )

    @property
    def patience(self) -> StartPatience:
        """How long a start may wait; never longer than the hub does."""
        patience = self.cluster.patience
        in_all = min(patience.in_all, max(1.0, self.start_timeout - _EARLIER))
        return patience.model_copy(update={"in_all": in_all})

    @property
    def _key(self) -> str:
        return f"{self.namespace}/{self.pod_name}"

    # --- the start --------------------------------------------------------------------

    async def _start(self) -> str:
        """Start the pod beside a watchdog, which knows sooner why it cannot."""
        try:
            url = await self._started()
        except ApiException as error:
            failure = self._failure(explain_denial(error.status, _body(error), self.subject))
            self.story.fail(failure)
            raise failure from error
        except (aiohttp.ClientError, OSError) as error:
            failed = unreachable()
            trouble = SpawnUnavailableError(failed.message, code=failed.code.value)
            self.story.fail(trouble)
            raise trouble from error
        except (SpawnFailed, SpawnUnavailableError) as error:
            self.story.fail(error)
            raise
        self.story.tell("answer", "The server runs; connecting you…")
        return url

    async def _started(self) -> str:
        watched = WatchedStart(
            objects=self.objects,
            spawn_id=self.spawn_id,
            key=self._key,
            home=self.plain(self.get_pvc_manifest()) if self.storage_pvc_ensure else None,
            story=self.story,
            watches=self,
        )
        dog = Watchdog(
            surroundings=watched,
            subject=self.subject,
            patience=self.patience,
            others=watched.others,
        )
        starting = asyncio.ensure_future(super()._start())
        watching = asyncio.ensure_future(dog.watch())
        try:
            await asyncio.wait({starting, watching}, return_when=asyncio.FIRST_COMPLETED)
            failed = None if starting.done() else watching.result()
            if failed is not None:
                raise self._failure(failed)
            return str(await starting)
        finally:
            # The hub stops what has failed; until then nothing of this start may go on.
            starting.cancel()
            watching.cancel()
            await asyncio.gather(starting, watching, return_exceptions=True)

    async def _start_reflector(
        self, kind: str, reflector_class: type[Any], *, replace: bool = False, **options: Any
    ) -> Any:
        # KubeSpawner keeps a watch that could not begin, or gave up after half a minute of
        # errors, and no start would ever see a server again.
        current = self.reflectors.get(self._get_reflector_key(kind))
        replace = replace or (current is not None and _is_over(current))
        # Shielded: all servers share a watch, and the others would wait for ever for one whose
        # beginning was cancelled together with the start that happened to come first.
        beginning = asyncio.ensure_future(
            super()._start_reflector(kind, reflector_class, replace=replace, **options)
        )
        beginning.add_done_callback(_look_at)
        return await asyncio.shield(beginning)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        del request_timeout  # of one request, which `objects` knows
        creator = PodCreator(
            objects=self.objects,
            subject=self.subject,
            limits=CreateLimits(
                grace_s=self.delete_grace_period, in_all_s=self.cluster.patience.stopping
            ),
        )
        outcome = await creator.create(self.plain(pod))
        if isinstance(outcome, Failed):
            raise self._failure(outcome)
        return True

    async def _make_create_pvc_request(self, pvc: Any, request_timeout: float) -> bool:
        del request_timeout
        try:
            await self.objects.create_claim(self.plain(pvc))
        except ClusterUnreachableError:
            return False
        except ClusterRefusedError as error:
            if read_answer(error.status, error.document) is not CreateAnswer.FAILED:
                return False
            denial = explain_denial(error.status, error.document, self.subject)
            raise self._failure(denial) from error
        return True

    def _failure(self, failed: Failed) -> SpawnFailed:
        self.log.warning("%s was not started: %s %s", self._log_name, failed.code, failed.message)
        return SpawnFailed(failed.message, code=failed.code.value)

    # --- the end ----------------------------------------------------------------------

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 (the hub's signature)
        """Stop the server. What has its name and is of no start of ours stays."""
        await self._start_watching_pods()
        if self._is_foreign(self.pod_reflector.pods.get(self._key)):
            return
        await super().stop(now)

    async def _make_delete_pod_request(
        self, pod_name: str, delete_options: Any, grace_seconds: int, request_timeout: float
    ) -> bool:
        del delete_options, request_timeout
        try:
            found = await self.objects.read_pod(pod_name)
            if found is not None and not self._is_foreign(found):
                uid = text(found, "metadata", "uid")
                await self.objects.delete_pod(pod_name, uid=uid, grace_s=grace_seconds)
        except ClusterUnreachableError:
            return False
        except ClusterRefusedError as error:
            if read_answer(error.status, error.document) is not CreateAnswer.FAILED:
                return False
            failed = explain_denial(error.status, error.document, _NO_SUBJECT)
            raise SpawnUnavailableError(failed.message, code=failed.code.value) from error
        return True

    def _is_foreign(self, pod: Document | None) -> bool:
        # A server that plain KubeSpawner started has no spawn id, and so has the spawner.
        if pod is None or not self.spawn_id or is_of(pod, self.spawn_id):
            return False
        self.log.warning("%s: the pod %s is of no start of ours", self._log_name, self._key)
        return True

    async def delete_forever(self) -> None:
        """Have a home removed with the user or, where each server has one, with its server."""
        if not self.name or self.has_own_home:
            await super().delete_forever()


def _look_at(task: asyncio.Future[Any]) -> None:
    """Take note of a result that nobody may wait for any more."""
    if not task.cancelled():
        task.exception()


def _is_over(reflector: Any) -> bool:
    """Return whether a watch of KubeSpawner will see nothing any more."""
    loaded, task = reflector.first_load_future, reflector.watch_task
    if loaded.done() and (loaded.cancelled() or loaded.exception() is not None):
        return True
    return task is not None and bool(task.done())


def _body(error: ApiException) -> dict[str, Any]:
    """Return the status document of an error of the Kubernetes client."""
    try:
        document = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
