"""A cluster as large as a bench wants it, that nobody changes but the bench.

Nodes and pods are written and stay as they are: the controllers stand still, nobody plays their
kubelets. Pods are bound to their nodes and hold what they ask for; that none of them says it runs
makes no difference to what is free.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_asyncio.client import ApiClient

from bench.harness import Size, progress
from sandlot_hub.adapters.cluster_access import cluster_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.cluster.access import Access
    from support.cluster.control_plane import ControlPlane

NODES = {Size.SMOKE: 200, Size.FULL: 5000}
PODS = {Size.SMOKE: 2000, Size.FULL: 50_000}
GPUS = 8
GPU = "nvidia.com/gpu"
PRODUCT = {"nvidia.com/gpu.product": "NVIDIA-L4"}
RESTING = ("kube-controller-manager", "kube-scheduler", "kwok")
_AT_ONCE = 24
_PAGE = "500"
_GO_ON = re.compile(rb'"continue":"([^"]*)"')


class Writer:
    """Makes and removes objects as an administrator."""

    def __init__(self, access: Access) -> None:
        self._access = access
        trust = ssl.create_default_context(cadata=access.authority)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=_AT_ONCE),
            headers={"Authorization": f"Bearer {access.token}"},
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    async def make(self, path: str, document: Any) -> None:
        """Make an object."""
        async with self._session.post(f"{self._access.server}{path}", json=document) as answer:
            answer.raise_for_status()

    async def remove(self, path: str) -> None:
        """Remove an object at once."""
        now = {"gracePeriodSeconds": 0}
        async with self._session.delete(f"{self._access.server}{path}", json=now) as answer:
            answer.raise_for_status()

    async def fill(self, size: Size, namespace: str) -> None:
        """Make all nodes and pods."""
        nodes = (("/api/v1/nodes", node(number)) for number in range(NODES[size]))
        pods = (
            (f"/api/v1/namespaces/{namespace}/pods", pod(f"p{number}", number % NODES[size]))
            for number in range(PODS[size])
        )
        for what, jobs in (("nodes", nodes), ("pods", pods)):
            progress(f"a.cluster: writing the {what}")
            await asyncio.gather(*(self._make_all(jobs) for _ in range(_AT_ONCE)))

    async def _make_all(self, jobs: Iterator[tuple[str, Any]]) -> None:
        # All of them take from the same iterator.
        for path, document in jobs:
            await self.make(path, document)


def node(number: int) -> dict[str, Any]:
    """Return a node with GPUs that is ready."""
    offers = {"cpu": "64", "memory": "512Gi", "pods": "110", GPU: str(GPUS)}
    labels = {f"example.com/feature-{each}": "yes" for each in range(20)}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-21T10:00:00Z"}
    return {
        "metadata": {"name": f"n{number}", "labels": {**labels, **PRODUCT}},
        "status": {"capacity": offers, "allocatable": offers, "conditions": [ready]},
    }


def pod(name: str, on: int, *, gpus: int = 0) -> dict[str, Any]:
    """Return a pod on a node, as long as those of people are."""
    amounts = {"cpu": "1", "memory": "4Gi", **({GPU: str(gpus)} if gpus else {})}
    variables = [{"name": f"VARIABLE_{each}", "value": f"value {each}"} for each in range(25)]
    container = {
        "name": "notebook",
        "image": "registry.invalid/sandlot/base:1",
        "args": ["jupyterhub-singleuser"],
        "env": variables,
        "resources": {"requests": amounts, "limits": amounts},
    }
    return {
        "metadata": {"name": name, "labels": {"app": "jupyterhub", "sandlot/flavor": "l4"}},
        "spec": {
            "nodeName": f"n{on}",
            "containers": [container],
            "automountServiceAccountToken": False,
        },
    }


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The cluster."""

    plane: ControlPlane
    writer: Writer
    namespace: str
    account: Access
    """Of an account that may list and watch nodes and pods."""


async def read_to_nowhere(kubeconfig: Path) -> None:
    """Read all nodes and pods by pages, and throw them away."""
    configuration = await cluster_configuration(kubeconfig, environment={})
    client = ApiClient(configuration)
    try:
        await asyncio.gather(*(_read(client, kind) for kind in ("nodes", "pods")))
    finally:
        await client.close()


async def _read(client: ApiClient, kind: str) -> None:
    go_on = ""
    ask = partial(
        client.call_api,
        f"/api/v1/{kind}",
        "GET",
        header_params={"Accept": "application/json", "Accept-Encoding": "identity"},
        auth_settings=["BearerToken"],
        _return_http_data_only=True,
        _preload_content=False,
    )
    while True:
        more = [("continue", go_on)] if go_on else []
        response: aiohttp.ClientResponse = await ask(query_params=[("limit", _PAGE), *more])
        head = b""
        async for chunk in response.content.iter_any():
            head = head or chunk
        found = _GO_ON.search(head[:4096])
        if found is None:
            return
        go_on = json.loads(b'"' + found[1] + b'"')
