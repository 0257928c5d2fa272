"""Somebody with Dask clusters on the test cluster, and what their schedulers would say."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.dask.names import CLUSTER, COMPONENT, WORKER, secret_name
from support.cluster.waiting import until

if TYPE_CHECKING:
    from support.cluster.dask import DaskGateway
    from support.cluster.hub_client import HubClient, Reply
    from support.cluster.namespaces import TestNamespace

BASE = "/services/dask-gateway/api/v1"


@dataclass(frozen=True, kw_only=True)
class DaskPerson:
    """Somebody with a token, as their server has one."""

    client: HubClient
    gateway: DaskGateway
    namespace: TestNamespace

    async def __call__(self, method: str, path: str, **options: Any) -> Reply:
        return await self.client(method, f"{BASE}/{path}", **options)

    async def create(self, **options: str) -> str:
        reply = await self("POST", "clusters/", json={"cluster_options": options})
        assert reply.status == 201, reply.text
        name: str = reply.json["name"]
        return name

    async def look(self, name: str) -> dict[str, Any]:
        reply = await self("GET", f"sandlot/clusters/{name}")
        assert reply.status == 200, reply.text
        found: dict[str, Any] = reply.json
        return found

    async def when(self, name: str, status: str) -> dict[str, Any]:
        """Wait until a cluster has a status; return all that its owner is told."""
        found: dict[str, Any] = {}

        async def so() -> bool:
            found.update(await self.look(name))
            return bool(found["status"] == status)

        await until(so, what=f"{name} is {status}")
        return found

    async def keys(self, name: str) -> dict[str, str]:
        """Return what the Secret of a cluster has, as its pods read it."""
        secret = await self.namespace.core.read_namespaced_secret(
            secret_name(name), self.namespace.name
        )
        return {key: base64.b64decode(value).decode() for key, value in secret.data.items()}

    async def beat(self, name: str, count: int, *active: str, token: str = "") -> int:
        """Say what the scheduler of a cluster would; return the status of the answer."""
        message = {
            "scheduler_address": "tls://127.0.0.1:1",
            "dashboard_address": "http://169.254.169.254:80",
            "api_address": "http://127.0.0.1:1",
            "count": count,
            "active_workers": [*active],
            "closing_workers": [],
            "closed_workers": [],
        }
        token = token or (await self.keys(name))["api-token"]
        headers = {"Authorization": f"token {token}"}
        url = f"{self.gateway.door}/api/v1/clusters/{name}/heartbeat"
        async with self.client.session.post(url, json=message, headers=headers) as reply:
            return reply.status

    async def pods(self, name: str, component: str) -> list[Any]:
        """Return the pods of a cluster that are not ending."""
        found = await self.namespace.core.list_namespaced_pod(
            self.namespace.name, label_selector=f"{CLUSTER}={name},{COMPONENT}={component}"
        )
        pods: list[Any] = found.items
        return [each for each in pods if each.metadata.deletion_timestamp is None]

    async def has_workers(self, name: str, count: int) -> list[str]:
        """Wait until there are so many worker pods; return their names."""
        found: list[str] = []

        async def so() -> bool:
            pods = await self.pods(name, WORKER)
            found[:] = [each.metadata.name for each in pods]
            return len(found) == count

        await until(so, what=f"{name} has {count} workers")
        return found
