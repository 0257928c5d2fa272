"""A real hub on the test cluster: JupyterHub's own process, with the rights that the hub has.

It runs in the cluster's network namespace, where it reaches the API server and every pod, and where
they reach it. A proxy stands in front, as in an installation: it stays when the hub is killed. A
port on this machine's loopback leads to the proxy, for browsers and clients.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandlot_hub.local.proxy import find_traefik
from support.cluster.control_plane import INSIDE
from support.cluster.errors import ClusterError
from support.cluster.hub_client import hub_client
from support.cluster.hub_files import CONFIG, PROXY
from support.cluster.network import ADDRESS
from support.cluster.processes import Processes
from support.cluster.stand_in import SILENT
from support.cluster.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from support.cluster.access import Access
    from support.cluster.control_plane import ControlPlane
    from support.cluster.hub_client import HubClient

START_S = 60.0
STOP_S = 30.0
ASK_S = 5.0
ROUTES = "routes.toml"
"""File in its folder by which it tells its proxy what is where."""
TAIL = 4000
"""Characters of the log that an error shows."""
TESTER = "tester"
"""Service whose token tests have."""
TESTER_SCOPES = (
    "admin:users",
    "admin:servers",
    "admin:groups",
    "admin:server_state",
    "access:servers",
    "tokens",
    "users:activity",
    "shutdown",
    "read:hub",
    "read:metrics",
    "access:services!service=offers",
    "custom:sandlot-offers:read",
)
ADMIN = "admin"
"""A user who may do everything; any password is right for anybody."""


@dataclass(frozen=True, kw_only=True)
class HubSpec:
    """What kind of hub."""

    document: Mapping[str, Any]
    """The settings."""
    namespace: str
    """Where its servers run."""
    access: Access
    """How it reaches the API server, as the account of `namespace.hub_account()`; also through a
    `fault_proxy`."""
    offers: Access | None = None
    """How its offers service looks at the cluster, as the account of `namespace.offers_account()`;
    also through a `fault_proxy`. Without one it has the hub's account, which sees the servers' own
    namespace, and never the hub's `fault_proxy`: what a test does to the hub is done to the hub."""
    extra: str = ""
    """Lines for its jupyterhub_config.py, before `install`; ``c`` is there."""
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """More of its configuration as plain values, by class."""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Members of groups, by group."""
    stand_in: bool = True
    """Whether the stand-in answers for the servers of pods, which run nothing; not on a real node."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the hub's process."""


class KubeHub:
    """One hub, its proxy, and its database, which all its processes share.

    Parameters
    ----------
    spec
        What kind of hub.
    plane
        The cluster.
    folder
        Empty, and only its own.
    """

    def __init__(self, spec: HubSpec, *, plane: ControlPlane, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self.token = secrets.token_hex(16)
        """Of an administrator, for `client`."""
        self.namespace = spec.namespace
        self._network = plane.network
        self._outside = plane.outside.server
        self._authority = plane.outside.authority
        self._inward: set[int | None] = set()
        self._processes = Processes(folder)
        self._hub: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}
        self.url = ""
        """Its root for whoever is on this machine, with a slash at its end."""

    @property
    def inside_url(self) -> str:
        """Its root for whoever runs in the cluster."""
        return f"http://{ADDRESS}:{self._ports['proxy']}/"

    @property
    def api_url(self) -> str:
        """Where its API answers to whoever runs in the cluster."""
        return f"http://{ADDRESS}:{self._ports['hub']}/hub/api"

    @property
    def log(self) -> str:
        """What its processes have written, and its services."""
        return (self.folder / "hub.log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The process id of the hub."""
        assert self._hub is not None, "the hub was not started"
        return self._hub.pid

    # --- life ------------------------------------------------------------------------

    def start(self, *, within_s: float = START_S) -> KubeHub:
        """Start it, and wait until people can log in.

        Everything here blocks: a test with a loop of its own that has to go on meanwhile calls it
        by `asyncio.to_thread`.

        Parameters
        ----------
        within_s
            How long that may take, in seconds.
        """
        if not self._ports:
            self.prepare()
        with (self.folder / "hub.log").open("ab") as log:
            self._hub = subprocess.Popen(
                self._network.command(
                    sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"
                ),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._answers, what="the hub answers", timeout_s=within_s)
        return self

    def kill(self) -> None:
        """End the hub's process with SIGKILL, and nothing else: proxy and pods go on."""
        if self._hub is not None:
            self._hub.kill()
            self._hub.wait(STOP_S)

    @contextmanager
    def proxy_paused(self) -> Iterator[None]:
        """Let its proxy do nothing while the context lasts; it keeps all that it has."""
        os.kill(self._processes.pid("proxy"), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._processes.pid("proxy"), signal.SIGCONT)

    def routes(self) -> set[str]:
        """Return the paths of the servers that its proxy is told of."""
        told = tomllib.loads((self.folder / ROUTES).read_text()).get("jupyterhub", {})
        specs = {route["routespec"] for route in told.get("routes", {}).values()}
        return {spec for spec in specs if spec.startswith("/user/")}

    def restart(self) -> KubeHub:
        """Let it end in order, if it runs, and start it again."""
        self._end()
        return self.start()

    def stop(self) -> None:
        """End everything that belongs to it but its pods."""
        try:
            self._end()
        finally:
            self._processes.stop()

    def _end(self) -> None:
        if self._hub is None or self._hub.poll() is not None:
            return
        self._hub.terminate()
        try:
            self._hub.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def check(self) -> None:
        """Raise if one of its processes has ended.

        Raises
        ------
        ClusterError
            If so; with the end of its log.
        """
        self._processes.check()
        if self._hub is None or self._hub.poll() is not None:
            message = f"the hub has ended:\n{self.log[-TAIL:]}"
            raise ClusterError(message)

    # --- what tests do with it ---------------------------------------------------------

    def client(self, token: str | None = None) -> AbstractAsyncContextManager[HubClient]:
        """Give a client of the REST API, as an administrator or with a token of somebody's."""
        return hub_client(self.url, token or self.token)

    def keep_silent(self, *users: str) -> None:
        """Let the stand-in never answer for the servers of these users; for all others it does."""
        prefixes = "".join(f"/user/{user}/\n" for user in users)
        (self.folder / SILENT).write_text(prefixes)

    # --- making of ---------------------------------------------------------------------

    def _answers(self) -> bool:
        self.check()
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=ASK_S)
        try:
            connection.request("GET", "/hub/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "PYTHONUNBUFFERED": "1",
            **self.spec.environment,
        }

    def prepare(self) -> None:
        """Choose its ports and start what stands beside it, before `start` does so."""
        names = ("hub", "proxy", "proxy-api", "offers", "pods")
        self._ports = dict(zip(names, self._network.free_ports(len(names)), strict=True))
        self._write_files()
        self._start_proxy()
        if self.spec.stand_in:
            script = Path(__file__).with_name("stand_in.py")
            self._run("stand-in", str(script), str(self._ports["pods"]), str(self.folder))
        self.url = f"http://127.0.0.1:{self._forward()}/"

    def _write_files(self) -> None:
        outside = self.spec.access.at(self._outside, authority=self._authority)
        self._inside(self.spec.access).write(self.folder / "kubeconfig")
        self._inside(self.spec.offers or outside).write(self.folder / "offers-kubeconfig")
        (self.folder / "settings.json").write_text(json.dumps(self.spec.document))
        (self.folder / "hub.json").write_text(json.dumps(self._config()))
        extra = CONFIG.format(admin=ADMIN, extra=self.spec.extra)
        (self.folder / "jupyterhub_config.py").write_text(extra)

    def _config(self) -> dict[str, dict[str, Any]]:
        ports = self._ports
        known: dict[str, dict[str, Any]] = {
            "JupyterHub": {
                "bind_url": self.inside_url,
                "hub_bind_url": f"http://{ADDRESS}:{ports['hub']}",
                "db_url": f"sqlite:///{self.folder}/hub.sqlite",
                "cookie_secret_file": f"{self.folder}/cookie-secret",
                "proxy_class": "sandlot_hub.adapters.traefik.EmbeddedProxy",
                "cleanup_proxy": False,
                "authenticator_class": "dummy",
                "services": [{"name": TESTER, "api_token": self.token, "display": False}],
                "load_roles": [{"name": TESTER, "services": [TESTER], "scopes": [*TESTER_SCOPES]}],
                "load_groups": {
                    name: {"users": [*users]} for name, users in self.spec.groups.items()
                },
            },
            "EmbeddedProxy": {
                "should_start": False,
                "traefik_api_url": f"http://127.0.0.1:{ports['proxy-api']}",
                "traefik_api_username": "hub",
                "traefik_api_password": self.token,
                "traefik_entrypoint": "http",
                "dynamic_config_file": str(self.folder / ROUTES),
            },
            "Authenticator": {"allow_all": True},
            "KubeSpawner": {"namespace": self.spec.namespace},
            "Sandlot": {
                "offers_url": f"http://{ADDRESS}:{ports['offers']}",
                "offers_kubeconfig": str(self.folder / "offers-kubeconfig"),
                "servers_proxy_url": self.inside_url.rstrip("/"),
            },
        }
        if self.spec.stand_in:
            known["KubeSpawner"]["port"] = ports["pods"]
        for section, values in self.spec.config.items():
            known.setdefault(section, {}).update(values)
        return known

    def _inside(self, access: Access) -> Access:
        """Return the way to the API server from inside."""
        if access.server == self._outside:
            return access.at(INSIDE)
        # A fault proxy, which listens on this machine: the same address leads to it.
        port = urlsplit(access.server).port
        if port in self._inward:
            return access
        self._inward.add(port)
        with open("/proc/self/ns/net", "rb") as here:  # noqa: PTH123 (a descriptor is what is needed)
            script = Path(__file__).with_name("inward.py")
            self._run(
                f"inward-{port}", str(script), str(port), str(here.fileno()), inherit=here.fileno()
            )
        return access

    def _start_proxy(self) -> None:
        rules = self.folder / ROUTES
        rules.write_text("# The hub writes its routes here.\n")
        static = self.folder / "traefik.toml"
        static.write_text(
            PROXY.format(
                address=ADDRESS,
                port=self._ports["proxy"],
                api_port=self._ports["proxy-api"],
                rules=rules,
            )
        )
        command = self._network.command(str(find_traefik()), "--configfile", str(static))
        self._processes.start("proxy", command)

    def _forward(self) -> int:
        """Let this machine's loopback lead to the proxy; return the port."""
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            listener.set_inheritable(True)
            number = listener.fileno()
            script = str(Path(__file__).with_name("forward.py"))
            self._run(
                "forward", script, str(number), ADDRESS, str(self._ports["proxy"]), inherit=number
            )
            port: int = listener.getsockname()[1]
            return port

    def _run(self, name: str, *arguments: str, inherit: int | None = None) -> None:
        command = self._network.command(sys.executable, "-I", *arguments)
        descriptors = () if inherit is None else (inherit,)
        self._processes.start(name, command, descriptors=descriptors)
