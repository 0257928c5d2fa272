"""An API server in memory, with versions, pages, watches that go on, and whatever goes wrong.

It is what an informer asks, one level above the wire; `support.scripted_api` is the wire.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.pods.ports import ClusterRefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
SLICES = "/apis/resource.k8s.io/v1/resourceslices"
CLAIMS = "/apis/resource.k8s.io/v1/resourceclaims"


def node(name: str, *, gpus: object = "4", **spec: Any) -> dict[str, Any]:
    """Return a node that is ready."""
    allocatable = {"cpu": "16", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": gpus}
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(
    name: str, *, on: str = "n1", gpus: object = "1", namespace: str = "hub", phase: str = "Running"
) -> dict[str, Any]:
    """Return a pod with one container."""
    resources = {"requests": {"cpu": "1", "nvidia.com/gpu": gpus}}
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"},
        "spec": {"nodeName": on, "containers": [{"name": "notebook", "resources": resources}]},
        "status": {"phase": phase},
    }


@dataclass
class _Watch:
    path: str
    version: int
    """Up to which it has told."""
    ending: Exception | bool | None = False
    """How it ends now: an error, None as asked, False not yet."""
    extra: list[bytes] = field(default_factory=list)
    """What it is sent besides."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryApi:
    """Objects of every path, and those who watch them; implements `ClusterReader`."""

    def __init__(self) -> None:
        self.version = 100
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Every request: path and query."""
        self.failing: dict[str, deque[Exception]] = {}
        """What the next requests for a path meet; by ``path`` or ``watch path``."""
        self.allowed = True
        """Whether the account may look."""
        self.devices_allowed = True
        """Whether it may also look at devices that are claimed, and at the claims."""
        self.reviews = 0
        self.review_failing: deque[Exception] = deque()
        self.closed = False
        self.begins_early = True
        """Whether the first bytes of a page come before the others."""
        paths = (NODES, PODS, SLICES, CLAIMS)
        self._objects: dict[str, dict[str, dict[str, Any]]] = {path: {} for path in paths}
        self._history: dict[str, list[tuple[int, str, dict[str, Any]]]] = {
            path: [] for path in paths
        }
        self._forgotten = 0
        self._watches: list[_Watch] = []

    # --- what a test does -------------------------------------------------------------------

    def put(self, path: str, document: dict[str, Any]) -> None:
        """Make an object, or another one of it."""
        key = _key(document)
        kind = "MODIFIED" if key in self._objects[path] else "ADDED"
        self._objects[path][key] = self._note(path, kind, document)

    def delete(self, path: str, key: str) -> None:
        """Remove an object."""
        self._note(path, "DELETED", self._objects[path].pop(key))

    def remove_silently(self, path: str, key: str) -> None:
        """Remove an object, and forget that it was there: only a list tells."""
        del self._objects[path][key]
        self.version += 1
        self.forget()

    def forget(self) -> None:
        """Forget everything that has happened: who goes on from before is told so."""
        self._forgotten = self.version

    def restore(self, version: int) -> None:
        """Be a cluster that was restored from a backup: what is there was there then."""
        self.version = version
        for history in self._history.values():
            history.clear()

    def tell(self, path: str, line: bytes) -> None:
        """Send something to all who watch, whatever it is."""
        for watch in self._open(path):
            watch.extra.append(line)
            watch.news.set()

    def bookmark(self, path: str, version: int | None = None) -> None:
        """Send a bookmark."""
        meta = {"resourceVersion": str(version or self.version), "creationTimestamp": None}
        spec = {"containers": None} if path == PODS else {}
        event = {"type": "BOOKMARK", "object": {"metadata": meta, "spec": spec, "status": {}}}
        self.tell(path, json.dumps(event).encode())

    def end(self, path: str, error: Exception | None = None) -> int:
        """End the watches of a path, as asked or with an error; return how many there were."""
        ended = self._open(path)
        for watch in ended:
            watch.ending = error
            watch.news.set()
        return len(ended)

    def watching(self, path: str) -> int:
        """Return how many watch."""
        return len(self._open(path))

    def fail(self, path: str, *errors: Exception, watch: bool = False) -> None:
        """Let the next lists, or watches, of a path fail."""
        self.failing.setdefault(f"watch {path}" if watch else path, deque()).extend(errors)

    def lists(self, path: str) -> list[dict[str, str]]:
        """Return the queries of all pages that were asked for."""
        return [query for asked, query in self.asked if asked == path and "watch" not in query]

    def watches(self, path: str) -> list[dict[str, str]]:
        """Return the queries of all watches."""
        return [query for asked, query in self.asked if asked == path and "watch" in query]

    # --- what the informer does -------------------------------------------------------------

    async def page(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        begun: Callable[[bytes], None] | None = None,
    ) -> bytes:
        """Return a page of a list."""
        self._ask(path, path, query)
        await asyncio.sleep(0)
        limit, start = int(query.get("limit", "0")), 0
        version = str(self.version)
        if "continue" in query:
            version, _, first = query["continue"].partition("/")
            start = int(first)
            if int(version) < self._forgotten:
                raise ClusterRefusedError(410, {"reason": "Expired"})
        everything = [self._objects[path][key] for key in sorted(self._objects[path])]
        end = start + limit if limit else len(everything)
        meta = {"resourceVersion": version}
        if end < len(everything):
            meta["continue"] = f"{version}/{end}"
        body = json.dumps({"metadata": meta, "items": everything[start:end]}).encode()
        if begun is not None and self.begins_early:
            begun(body[:200])
            await asyncio.sleep(0)
        return body

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, str], *, silence_s: float
    ) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """Open a watch."""
        assert silence_s > float(query["timeoutSeconds"])
        self._ask(f"watch {path}", path, query)
        await asyncio.sleep(0)
        version = int(query["resourceVersion"])
        if version < self._forgotten:
            raise ClusterRefusedError(410, {"reason": "Expired"})
        watch = _Watch(path=path, version=version)
        watch.news.set()
        self._watches.append(watch)
        try:
            yield self._events(watch)
        finally:
            self._watches.remove(watch)

    async def may(self, verb: str, resource: str, *, group: str = "") -> bool:
        """Return whether the account may look."""
        assert verb in {"list", "watch"}
        assert resource in ({"resourceslices", "resourceclaims"} if group else {"nodes", "pods"})
        self.reviews += not group
        await asyncio.sleep(0)
        if self.review_failing:
            raise self.review_failing.popleft()
        return self.allowed and (self.devices_allowed or not group)

    async def close(self) -> None:
        """Note that nobody asks any more."""
        self.closed = True

    def _ask(self, what: str, path: str, query: Mapping[str, str]) -> None:
        self.asked.append((path, dict(query)))
        waiting = self.failing.get(what)
        if waiting:
            raise waiting.popleft()
        if not self.allowed:
            raise ClusterRefusedError(403, {"reason": "Forbidden"})

    def _open(self, path: str) -> list[_Watch]:
        return [each for each in self._watches if each.path == path and each.ending is False]

    def _note(self, path: str, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        meta = {**document["metadata"], "resourceVersion": str(self.version)}
        noted = {**document, "metadata": meta}
        self._history[path].append((self.version, kind, noted))
        for watch in self._open(path):
            watch.news.set()
        return noted

    async def _events(self, watch: _Watch) -> AsyncIterator[list[bytes]]:
        told = 0
        while True:
            await watch.news.wait()
            watch.news.clear()
            if watch.ending is not False:
                # What was not told by then, whoever goes on from there is told.
                if isinstance(watch.ending, Exception):
                    raise watch.ending
                return
            history = self._history[watch.path]
            fresh = [
                _line(kind, document)
                for version, kind, document in history[told:]
                if version > watch.version
            ]
            fresh += watch.extra
            watch.extra.clear()
            told = len(history)
            if fresh:
                yield fresh


def _line(kind: str, document: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode()


def _key(document: Mapping[str, Any]) -> str:
    meta = document["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if "namespace" in meta else str(meta["name"])
