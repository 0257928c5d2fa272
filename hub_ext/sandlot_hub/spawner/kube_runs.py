"""Servers that run: whether they still do, why they have ended, and how they are stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from traitlets import default
from typing_extensions import override

from sandlot_hub.domain.pods.denials import CreateAnswer, explain_denial, read_answer, unreachable
from sandlot_hub.domain.pods.documents import StartSubject, text
from sandlot_hub.domain.pods.outcomes import FailureCode
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.domain.pods.runs import exit_code, is_over, judge_run, server_restarts

from .exceptions import SpawnUnavailableError
from .kube_surroundings import is_of
from .kube_watches import KubeWatches
from .mixin import STATE_KEY

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.documents import Document
    from sandlot_hub.domain.pods.outcomes import Failed

_POLL_S = 5
"""Seconds between two looks whether a server still runs. A look asks nobody."""
_GONE = 1
"""The exit code of a server that is not there."""
_NO_SUBJECT = StartSubject(image="")
_STILL_THERE = frozenset({FailureCode.PREEMPTED, FailureCode.EVICTED})
"""Ends that leave a server the time to end by itself."""


class KubeRuns(KubeWatches):
    """Looks after the pod of this server's start, and after no other."""

    _restarts: int | None = None
    """How often the cluster had started the server again when it was ready; None before."""

    _stopping = False
    """Whether the hub has asked for the end."""

    _cancelled = False
    """Whether the start was cancelled, and the hub has not looked after that yet."""

    _is_plain = False
    """Whether plain KubeSpawner started the server, before this hub had Sandlot."""

    @default("poll_interval")
    def _default_poll_interval(self) -> int:
        # Until a look finds that a server has ended, people meet an error of the proxy.
        return _POLL_S

    @property
    @override
    def ready(self) -> bool:
        """Whether people can use the server."""
        # For a second after a start was cancelled the hub takes the server for one that
        # runs, and would send people to it who watch the start.
        return bool(super().ready) and not self._cancelled

    def note_cancelled(self) -> None:
        """Take note that the start was cancelled."""
        self._cancelled = True

    def note_ready(self) -> None:
        """Take note that the server is ready: from now on its end is told."""
        pod = self._own(self.pod_reflector.pods.get(self._key))
        self._restarts = 0 if pod is None else server_restarts(pod)

    @override
    async def poll(self) -> int | None:
        """Return None while the server runs, else its exit code (1 when it is not known).

        Why it has ended is `ended` then.
        """
        try:
            return await self._look()
        except (ClusterUnreachableError, ClusterRefusedError) as error:
            # Not knowing is no reason to take a server away from somebody who works in it.
            self.log.warning("Cannot look after %s: %s", self._log_name, error)
            return None

    async def _look(self) -> int | None:
        await self._start_watching_pods()
        seen = self._own(self.pod_reflector.pods.get(self._key))
        # What a watch does not have may be there all the same: its list may be old.
        pod = seen or self._own(await self.objects.read_pod(self.pod_name))
        ended = self._judged(pod)
        if ended is not None:
            return await self._over(ended, pod)
        if seen is None:
            return _GONE if pod is None else None
        status: int | None = await super().poll()
        # It may have gone while KubeSpawner looked, which then does not say why.
        left = self._own(self.pod_reflector.pods.get(self._key))
        ended = None if status is None else self._judged(left)
        return status if ended is None else await self._over(ended, left)

    def _judged(self, pod: Document | None) -> Failed | None:
        if self._restarts is None and pod is not None and self._is_found():
            self._restarts = server_restarts(pod)
        if self._restarts is None:
            return None  # it was never ready: why it is not, its start tells
        last_seen = self.last_seen_pod(self._key)
        if last_seen is not None and not self._is_own(last_seen):
            last_seen = None  # that of the start before
        return judge_run(pod, restarts=self._restarts, last_seen=last_seen)

    def _is_found(self) -> bool:
        """Return whether the server runs since before this hub did, or plain KubeSpawner left."""
        return self.pending != "spawn" and not self.story.failure

    async def _over(self, ended: Failed, pod: Document | None) -> int:
        if not self._stopping:
            self.note_end(ended.message, code=ended.code.value)
        if pod is not None and ended.code not in _STILL_THERE and self._is_to_go(pod):
            await self.stop(now=True)
        return exit_code(pod)

    def _is_to_go(self, pod: Document) -> bool:
        # What the cluster starts again holds what it had, whatever is to be kept to look at.
        return bool(self.delete_stopped_pods) or not is_over(pod)

    # --- the end ----------------------------------------------------------------------

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 (the hub's signature)
        """Stop the server. What has its name and is of no start of ours stays.

        One that does not end in time is left to the cluster, which has been told: its owner
        can start another, which waits for its end and says so.
        """
        self._stopping = True
        try:
            await self._start_watching_pods()
        except (ClusterUnreachableError, ClusterRefusedError) as error:
            failed = unreachable()
            raise SpawnUnavailableError(failed.message, code=failed.code.value) from error
        found = self.pod_reflector.pods.get(self._key)
        if found is not None and self._own(found) is None:
            return
        limit = self.k8s_api_request_retry_timeout + self.cluster.patience.stopping
        time = asyncio.timeout(limit + (0 if now else self.delete_grace_period))
        try:
            async with time:
                await super().stop(now)
        except TimeoutError:
            if not time.expired():
                raise  # the cluster was not even told
            self.log.warning("%s: the pod %s does not end", self._log_name, self._key)

    async def _make_delete_pod_request(
        self, pod_name: str, delete_options: Any, grace_seconds: int, request_timeout: float
    ) -> bool:
        del delete_options, request_timeout
        try:
            found = self._own(await self.objects.read_pod(pod_name))
            if found is not None:
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

    def _own(self, pod: Document | None) -> Document | None:
        """Return a pod if it is that of this start."""
        if pod is None or self._is_own(pod):
            return pod
        self.log.warning("%s: the pod %s is of no start of ours", self._log_name, self._key)
        return None

    def _is_own(self, pod: Document) -> bool:
        # Without a spawn id nothing was started, and nothing of that name is ours: a start that
        # is refused ends with a stop, too.
        return (bool(self.spawn_id) or self._is_plain) and is_of(pod, self.spawn_id)

    # --- state ------------------------------------------------------------------------

    @override
    def get_state(self) -> dict[str, Any]:
        """Return what survives a restart of the hub."""
        state = super().get_state()
        state[STATE_KEY]["restarts"] = self._restarts
        return state

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` returned."""
        super().load_state(state)
        self._restarts = state.get(STATE_KEY, {}).get("restarts")
        self._is_plain = "pod_name" in state and STATE_KEY not in state

    @override
    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self._restarts = None
        self._stopping = self._cancelled = self._is_plain = False
