"""KubeSpawner's watch of pods, with a memory: a pod that is gone says why it went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kubespawner.spawner import PodReflector
from traitlets import validate
from typing_extensions import override

from sandlot_hub.adapters.bounded_cache import BoundedCache

from .kube_resuming import ResumingWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandlot_hub.domain.pods.documents import Document

_REMEMBERED_S = 600.0
"""Seconds; a look at a server that has ended comes within some."""
_MOST = 2000
"""Pods; all of a large hub can go with their nodes."""


class _Pods(dict[str, "Document"]):
    """Pods by ``namespace/name``, which tells what is taken out."""

    def __init__(self, pods: Mapping[str, Document], *, gone: Callable[[Document], None]) -> None:
        super().__init__(pods)
        self._gone = gone

    @override
    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self._gone(self[key])
        return super().pop(key, *default)


class RememberingPods(ResumingWatch, PodReflector):
    """The pods of servers, and for some minutes those that are gone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._remembered: BoundedCache[str, Document] = BoundedCache(
            capacity=_MOST, max_age=_REMEMBERED_S, monotonic=time.monotonic
        )
        super().__init__(*args, **kwargs)
        before = self.parent.pod_reflector
        if isinstance(before, RememberingPods):
            # Until its own first list; to starts that look meanwhile, all servers would be gone.
            self._remembered = before._remembered  # noqa: SLF001 (one of its own kind)
            self.resources = before.pods

    def gone(self, key: str) -> Document | None:
        """Return a pod that is gone as it was seen last; None when it is not remembered.

        Parameters
        ----------
        key
            ``namespace/name``.
        """
        return self._remembered.get(key)

    @validate("resources")
    def _keep(self, proposal: Mapping[str, Any]) -> _Pods:
        listed: Mapping[str, Document] = proposal["value"]
        for key in self.resources.keys() - listed.keys():
            self._remember(self.resources[key])
        return _Pods(listed, gone=self._remember)

    def _remember(self, pod: Document) -> None:
        metadata = pod["metadata"]
        known = {"metadata": metadata, "status": pod.get("status", {})}
        self._remembered.put(f"{metadata['namespace']}/{metadata['name']}", known)
