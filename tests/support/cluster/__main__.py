"""A cluster for a developer: ``python -m support.cluster``; Ctrl-C ends it."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

from kubernetes_asyncio.client import CoreV1Api

from support.cluster.api import connected
from support.cluster.cluster import Cluster, running
from support.cluster.errors import CannotRunHereError, ClusterError
from support.cluster.nodes import FakeNodes, NodeKind
from support.cluster.objects import GPU

OFFERED = {
    "3 nodes without GPUs": (3, NodeKind()),
    "2 nodes with 4 × NVIDIA L4 (taint nvidia.com/gpu)": (
        2,
        NodeKind(gpus=4, product="NVIDIA-L4", taint=(GPU, "present", "NoSchedule")),
    ),
}
"""What a developer finds on it."""
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
        asyncio.run(_add_nodes(cluster))
        _tell(cluster)
        # A part that dies is told at once, not by the next client that hangs.
        while not ended.wait(CHECK_S):
            cluster.plane.check()
        say("Ending the cluster")


async def _add_nodes(cluster: Cluster) -> None:
    async with connected(cluster.kubeconfig) as client:
        nodes = FakeNodes(CoreV1Api(client))
        for count, kind in OFFERED.values():
            await nodes.add(count, kind)


def _tell(cluster: Cluster) -> None:
    say(f"A Kubernetes API server answers at {cluster.access.server}, with")
    for words in OFFERED:
        say(f"  {words}")
    say("There is no hub on it, and its pods run nothing: a program says what they would do.")
    say(f"  export KUBECONFIG={cluster.kubeconfig}")
    say("Ctrl-C ends it, with everything on it.")


if __name__ == "__main__":
    sys.exit(main())
