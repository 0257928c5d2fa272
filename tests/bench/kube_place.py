"""Where the benches on Kubernetes run: a cluster with fake nodes, and a hub in this process on it.

The thread that measures is inside the cluster's network namespace, so that the hub reaches its
pods as it would anywhere. A pod on a fake node runs nothing; one listener answers for all of them.
"""

from __future__ import annotations

import asyncio
import ctypes
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub import __version__ as hub_version
from jupyterhub import orm
from kubernetes_asyncio.client import CoreV1Api

from bench.harness import progress
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.kube import SandlotKubeSpawner
from support.cluster.api import connected
from support.cluster.cluster import BROUGHT, brought, running
from support.cluster.errors import CannotRunHereError
from support.cluster.namespaces import TestNamespace
from support.cluster.network import NAMESPACES
from support.cluster.nodes import FakeNodes, NodeKind
from support.hub_app import running_hub
from support.kube_spawner import close_clients, use_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from support.cluster.control_plane import ControlPlane
    from support.cluster.nodes import Pool
    from support.hub_app import Hub

_NETWORK_NAMESPACE = 0x40000000
_POD_PORT = 8888
_ANSWER = (
    f"HTTP/1.1 200 OK\r\nX-JupyterHub-Version: {hub_version}\r\n"
    "Content-Length: 0\r\nConnection: close\r\n\r\n"
).encode()
SILENT = "silent"
"""Beginning of the names of users whose servers never answer."""
UNREACHED = Path("/nonexistent/supervisor.sock")
"""Of the supervisor, which no hub on Kubernetes asks."""


@contextmanager
def own_cluster() -> Iterator[ControlPlane]:
    """Start a control plane that runs while the block lasts.

    Raises
    ------
    CannotRunHereError
        If this machine cannot run one, or the environment names another.
    """
    if brought() is not None:
        message = f"it needs fake nodes and an audit log; unset {' and '.join(BROUGHT)}"
        raise CannotRunHereError(message)
    with running(say=progress) as cluster:
        assert cluster.plane is not None
        yield cluster.plane


@contextmanager
def inside(plane: ControlPlane) -> Iterator[None]:
    """Have this thread, and the threads that it makes, in the cluster's network namespace."""
    network = NAMESPACES / plane.network.name
    with Path("/proc/thread-self/ns/net").open() as home, network.open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    # `os.setns` came with Python 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _NETWORK_NAMESPACE):
        raise OSError(ctypes.get_errno(), "setns")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace with fake nodes, and a hub that works in it."""

    hub: Hub
    plane: ControlPlane
    namespace: TestNamespace
    nodes: FakeNodes
    pool: Pool

    def spawner(self, user: str, spawner_class: type[Any]) -> Any:
        """Return the spawner that the user's next start is made by, of this class."""
        # The hub asks for the class whenever it makes a spawner, and forgets those of servers that
        # were stopped.
        self.hub.app.tornado_settings["spawner_class"] = spawner_class
        spawner = self.hub.app.users[orm.User.find(self.hub.app.db, user)].spawners[""]
        assert isinstance(spawner, spawner_class)
        return spawner


@asynccontextmanager
async def placed(
    plane: ControlPlane,
    document: Mapping[str, Any],
    *,
    config: Mapping[str, Mapping[str, Any]],
    nodes: int = 2,
) -> AsyncIterator[Place]:
    """Give a namespace, nodes and a hub with the role that it is shipped with.

    Parameters
    ----------
    document
        Settings.
    config
        More configuration of the hub, by class.
    nodes
        How many fake nodes.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        admin = plane.inside.write(folder / "admin")
        client = await stack.enter_async_context(connected(admin))
        # KubeSpawner's own pods would not pass *restricted*.
        namespace = await TestNamespace.create(
            client=client, access=plane.inside, security="privileged"
        )
        stack.push_async_callback(namespace.remove)
        made = FakeNodes(CoreV1Api(client))
        pool = await made.add(nodes, NodeKind())
        stack.push_async_callback(made.remove)
        await stack.enter_async_context(_pods_answer())
        account = await namespace.hub_account()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        use_kubeconfig(account.write(folder / "kubeconfig"), patch)
        stack.push_async_callback(close_clients)
        known: dict[str, dict[str, Any]] = {
            "JupyterHub": {"spawner_class": SandlotKubeSpawner},
            "KubeSpawner": {"namespace": namespace.name, "delete_grace_period": 0},
        }
        for section, values in config.items():
            known.setdefault(section, {}).update(values)
        settings = SandlotSettings.model_validate(document)
        hub = await stack.enter_async_context(running_hub(settings, UNREACHED, config=known))
        yield Place(hub=hub, plane=plane, namespace=namespace, nodes=made, pool=pool)


@asynccontextmanager
async def _pods_answer() -> AsyncIterator[None]:
    """Answer at the address of every fake pod, as a server that is ready does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if f"/user/{SILENT}".encode() in head:
            await reader.read()  # until the client gives up
        else:
            writer.write(_ANSWER)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "0.0.0.0", _POD_PORT):  # noqa: S104 (a namespace without a way out)
        yield
