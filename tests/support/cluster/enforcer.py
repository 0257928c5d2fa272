"""NetworkPolicies of the run's cluster, enforced on its real node by the kernel.

What `support.cluster.reach` says becomes rules of iptables for the traffic between pods. Who runs
beside the pods on their node reaches all of them, as in every cluster. A connection that nothing
allows is answered at once, by what no closed port answers: a test need not wait to know.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.client import CoreV1Api, NetworkingV1Api
from kubernetes_asyncio.watch import Watch

from support.cluster.errors import ClusterError
from support.cluster.reach import Endpoint, Policies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.network import Network
    from support.cluster.reach import Opening

CHAIN = "SANDLOT-TEST"
REFUSED = "EHOSTUNREACH"
"""What a program is told whose connection no policy allows."""
COMMAND_S = 30.0


@asynccontextmanager
async def enforced(client: ApiClient, network: Network) -> AsyncIterator[Enforcer]:
    """Enforce all policies that there are, and that come, while the context lasts."""
    enforcer = Enforcer(client, network)
    await enforcer.begin()
    tasks = [asyncio.create_task(each) for each in enforcer.watches()]
    try:
        yield enforcer
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await enforcer.end()
    for error in ended:
        # A watch that has failed, other than by being cancelled.
        if isinstance(error, Exception):
            raise error


class Enforcer:
    """Keeps the rules of the kernel like the policies of the API server.

    Parameters
    ----------
    client
        Of an administrator.
    network
        Of the run.
    """

    def __init__(self, client: ApiClient, network: Network) -> None:
        self._client = client
        self._pods = CoreV1Api(client).list_pod_for_all_namespaces
        self._policies = NetworkingV1Api(client).list_network_policy_for_all_namespaces
        self._network = network
        self._alone = asyncio.Lock()
        self._rules: list[str] = []

    async def begin(self) -> None:
        """Close what is to be closed."""
        await self._run("iptables", "-w", "-N", CHAIN)
        await self._run("iptables", "-w", "-I", "FORWARD", "-j", CHAIN)
        await self.refresh()

    async def end(self) -> None:
        """Open all of it."""
        for arguments in (("-D", "FORWARD", "-j", CHAIN), ("-F", CHAIN), ("-X", CHAIN)):
            await self._run("iptables", "-w", *arguments)

    def watches(self) -> Iterator[Any]:
        """Yield what has to run all the time."""
        yield self._watch(self._pods)
        yield self._watch(self._policies)

    async def refresh(self) -> None:
        """Make the rules what the policies of this moment say."""
        async with self._alone:
            policies = Policies(await self._listed(self._policies))
            pods = [
                _endpoint(each) for each in await self._listed(self._pods) if _has_network(each)
            ]
            rules = [*_rules(policies, pods)]
            if rules != self._rules:
                lines = ["*filter", f":{CHAIN} - [0:0]", *rules, "COMMIT", ""]
                await self._run("iptables-restore", "-w", "--noflush", told="\n".join(lines))
                self._rules = rules

    async def _watch(self, listing: Callable[..., Any]) -> None:
        async with Watch() as watch:
            async for _ in watch.stream(listing):
                await self.refresh()

    async def _listed(self, listing: Callable[..., Any]) -> list[Any]:
        found: Any = self._client.sanitize_for_serialization(await listing())
        items: list[Any] = found["items"]
        return items

    async def _run(self, *command: str, told: str = "") -> None:
        process = await asyncio.create_subprocess_exec(
            *self._network.command(*command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(process.communicate(told.encode()), COMMAND_S)
        if process.returncode:
            message = f"{' '.join(command)} says: {said.decode().strip()}"
            raise ClusterError(message)


def _has_network(pod: Any) -> bool:
    ended = pod["status"].get("phase") in {"Succeeded", "Failed"}
    own = not pod["spec"].get("hostNetwork")
    return own and not ended and "podIP" in pod["status"]


def _endpoint(pod: Any) -> Endpoint:
    metadata = pod["metadata"]
    return Endpoint(
        name=metadata["name"],
        namespace=metadata["namespace"],
        labels=metadata.get("labels") or {},
        address=pod["status"]["podIP"],
    )


def _rules(policies: Policies, pods: Sequence[Endpoint]) -> Iterator[str]:
    # Policies are about who opens a connection; what comes back is part of it.
    yield f"-A {CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"
    for pod in pods:
        if policies.openings(pod, "Egress") is not None:
            message = f"a policy closes {pod.name} for what leaves it, which is not enforced here"
            raise ClusterError(message)
        openings = policies.openings(pod, "Ingress")
        if openings is None:
            continue
        for opening in openings:
            for source in pods:
                if policies.lets(opening, source):
                    yield _rule(opening, source, pod)
        closed = f"-A {CHAIN} -d {pod.address}"
        yield f"{closed} -p tcp -j REJECT --reject-with icmp-admin-prohibited"
        yield f"{closed} -j DROP"


def _rule(opening: Opening, source: Endpoint, target: Endpoint) -> str:
    ports = opening.ports
    chosen = f" -p {ports.protocol.lower()} --dport {ports.first}:{ports.last}"
    only = chosen if ports.protocol else ""
    return f"-A {CHAIN} -s {source.address} -d {target.address}{only} -j RETURN"
