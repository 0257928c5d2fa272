"""The Dask gateway on the test cluster, as its manifest has it: three processes, two accounts.

Each process is the command of its Deployment, with the variables that this sets; where a Deployment
names a Service, the address here is another, because the run has no DNS. Each account has the rights
of its Role and no others.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from kubernetes_asyncio.client import (
    ApiException,
    ApiextensionsV1Api,
    NetworkingV1Api,
    RbacAuthorizationV1Api,
)

from sandlot_hub.domain.dask.names import API_PORT
from support.cluster.control_plane import INSIDE
from support.cluster.errors import ClusterError
from support.cluster.hub import HubSpec, KubeHub
from support.cluster.network import ADDRESS
from support.cluster.processes import Processes
from support.cluster.waiting import until, wait_until
from support.house import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.access import Access
    from support.cluster.control_plane import ControlPlane
    from support.cluster.namespaces import TestNamespace

SHIPPED = ROOT / "config/kubernetes/dask-gateway.yaml"
GATEWAY, CONTROLLER, PROXY = "sandlot-dask-gateway", "sandlot-dask-controller", "sandlot-dask-proxy"
START_S = 30.0
STOP_S = 15.0
TOKEN_S = 6 * 3600
ORDERS = "orders"


@asynccontextmanager
async def dask_hub(
    document: Mapping[str, Any],
    *,
    plane: ControlPlane,
    client: ApiClient,
    namespace: TestNamespace,
    folder: Path,
    stand_in: bool = True,
    **options: Any,
) -> AsyncIterator[tuple[KubeHub, DaskGateway]]:
    """Give a hub whose users have Dask clusters, and their gateway.

    Parameters
    ----------
    document
        The settings of both.
    plane, client, namespace
        The cluster, an administrator's client, and where all of it is.
    folder
        Empty, and only its own.
    stand_in
        Whether pods run nothing, and others answer for them.
    **options
        Of `HubSpec`.
    """
    await prepare(client, namespace)
    hub_access = await namespace.hub_account()
    access = {each: await account(each, namespace, hub_access) for each in (GATEWAY, CONTROLLER)}
    settings = folder / "settings.json"
    settings.write_text(json.dumps(document))
    ports = plane.network.free_ports(3)
    gateway = DaskGateway(
        plane=plane,
        folder=folder,
        access=access,
        ports=dict(zip(("gateway", "door", "proxy"), ports, strict=True)),
        settings=settings,
    )
    (folder / "hub").mkdir()
    spec = HubSpec(
        document=document,
        namespace=namespace.name,
        access=hub_access,
        extra=gateway.hub_config(),
        stand_in=stand_in,
        **options,
    )
    hub = KubeHub(spec, plane=plane, folder=folder / "hub")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, hub.stop)
        stack.push_async_callback(asyncio.to_thread, gateway.stop)
        await asyncio.to_thread(hub.prepare)
        if stand_in:
            gateway.stand_in()
        await asyncio.to_thread(gateway.start, hub.api_url)
        await asyncio.to_thread(hub.start)
        async with hub.client() as admin:

            async def led_to() -> bool:
                reply = await admin("GET", "/services/dask-gateway/api/health")
                return reply.status == HTTPStatus.OK

            await until(led_to, what="the hub's proxy leads to the gateway")
        yield hub, gateway


def documents(kind: str) -> dict[str, Any]:
    """Return what the manifest has of a kind, by name."""
    found = yaml.safe_load_all(SHIPPED.read_text())
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


def allowed(account: str) -> set[tuple[str, str]]:
    """Return the verbs and resources that the manifest allows to an account."""
    return {
        (verb, resource)
        for rule in documents("Role")[account]["rules"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }


async def prepare(client: ApiClient, namespace: TestNamespace) -> None:
    """Make what the manifest has in the cluster before any process runs."""
    (definition,) = documents("CustomResourceDefinition").values()
    api = ApiextensionsV1Api(client)
    try:
        await api.create_custom_resource_definition(definition)
    except ApiException as error:  # that of an earlier test: it is the whole cluster's
        if error.status != 409:
            raise
    network = NetworkingV1Api(client)
    for policy in documents("NetworkPolicy").values():
        await network.create_namespaced_network_policy(namespace.name, policy)
    rbac = RbacAuthorizationV1Api(client)
    for name, account in documents("ServiceAccount").items():
        await namespace.core.create_namespaced_service_account(namespace.name, account)
        await rbac.create_namespaced_role(namespace.name, documents("Role")[name])
        binding = documents("RoleBinding")[name]
        binding["subjects"][0]["namespace"] = namespace.name
        await rbac.create_namespaced_role_binding(namespace.name, binding)


async def account(name: str, namespace: TestNamespace, access: Access) -> Access:
    """Return the access of an account of the manifest."""
    asked: Any = {"spec": {"expirationSeconds": TOKEN_S, "audiences": []}}
    core = namespace.core
    answer = await core.create_namespaced_service_account_token(name, namespace.name, asked)
    return access.as_account(answer.status.token, namespace=namespace.name).at(INSIDE)


class DaskGateway:
    """Gateway, controller and proxy to schedulers.

    Parameters
    ----------
    plane
        The cluster.
    folder
        Empty, and only its own.
    access
        Of the two accounts, by name.
    ports
        Where they listen: ``gateway``, ``door``, ``proxy``; free ones of the run's network.
    settings
        Path of the settings, which the hub has, too.
    """

    def __init__(
        self,
        *,
        plane: ControlPlane,
        folder: Path,
        access: Mapping[str, Access],
        ports: Mapping[str, int],
        settings: Path,
    ) -> None:
        self.token, self.proxy_token = secrets.token_hex(16), secrets.token_hex(16)
        self.folder = folder
        self._network = plane.network
        self._access = access
        self._ports = ports
        self._settings = settings
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._beside = Processes(folder)
        self._hub_url = ""
        self.door = ""
        """Where schedulers reach it, for whoever is on this machine."""

    @property
    def url(self) -> str:
        """Where the hub's proxy reaches the gateway."""
        return f"http://{ADDRESS}:{self._ports['gateway']}"

    @property
    def door_url(self) -> str:
        """Where schedulers reach it."""
        return f"http://{ADDRESS}:{self._ports['door']}"

    @property
    def proxy_address(self) -> str:
        """Where users' servers reach schedulers."""
        return f"{ADDRESS}:{self._ports['proxy']}"

    def hub_config(self) -> str:
        """Return the lines of jupyterhub_config.py that put it to work."""
        return (
            f"c.Sandlot.dask_gateway_url = {self.url!r}\n"
            f"c.Sandlot.dask_gateway_token = {self.token!r}\n"
            f"c.Sandlot.dask_proxy_address = {self.proxy_address!r}\n"
        )

    def start(self, hub_api_url: str) -> DaskGateway:
        """Start all of it, and wait until it answers."""
        self._hub_url = hub_api_url
        self.begin(GATEWAY, CONTROLLER, PROXY)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.set_inheritable(True)
            number = listener.fileno()
            script = str(Path(__file__).with_name("forward.py"))
            where = (ADDRESS, str(self._ports["door"]))
            command = self._network.command(sys.executable, "-I", script, str(number), *where)
            self._beside.start("door", command, descriptors=(number,))
            self.door = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return self

    def stand_in(self) -> None:
        """Answer for the schedulers of all pods, which run nothing; see `orders`."""
        script = Path(__file__).with_name("dask_stand_in.py")
        arguments = (str(API_PORT), str(self.folder / ORDERS))
        command = self._network.command(sys.executable, "-I", str(script), *arguments)
        self._beside.start("dask-stand-in", command)

    def orders(self) -> list[dict[str, Any]]:
        """Return what schedulers were told, in order."""
        path = self.folder / ORDERS
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def begin(self, *names: str) -> None:
        """Start some of them, and wait until they say that they work."""
        said = {name: self._said(name) for name in names}
        for name in names:
            self._start(name)

        def work() -> bool:
            for name in names:
                self.check(name)
            return all(self._said(name) > said[name] for name in names if name in _WORKS)

        wait_until(work, what=f"{', '.join(names)} work", timeout_s=START_S)

    def _start(self, name: str) -> None:
        container = documents("Deployment")[name]["spec"]["template"]["spec"]["containers"][0]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._network.command(*self._command(container)),
                cwd=self.folder,
                env=self._environment(name, container),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _said(self, name: str) -> int:
        return self.log(name).count(_WORKS[name]) if name in _WORKS else 0

    def kill(self, name: str) -> None:
        """End one of them with SIGKILL."""
        self._running[name].kill()
        self._running[name].wait(STOP_S)

    def stop(self) -> None:
        """End all of them in order."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)
        self._beside.stop()

    def log(self, name: str) -> str:
        """Return what one of them has written."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def check(self, name: str) -> None:
        """Raise if one of them has ended.

        Raises
        ------
        ClusterError
            If so; with its log.
        """
        if self._running[name].poll() is not None:
            message = f"{name} has ended:\n{self.log(name)}"
            raise ClusterError(message)

    def _command(self, container: Any) -> list[str]:
        found = [
            each.replace("http://sandlot-dask-gateway:8091", self.door_url)
            for each in container["command"]
        ]
        port = f":{self._ports['proxy']}"
        program, *arguments = [each.replace(":8786", port) for each in found]
        beside = Path(sys.executable).parent / program
        return [str(beside), *arguments]

    def _environment(self, name: str, container: Any) -> dict[str, str]:
        here = {
            "JUPYTERHUB_API_URL": self._hub_url,
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_API_TOKEN": self.token,
            "DASK_GATEWAY_PROXY_TOKEN": self.proxy_token,
            "SANDLOT_DASK_URL": self.url,
            "SANDLOT_DASK_DOOR_URL": self.door_url,
            "SANDLOT_SETTINGS": str(self._settings),
            "SANDLOT_HEALTH_PORT": "",
        }
        found = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
        }
        # Those that the Deployment sets, and no others.
        wanted = {each["name"] for each in container["env"]}
        found |= {key: value for key, value in here.items() if key in wanted}
        if name in self._access:
            access = self._access[name]
            found["KUBECONFIG"] = str(access.write(self.folder / f"{name}.kubeconfig"))
            found["SANDLOT_NAMESPACE"] = access.namespace
        return found


_WORKS = {GATEWAY: '"serving"', CONTROLLER: '"controlling"'}
"""What they write when they work. The proxy writes nothing."""
