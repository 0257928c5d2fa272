"""dask-gateway's informer with patience: it pauses between attempts, and no stream lasts for ever.

Upstream's tries again without any pause while the API server is away, and waits for ever on a
connection that broke without a word.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
from dask_gateway_server.backends.kubernetes.utils import Informer  # type: ignore[import-untyped]
from traitlets import Any as AnyTrait
from traitlets import Bool
from typing_extensions import override

from sandlot_hub.adapters.cluster_informer_lines import LineDecoder, LineTooLongError
from sandlot_hub.adapters.cluster_objects import answered
from sandlot_hub.domain.pods.documents import text
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from sandlot_hub.services.logs import FIELDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

_PAUSE_S = 1.0
_LIST_S = 30.0
_WATCH_S = 20
_WATCH_PATIENCE_S = 30.0
"""A little longer than the API server lets a watch last: what is silent for so long is broken."""
_LONGEST_LINE = 4 << 20
_TROUBLES = (
    ClusterRefusedError,
    ClusterUnreachableError,
    LineTooLongError,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    ValueError,
)


class PatientInformer(Informer):
    """Keeps a copy of some objects in step with the cluster.

    `on_update` and `on_delete` are called with each object, as upstream does.
    """

    listing = AnyTrait(help="Lists or watches the objects, as `DaskObjectsApi.list_pods` does.")
    selector = AnyTrait("", help="Labels of those that matter.")
    in_step = Bool(default_value=False, help="Whether the copy is as the cluster says.")

    @override
    async def run(self) -> None:
        """List and watch for ever."""
        told = False
        while True:
            try:
                await self._follow()
                told = False
            except _TROUBLES as error:
                if self.in_step or not told:
                    reason = f"{type(error).__name__}: {error}"
                    fields = {FIELDS: {"what": self.name, "reason": reason}}
                    logger.warning("the cluster cannot be watched", extra=fields)
                told = True
            self.in_step = False
            await asyncio.sleep(_PAUSE_S)

    async def _follow(self) -> None:
        """List, then watch until the API server has forgotten where we are."""
        list_objects: Callable[..., Awaitable[Any]] = self.listing
        found = await answered(list_objects(label_selector=self.selector, _request_timeout=_LIST_S))
        self.handle_initial(found["items"])
        version = text(found, "metadata", "resourceVersion")
        self.in_step = True
        self.initialized.set()
        while version:
            version = await self._watch(version)

    async def _watch(self, version: str) -> str:
        """Return the version at the end of a watch; empty when the list is needed again."""
        response = await self.listing(
            label_selector=self.selector,
            watch=True,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=_WATCH_S,
            _request_timeout=_WATCH_PATIENCE_S,
        )
        lines = LineDecoder(limit=_LONGEST_LINE)
        async with response:
            response.raise_for_status()
            async for chunk in response.content.iter_any():
                for line in lines.feed(chunk):
                    event = json.loads(line)
                    kind, document = event["type"], event["object"]
                    if kind == "ERROR":
                        return ""
                    version = text(document, "metadata", "resourceVersion") or version
                    if kind != "BOOKMARK":
                        self.handle(document, kind)
        return version
