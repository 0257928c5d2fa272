"""KubeSpawner's watches, which all servers of a hub share, and what is seen through them."""

from __future__ import annotations

import asyncio
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from kubespawner.spawner import EventReflector, PodReflector
from typing_extensions import override

from sandlot_hub.adapters.cluster_objects import KubernetesObjects
from sandlot_hub.domain.pods.names import label_value
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from .kube_events import EventsOfPods
from .kube_leftovers import Leftovers, active_spawn_ids
from .kube_plans import KubePlans
from .kube_pods import RememberingPods
from .kube_queues import SharedQueues

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.pods.ports import ClusterObjects
    from sandlot_hub.domain.pods.queue import Queue

    from .kube_leftovers import HubUser

_OURS: dict[type[Any], type[Any]] = {PodReflector: RememberingPods, EventReflector: EventsOfPods}
"""What is begun in place of KubeSpawner's own watches."""
_QUEUES_KEY = "sandlot_queues"
"""Begins the key under which the hub's settings hold who waits in a namespace."""
_LEFTOVERS_KEY = "sandlot_leftovers"
"""Begins the key under which the hub's settings hold the care for a namespace."""
_TRIED_KEY = "sandlot_watches_tried"
"""The key under which the hub's settings hold when a watch was begun again."""
_AGAIN_S = 1.0
"""Seconds between two tries to begin a watch again, for all servers together."""


class KubeWatches(KubePlans):
    """Keeps the watches working, and removes the pods that no server has."""

    @cached_property
    def objects(self) -> ClusterObjects:
        """The cluster."""
        return KubernetesObjects(
            api=self.api, namespace=self.namespace, timeout_s=self.k8s_api_request_timeout
        )

    @override
    async def _start_watching_pods(self, replace: bool = False) -> Any:
        watch = await super()._start_watching_pods(replace=replace)
        self._look_after_leftovers()
        return watch

    async def _start_reflector(
        self, kind: str, reflector_class: type[Any], *, replace: bool = False, **options: Any
    ) -> Any:
        reflector_class = _OURS.get(reflector_class, reflector_class)
        options = {**self._watch_limits(reflector_class), **options}
        # Shielded: all servers share a watch, and the others would wait for ever for one whose
        # beginning was cancelled together with the start that happened to come first.
        beginning = asyncio.ensure_future(
            self._begin_watch(kind, reflector_class, replace=replace, **options)
        )
        beginning.add_done_callback(_look_at)
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            if not beginning.cancelled():
                raise
            # The end of a watch that was replaced comes out of KubeSpawner as a cancellation. The
            # hub would take it for that of the start, and have a server as ready that never was.
        except ClusterUnreachableError as error:
            # No answer in time is most often the hub's own doing: a crowd that comes at once keeps
            # its loop busy for longer than that. Once more, then it is the cluster's.
            if not isinstance(error.__cause__, TimeoutError):
                raise
        return await self._begin_watch(kind, reflector_class, replace=False, **options)

    async def _begin_watch(
        self, kind: str, reflector_class: type[Any], *, replace: bool, **options: Any
    ) -> Any:
        # KubeSpawner keeps a watch that could not begin, or gave up after half a minute of
        # errors, and no start would ever see a server again.
        if await self._is_to_be_begun_again(self._get_reflector_key(kind)):
            replace = True
        try:
            return await super()._start_reflector(kind, reflector_class, replace=replace, **options)
        except ApiException as error:
            raise ClusterRefusedError(error.status or 0, {}) from error
        except (aiohttp.ClientError, OSError, KeyError, ValueError) as error:
            # The last two: an answer of something in between, in words that are no cluster's.
            message = f"{type(error).__name__}: {error}"
            raise ClusterUnreachableError(message) from error

    async def _is_to_be_begun_again(self, key: Hashable) -> bool:
        """Return whether a watch is over; the caller has to replace it before it waits."""
        # A thousand servers are looked after every few seconds: a cluster in trouble would be
        # asked, and the log filled, by each of them. So they pause, and one of them asks.
        tried: dict[Hashable, float] = self.shared(_TRIED_KEY, dict)
        last = tried.get(key, float("-inf"))
        if _is_over(self.reflectors.get(key)):
            await asyncio.sleep(max(0.0, last + _AGAIN_S - time.monotonic()))
        # Looked at in the very moment in which it is replaced: else each of a crowd of starts
        # would replace the other's.
        if not _is_over(self.reflectors.get(key)):
            return False
        if tried.get(key, float("-inf")) != last:
            message = "a watch could not begin a moment ago"
            raise ClusterUnreachableError(message)
        tried[key] = time.monotonic()
        return True

    def _watch_limits(self, reflector_class: type[Any]) -> dict[str, int]:
        """Return how long a watch may be silent, unless an administrator says so."""
        sections = [self.config.get(cls.__name__, {}) for cls in reflector_class.mro()]
        if any("request_timeout" in section for section in sections):
            return {}
        chosen = (each["timeout_seconds"] for each in sections if "timeout_seconds" in each)
        lasts: int = next(chosen, reflector_class.timeout_seconds.default_value)
        # The API server ends every watch after that time. One that goes on for twice as long
        # is dead, and KubeSpawner's minute would be one in which no start sees its server.
        return {"request_timeout": 2 * lasts}

    @property
    def _key(self) -> str:
        return f"{self.namespace}/{self.pod_name}"

    def last_seen_pod(self, key: str) -> Document | None:
        """Return a pod that is gone as it was seen last; None when nobody remembers it.

        Parameters
        ----------
        key
            ``namespace/name``.
        """
        watch = self.pod_reflector
        # Plain KubeSpawner in the same hub may have begun it.
        return watch.gone(key) if isinstance(watch, RememberingPods) else None

    def events_of(self, uid: str) -> Sequence[Document]:
        """Return the events about a pod that were seen.

        Parameters
        ----------
        uid
            Of the pod.
        """
        watch = self.event_reflector
        if isinstance(watch, EventsOfPods):
            return watch.of(uid)
        # None that an administrator does not want; one that plain KubeSpawner began has them all.
        return () if watch is None else watch.events

    def queues(self) -> Mapping[str, Queue]:
        """Return who waits in this namespace, by the flavor that they wait for."""
        watch = self.pod_reflector
        count = self.shared(
            f"{_QUEUES_KEY}/{self.namespace}", lambda: SharedQueues(monotonic=time.monotonic)
        )
        return count.of(lambda: () if watch is None else watch.pods.values())

    def _look_after_leftovers(self) -> None:
        """Begin the care for this namespace, once in the life of the hub."""
        # By now the hub knows what it has: it takes up all its servers before it asks for any.
        users: Mapping[int, HubUser] | None = self.user.settings.get("users")
        # In namespaces of their users, pods would have to be looked for everywhere.
        if users is not None and not self.enable_user_namespaces:
            self.shared(f"{_LEFTOVERS_KEY}/{self.namespace}", lambda: self._leftovers(users))

    def _leftovers(self, users: Mapping[int, HubUser]) -> Leftovers:
        # Not this spawner's own watch: watches are replaced, and this outlives the server.
        reflectors, key = self.reflectors, self._get_reflector_key("pods")

        def pods() -> Iterable[Document]:
            watch = reflectors.get(key)
            return () if watch is None else list(watch.pods.values())

        made = Leftovers(
            hub=label_value(self.hub.api_url),
            objects=self.objects,
            pods=pods,
            known=lambda: active_spawn_ids(list(users.values())),
            keeps_ended=not self.delete_stopped_pods,
            grace_s=self.delete_grace_period,
            log=self.log,
        )
        made.begin()
        return made


def _look_at(task: asyncio.Future[Any]) -> None:
    """Take note of a result that nobody may wait for any more."""
    if not task.cancelled():
        task.exception()


def _is_over(reflector: Any) -> bool:
    """Return whether a watch of KubeSpawner was begun, and will see nothing any more."""
    if reflector is None:
        return False
    loaded, task = reflector.first_load_future, reflector.watch_task
    if loaded.done() and (loaded.cancelled() or loaded.exception() is not None):
        return True
    return task is not None and bool(task.done())
