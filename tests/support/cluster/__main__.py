"""A cluster for a developer, with a hub: ``python -m support.cluster``; Ctrl-C ends it."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from typing import TYPE_CHECKING

from kubernetes_asyncio.client import CoreV1Api

from support.cluster.api import connected
from support.cluster.cluster import Cluster, running
from support.cluster.errors import CannotRunHereError, ClusterError
from support.cluster.hub import ADMIN, HubSpec, KubeHub
from support.cluster.namespaces import TestNamespace
from support.cluster.nodes import FakeNodes
from support.cluster.offered import NODES, offered_settings

if TYPE_CHECKING:
    from support.cluster.control_plane import ControlPlane

CHECK_S = 1.0


def main() -> int:
    """Run the cluster until a signal; return the exit code."""
    try:
        _serve()
    except CannotRunHereError as error:
        say(f"No test cluster here: {error}")
        return 1
    except ClusterError as error:
        say(f"The test cluster cannot run: {error}")
        return 1
    return 0


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(line, flush=True)  # noqa: T201 (a command answers by printing)


def _serve() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with running(say=say) as cluster:
        if cluster.plane is None:
            say("It is somebody else's: nothing to start, and nothing is changed in it.")
            return
        say("Starting the nodes and the hub")
        hub = asyncio.run(_hub(cluster, cluster.plane))
        try:
            hub.start()
            _tell(cluster, hub)
            # A part that dies is told at once, not by the next client that hangs.
            while not ended.wait(CHECK_S):
                cluster.plane.check()
                hub.check()
        finally:
            say("Ending the cluster")
            hub.stop()


async def _hub(cluster: Cluster, plane: ControlPlane) -> KubeHub:
    """Make the nodes, a namespace and the account of a hub; return the hub, not yet started."""
    async with connected(cluster.kubeconfig) as client:
        nodes = FakeNodes(CoreV1Api(client))
        for count, kind in NODES.values():
            await nodes.add(count, kind)
        namespace = await TestNamespace.create(client=client, access=cluster.access)
        spec = HubSpec(
            document=offered_settings(),
            namespace=namespace.name,
            access=await namespace.hub_account(),
            offers=await namespace.offers_account(),
        )
    folder = plane.folder / "hub"
    folder.mkdir()
    return KubeHub(spec, plane=plane, folder=folder)


def _tell(cluster: Cluster, hub: KubeHub) -> None:
    say(f"A Kubernetes API server answers at {cluster.access.server}, with")
    for words in NODES:
        say(f"  {words}")
    say("Its pods run nothing: a program says what they would do, another answers for servers.")
    say(f"  export KUBECONFIG={cluster.kubeconfig}")
    say(f"Its hub is at {hub.url}")
    say(f"  log in with any name and password; {ADMIN!r} is an administrator")
    say(f"  servers are pods in the namespace {hub.namespace}")
    say(f"  configuration, database and log: {hub.folder}")
    say("Ctrl-C ends all of it.")


if __name__ == "__main__":
    sys.exit(main())
