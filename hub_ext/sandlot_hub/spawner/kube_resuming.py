"""KubeSpawner's watches, going on where they ended.

The API server ends every watch after some seconds. KubeSpawner lists everything again then: with a
thousand servers some megabytes every ten seconds, which the hub reads while it does nothing else.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from kubespawner.reflector import ResourceReflector
from traitlets import default
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandlot_hub.domain.pods.documents import Document

_TROUBLE = (ApiException, aiohttp.ClientError, OSError, KeyError, ValueError)
"""The last two: an answer of something in between, in words that are no cluster's."""
_GONE = 410
_FIRST_PAUSE_S = 0.2
_LAST_PAUSE_S = 30.0
"""Seconds before it is tried again; twice as long each time, and given up after the last."""
_AT_ONCE_S = 0.5
"""Seconds; no API server ends a watch as early as that without a word."""


class ResumingWatch(ResourceReflector):
    """A watch that lists everything at its start, and again only when it may have missed something."""

    _version = ""
    """Of the last that was seen, empty when everything has to be listed."""
    _listed_at = 0.0

    @default("restart_seconds")
    def _never(self) -> int:
        # KubeSpawner's half a minute is a mistrust that no other client of Kubernetes shares; an
        # administrator's number still holds.
        return 0

    @override
    async def _list_and_update(self, resource_version: str | None = None) -> str:
        self._version = await super()._list_and_update(resource_version)
        self._listed_at = time.monotonic()
        return self._version

    @override
    async def _watch_and_update(self) -> None:
        self.log.info("Watching for %s", self.kind)
        try:
            await self._go_on()
        except asyncio.CancelledError:
            # Out of `stop` this would look as if the start were cancelled that replaces the watch.
            if not self._stopping:
                raise
            return
        self.log.error("The watch for %s is given up", self.kind)
        if self.on_failure is not None:
            self.on_failure()

    async def _go_on(self) -> None:
        """Take up all that happens, until there was trouble for too long."""
        pause_s = _FIRST_PAUSE_S
        while pause_s <= _LAST_PAUSE_S:
            try:
                if not self._version:
                    await self._list_and_update("0")
                async for change in self._changes():
                    self._take_up(change)
                pause_s = _FIRST_PAUSE_S
            except _TROUBLE as error:
                # What went by meanwhile is in nothing but a list.
                self._version = ""
                self._tell(error, pause_s)
                # Not all hubs of a cluster at once.
                await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)
                pause_s *= 2

    def _tell(self, error: Exception, pause_s: float) -> None:
        if isinstance(error, ApiException) and error.status == _GONE:
            self.log.debug("The watch for %s begins anew: %s", self.kind, error.reason)
            return
        self.log.warning(
            "The watch for %s has ended (%s: %s); again in %.1f s",
            self.kind,
            type(error).__name__,
            error,
            pause_s,
        )

    async def _changes(self) -> AsyncIterator[Document]:
        """Yield what the API server tells of one watch, until it ends that in order."""
        began, is_empty = time.monotonic(), True
        response = await getattr(self.api, self.list_method_name)(**self._arguments())
        async with response:
            if not response.ok:
                raise ApiException(status=response.status, reason=response.reason)
            async for line in response.content:
                is_empty = False
                yield json.loads(line)
        if is_empty and time.monotonic() - began < _AT_ONCE_S:
            # Whoever does this would be asked a thousand times a second.
            await asyncio.sleep(_AT_ONCE_S)
        if self.restart_seconds and time.monotonic() - self._listed_at >= self.restart_seconds:
            self._version = ""

    def _arguments(self) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "label_selector": self.label_selector,
            "field_selector": self.field_selector,
            "resource_version": self._version,
            "watch": True,
            # So that the version does not become too old where nothing happens.
            "allow_watch_bookmarks": True,
            "_preload_content": False,
        }
        if not self.omit_namespace:
            asked["namespace"] = self.namespace
        if self.timeout_seconds:
            asked["timeout_seconds"] = self.timeout_seconds
        if self.request_timeout:
            asked["_request_timeout"] = self.request_timeout
        return asked

    def _take_up(self, change: Document) -> None:
        kind, found = change["type"], change["object"]
        if kind == "ERROR":
            raise ApiException(status=found["code"], reason=found.get("message"))
        metadata = found["metadata"]
        if kind == "DELETED":
            self.resources.pop(f"{metadata['namespace']}/{metadata['name']}", None)
        elif kind != "BOOKMARK":
            self.resources[f"{metadata['namespace']}/{metadata['name']}"] = found
        self._version = metadata["resourceVersion"]
