"""A hub that is killed and started again, and what has become of its servers then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from support.cluster.hub import KubeHub
    from support.cluster.hub_client import HubClient
    from support.cluster.namespaces import TestNamespace

ADOPTED, REMOVED = "adopted", "removed"


@dataclass(kw_only=True)
class KilledHub:
    """A hub, whoever asks it, and the namespace of its servers.

    Users have one server each, the default one.
    """

    hub: KubeHub
    client: HubClient
    namespace: TestNamespace
    spawn_ids: dict[str, str] = field(default_factory=dict)
    """Of the servers that there were before, by user."""

    async def server(self, user: str) -> dict[str, Any] | None:
        """Return what the hub knows of somebody's server."""
        found: dict[str, Any] | None = (await self.client.user(user))["servers"].get("")
        return found

    def stopped(self, user: str) -> Callable[[], Awaitable[bool]]:
        """Return a question for `until`: whether somebody has no server."""

        async def look() -> bool:
            return await self.server(user) is None

        return look

    async def note_spawn_ids(self) -> None:
        """Remember which start each server is of, for `outcomes`."""
        for user in (await self.client("GET", "users")).json:
            if user["servers"]:
                self.spawn_ids[user["name"]] = _spawn_id(user["servers"][""])

    async def killed_and_restarted(self) -> None:
        """Kill the hub, and start it again where the stand-in answers for all servers."""
        self.hub.kill()
        self.hub.keep_silent()
        await asyncio.to_thread(self.hub.restart)

    async def settled(self) -> None:
        """Wait until the hub has looked after all that it had, and its leftovers are gone."""

        async def calm() -> bool:
            users = (await self.client("GET", "users")).json
            servers = [each["servers"][""] for each in users if each["servers"]]
            known = {_spawn_id(each) for each in servers}
            pods = (await self.namespace.core.list_namespaced_pod(self.namespace.name)).items
            ids = [(each.metadata.labels or {}).get("sandlot/spawn-id") for each in pods]
            return all(each["ready"] for each in servers) and known == {*filter(None, ids)}

        await until(calm, what="every pod is of a server, and every server is ready", timeout_s=60)

    async def outcomes(self) -> dict[str, str]:
        """Return what has become of everybody's server."""
        found = {}
        for user in (await self.client("GET", "users")).json:
            server = user["servers"].get("")
            if user["admin"]:
                continue
            if server is None:
                found[user["name"]] = REMOVED
            else:
                same = _spawn_id(server) == self.spawn_ids[user["name"]]
                found[user["name"]] = ADOPTED if same else "another one"
        return found

    async def pods(self) -> list[str]:
        """Return the owner of each pod."""
        found = await self.namespace.core.list_namespaced_pod(self.namespace.name)
        owners = [(each.metadata.labels or {}).get("sandlot/owner") for each in found.items]
        return sorted(filter(None, owners))


def _spawn_id(server: Mapping[str, Any]) -> str:
    found: str = server["state"]["sandlot"]["spawn_id"]
    return found
