"""etcd, API server, controllers, scheduler and kwok, started in one network namespace."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.cluster.access import Access
from support.cluster.certificates import Authority, write_signing_key
from support.cluster.errors import ClusterError
from support.cluster.fates import write_stages
from support.cluster.network import ADDRESS, PODS, SERVICE, SERVICES
from support.cluster.waiting import wait_until

if TYPE_CHECKING:
    from support.cluster.builder import Programs
    from support.cluster.network import Network

PORT = 443
INSIDE = f"https://{ADDRESS}:{PORT}"
"""The API server for whoever runs in the namespace."""
FAKE = "kwok.x-k8s.io/node"
"""Annotation of the nodes that kwok looks after."""
KWOK_PORT = 10247

READY_S = 60.0
TAIL = 15
"""Lines of a log that an error shows."""

# Who comes with a token from a file instead of one of a service account.
NODE = "real"
"""Name of the node on which pods really run, where there is one."""
ACCOUNTS = {
    "admin": "system:masters",
    "kwok": "system:masters",
    f"system:node:{NODE}": "system:nodes",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
}
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # The cluster's own parts would bury what the tests look for.
        {"level": "None", "userGroups": ["system:masters"]},
        {"level": "None", "users": [name for name in ACCOUNTS if name.startswith("system:")]},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata"},
    ],
}


class ControlPlane:
    """One control plane on an empty folder.

    Parameters
    ----------
    folder
        Empty, and only ours; holds keys, tokens, data and logs.
    network
        Where it runs.
    programs
        What it runs.
    """

    def __init__(self, *, folder: Path, network: Network, programs: Programs) -> None:
        self._folder = folder
        self._network = network
        self._programs = programs
        self._authority = Authority()
        self._tokens = {name: secrets.token_urlsafe(24) for name in ACCOUNTS}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.audit_log = folder / "audit.log"
        self.inside = Access(
            server=INSIDE, authority=self._authority.pem, token=self._tokens["admin"]
        )
        """The administrator's access for processes in the namespace."""
        self.outside = self.inside
        """The same for everybody else on this machine; complete once it is started."""

    @property
    def folder(self) -> Path:
        """The folder of its run."""
        return self._folder

    @property
    def network(self) -> Network:
        """Where it runs."""
        return self._network

    def start(self) -> None:
        """Start everything, and wait until the API server answers and fake nodes can come.

        Raises
        ------
        ClusterError
            If a part ends; with the end of its log.
        """
        self._write_files()
        self._run("etcd", *self._etcd())
        self._run("kube-apiserver", *self._api_server())
        self.outside = self.inside.at(f"https://127.0.0.1:{self._forward()}")
        wait_until(self._ready, what="the API server is ready", timeout_s=READY_S)
        self._run("kube-controller-manager", *self._controllers())
        self._run("kube-scheduler", *self._scheduler())
        self._run("kwok", *self._kwok())

    def stop(self) -> None:
        """Kill every part: what they hold goes with the folder."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def check(self) -> None:
        """Raise if a part has ended.

        Raises
        ------
        ClusterError
            If so; with the end of its log.
        """
        for name, process in self._processes.items():
            if process.poll() is not None:
                lines = self._log(name).read_text(errors="replace").splitlines()[-TAIL:]
                message = "\n".join([f"{name} ended with code {process.returncode}:", *lines])
                raise ClusterError(message)

    def memory(self) -> dict[str, int]:
        """Return the resident memory of each part, in bytes."""
        return {
            name: int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096
            for name, process in self._processes.items()
        }

    def _ready(self) -> bool:
        self.check()
        trust = ssl.create_default_context(cadata=self._authority.pem)
        port = int(self.outside.server.rpartition(":")[2])
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=trust)
        try:
            connection.request(
                "GET", "/readyz", headers={"Authorization": f"Bearer {self.outside.token}"}
            )
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _run(self, name: str, *arguments: str) -> None:
        """Start a part in the namespace; it gets its own session, so that Ctrl-C spares it."""
        command = self._network.command(self._programs[name], *arguments)
        self._spawn(name, command)

    def _spawn(self, name: str, command: list[str], *, descriptors: tuple[int, ...] = ()) -> None:
        with self._log(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self._folder)},
                pass_fds=descriptors,
                start_new_session=True,
            )

    def _forward(self) -> int:
        """Let this machine's loopback lead to the API server; return the port."""
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            listener.set_inheritable(True)
            script = str(Path(__file__).with_name("forward.py"))
            asked = [sys.executable, "-I", script, str(listener.fileno()), ADDRESS, str(PORT)]
            self._spawn("forward", self._network.command(*asked), descriptors=(listener.fileno(),))
            port: int = listener.getsockname()[1]
            return port

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _write_files(self) -> None:
        hosts = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        addresses = ["127.0.0.1", ADDRESS, SERVICE]
        (self._folder / "ca.crt").write_text(self._authority.pem)
        self._authority.write_server(self._folder, "server", addresses=addresses, hosts=hosts)
        write_signing_key(self._folder / "accounts.key")
        lines = [
            f'{self._tokens[name]},{name},{number},"{group}"\n'
            for number, (name, group) in enumerate(ACCOUNTS.items())
        ]
        (self._folder / "tokens.csv").write_text("".join(lines))
        for name in ACCOUNTS:
            account = self.inside.as_account(self._tokens[name], namespace="default")
            account.write(self._folder / f"{name}.kubeconfig")
        (self._folder / "audit-policy.yaml").write_text(json.dumps(AUDIT_POLICY))
        write_stages(self._folder / "stages.yaml", self._programs.stages)

    def kubeconfig_of(self, account: str) -> Path:
        """Return the kubeconfig of one of `ACCOUNTS`."""
        return self._folder / f"{account}.kubeconfig"

    def _file(self, name: str) -> str:
        return str(self._folder / name)

    def _etcd(self) -> list[str]:
        client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
        return [
            f"--data-dir={self._folder / 'etcd'}",
            # Nothing of it shall survive the machine.
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _api_server(self) -> list[str]:
        key = self._file("accounts.key")
        return [
            "--etcd-servers=http://127.0.0.1:2379",
            "--bind-address=0.0.0.0",
            f"--secure-port={PORT}",
            # Without a default route there is nothing to guess it from.
            f"--advertise-address={ADDRESS}",
            # A node's name is known to nobody here.
            "--kubelet-preferred-address-types=InternalIP",
            f"--tls-cert-file={self._file('server.crt')}",
            f"--tls-private-key-file={self._file('server.key')}",
            f"--client-ca-file={self._file('ca.crt')}",
            f"--token-auth-file={self._file('tokens.csv')}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--audit-policy-file={self._file('audit-policy.yaml')}",
            f"--audit-log-path={self.audit_log}",
        ]

    def _controllers(self) -> list[str]:
        return [
            *self._as_client("system:kube-controller-manager"),
            "--leader-elect=false",
            "--use-service-account-credentials",
            f"--root-ca-file={self._file('ca.crt')}",
            f"--service-account-private-key-file={self._file('accounts.key')}",
            "--controllers=*,-cloud-node-lifecycle-controller",
        ]

    def _scheduler(self) -> list[str]:
        return [*self._as_client("system:kube-scheduler"), "--leader-elect=false"]

    def _as_client(self, account: str) -> list[str]:
        kubeconfig = self._file(f"{account}.kubeconfig")
        return [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
        ]

    def _kwok(self) -> list[str]:
        return [
            f"--config={self._file('stages.yaml')}",
            f"--kubeconfig={self._file('kwok.kubeconfig')}",
            f"--manage-nodes-with-annotation-selector={FAKE}=fake",
            f"--cidr={PODS.replace('.0.0/', '.0.1/')}",
            f"--node-ip={ADDRESS}",
            f"--node-port={KWOK_PORT}",
            f"--server-address={ADDRESS}:{KWOK_PORT}",
            f"--tls-cert-file={self._file('server.crt')}",
            f"--tls-private-key-file={self._file('server.key')}",
            "--node-lease-duration-seconds=40",
        ]
