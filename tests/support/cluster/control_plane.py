"""etcd, API server, controllers, scheduler and kwok, started in one network namespace."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.cluster.access import Access
from support.cluster.certificates import Authority, write_signing_key
from support.cluster.errors import ClusterError
from support.cluster.fates import write_stages
from support.cluster.network import ADDRESS, PODS, SERVICE, SERVICES
from support.cluster.processes import Processes

if TYPE_CHECKING:
    from support.cluster.builder import Programs
    from support.cluster.network import Network

PORT = 443
INSIDE = f"https://{ADDRESS}:{PORT}"
"""The API server for whoever runs in the namespace."""
FAKE = "kwok.x-k8s.io/node"
"""Annotation of the nodes that kwok looks after."""
KWOK_PORT = 10247

STORAGE_CLASS = "homes"
"""Makes a folder for each claim, which the user and the group of the shipped images own."""
PROVISIONER = "kubernetes.io/host-path"
USER, GROUP = 1000, 100
"""Of the shipped images."""

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
        self._processes = Processes(folder)
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
    def tmp(self) -> Path:
        """The folder that whoever has to do with volumes sees as ``/tmp``."""
        return self._folder / "tmp"

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
        self._processes.wait(self._ready, what="the API server is ready")
        self._make_storage_class()
        self._run_controllers()
        self._run("kube-scheduler", *self._scheduler())
        self._run("kwok", *self._kwok())

    def stop(self) -> None:
        """Kill every part: what they hold goes with the folder."""
        self._processes.stop()

    def rest(self, *names: str) -> None:
        """Let parts stand still from now on: controllers that would look after fake objects."""
        for name in names:
            os.kill(self._processes.pid(name), signal.SIGSTOP)

    def check(self) -> None:
        """Raise if a part has ended.

        Raises
        ------
        ClusterError
            If so; with the end of its log.
        """
        self._processes.check()

    def _ready(self) -> bool:
        try:
            return self._ask("GET", "/readyz") == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def _make_storage_class(self) -> None:
        made = {"metadata": {"name": STORAGE_CLASS}, "provisioner": PROVISIONER}
        status = self._ask("POST", "/apis/storage.k8s.io/v1/storageclasses", made)
        if status != http.client.CREATED:
            message = f"the API server refuses the storage class of the tests ({status})"
            raise ClusterError(message)

    def _ask(self, method: str, path: str, document: object = None) -> int:
        """Ask the API server as its administrator; return the status of the answer."""
        trust = ssl.create_default_context(cadata=self._authority.pem)
        port = int(self.outside.server.rpartition(":")[2])
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=trust)
        headers = {
            "Authorization": f"Bearer {self.outside.token}",
            "Content-Type": "application/json",
        }
        try:
            connection.request(method, path, json.dumps(document), headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _run(self, name: str, *arguments: str) -> None:
        """Start a part in the namespace."""
        self._processes.start(name, self._network.command(self._programs[name], *arguments))

    def _run_controllers(self) -> None:
        """Start the controllers as the user of the shipped images.

        The volumes that they make are folders in ``/tmp`` that only their owner can write. They
        get a ``/tmp`` of the run's, and the right to read its files.
        """
        name = "kube-controller-manager"
        right = [f"--{kind}-caps=+dac_override" for kind in ("inh", "ambient")]
        user = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", *right, "--"]
        replaced = f'mount --bind {self.tmp} /tmp && exec "$@"'
        apart = ["unshare", "--mount", "--propagation=private", "--", "sh", "-ec", replaced, name]
        command = [*apart, *user, self._programs[name], *self._controllers()]
        self._processes.start(name, self._network.command(*command))

    def _forward(self) -> int:
        """Let this machine's loopback lead to the API server; return the port."""
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            listener.set_inheritable(True)
            script = str(Path(__file__).with_name("forward.py"))
            asked = [sys.executable, "-I", script, str(listener.fileno()), ADDRESS, str(PORT)]
            command = self._network.command(*asked)
            self._processes.start("forward", command, descriptors=(listener.fileno(),))
            port: int = listener.getsockname()[1]
            return port

    def _write_files(self) -> None:
        self.tmp.mkdir()
        self.tmp.chmod(0o1777)
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
            # As clusters have it: Pod Security decides, by namespace.
            "--allow-privileged=true",
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
            "--enable-hostpath-provisioner",
            f"--flex-volume-plugin-dir={self._file('plugins')}",
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
            # By default each asks 20 or 50 times a second, and hundreds of nodes or pods wait.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
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
