"""A node on which pods really run: kubelet and containerd, beside the run's control plane.

Its processes have the run's network, and mounts and process ids of their own: what they mount is
seen by nobody else, and all of them, containers too, end with the first one. It reaches nothing
outside: images come from archives. Beside it is a registry, which has none of them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.cluster import control_groups
from support.cluster.control_plane import NODE
from support.cluster.errors import ClusterError
from support.cluster.network import ADDRESS
from support.cluster.nodes import POOL, Pool
from support.cluster.processes import Processes
from support.cluster.steps import check_programs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.cluster.builder import Programs
    from support.cluster.control_plane import ControlPlane
    from support.cluster.images import Archive

TAINT = ("sandlot.test/real", "yes", "NoSchedule")
"""Keeps the pods of other tests away: they would really be started."""
REAL = Pool(name="real", names=(NODE,), taint=TAINT)
"""What places a pod here."""
NEEDED = {
    "containerd": "containerd",
    "ctr": "containerd",
    "docker-registry": "docker-registry",
    "runc": "runc",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
PLUGINS = Path("/usr/lib/cni")
PLUGIN = "ptp"
POD_NETWORK = "10.244.77.0/24"
REGISTRY = "localhost:5000"
"""An empty registry: what is asked of it, it says, does not exist."""
IMPORT_S = 300.0
REPLACED = ("/run", "/var/lib", "/var/log")
"""Folders in which these programs have fixed places; they see empty ones of the run's."""


def check_node_possible() -> None:
    """Raise with the reason if this machine cannot have a real node.

    Raises
    ------
    CannotRunHereError
        If so.
    """
    check_programs(NEEDED)
    if not (PLUGINS / PLUGIN).exists():
        check_programs({str(PLUGINS / PLUGIN): "containernetworking-plugins"})


class RealNode:
    """A node beside a control plane that runs.

    Parameters
    ----------
    plane
        The control plane; what the node writes goes with its folder.
    programs
        With kubelet.
    """

    def __init__(self, *, plane: ControlPlane, programs: Programs) -> None:
        self._plane = plane
        self._programs = programs
        self._network = plane.network
        self._group = plane.folder.name
        self._folder = plane.folder / "node"
        self._processes = Processes(self._folder)
        self._socket = self._folder / "containerd.sock"

    def start(self, archives: Iterable[Archive], *, pause: Archive) -> None:
        """Start it with these images, and wait until kubelet answers.

        Parameters
        ----------
        archives
            Images that pods can have.
        pause
            The one of them that holds a pod's namespaces.

        Raises
        ------
        ClusterError
            If a part ends; with the end of its log.
        CannotRunHereError
            If this machine lets us make no control groups.
        """
        self._write_files(pause)
        control_groups.create(self._group)
        self._hold()
        self._enter("containerd", "containerd", "--config", self._file("containerd.toml"))
        self._processes.wait(self._socket.exists, what="containerd listens")
        for archive in archives:
            self._import(archive)
        self._enter("registry", "docker-registry", "serve", self._file("registry.yaml"))
        self._enter("kubelet", self._programs["kubelet"], *self._kubelet())
        self._processes.wait(self._healthy, what="kubelet answers")

    def stop(self) -> None:
        """Kill the first process, and with it all others, containers too."""
        self._processes.stop()

    def check(self) -> None:
        """Raise if a part has ended.

        Raises
        ------
        ClusterError
            If so; with the end of its log.
        """
        self._processes.check()

    def _hold(self) -> None:
        """Start the first process: it holds the mounts, and its end is everybody's."""
        held = self._folder / "held"
        lines = ["set -e"]
        lines += [f"mount --bind {self._folder}{place} {place}" for place in REPLACED]
        lines.append(f"mount --bind {self._plane.tmp} /tmp")
        # What containers get mounted must reach kubelet and containerd alike.
        lines += ["mount --make-rshared /", f"touch {held}", "exec sleep infinity"]
        namespaces = ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
        command = ["unshare", *namespaces, "--mount-proc", "--", "sh", "-c", "\n".join(lines)]
        self._processes.start("holder", self._network.command(*command))
        self._processes.wait(held.exists, what="the node has its mounts")
        self._inside("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def _entering(self, *command: str) -> list[str]:
        """Return the command that runs another one among the node's processes."""
        holder = f"/proc/{self._processes.pid('holder')}/ns"
        spaces = [f"--mount={holder}/mnt", f"--pid={holder}/pid_for_children"]
        return self._network.command("nsenter", *spaces, "--", *command)

    def _enter(self, name: str, *command: str) -> None:
        self._processes.start(name, self._entering(*command))

    def _inside(self, *command: str) -> str:
        done = subprocess.run(
            self._entering(*command),
            capture_output=True,
            text=True,
            check=False,
            timeout=IMPORT_S,
        )
        if done.returncode:
            message = f"on the test node, {' '.join(command)} says: {done.stderr.strip()}"
            raise ClusterError(message)
        return done.stdout

    def _import(self, archive: Archive) -> None:
        self._inside(
            "ctr", "--address", str(self._socket), "--namespace=k8s.io",
            "images", "import", str(archive.path),
        )  # fmt: skip

    def _healthy(self) -> bool:
        script = (
            "import sys, urllib.request as r\n"
            "sys.exit(r.urlopen('http://127.0.0.1:10248/healthz', timeout=5).status != 200)\n"
        )
        asked = self._network.command(sys.executable, "-I", "-c", script)
        return subprocess.run(asked, capture_output=True, check=False, timeout=30).returncode == 0

    def _file(self, name: str) -> str:
        return str(self._folder / name)

    def _write_files(self, pause: Archive) -> None:
        for place in (*REPLACED, "/cni", "/manifests", "/certificates"):
            Path(f"{self._folder}{place}").mkdir(parents=True)
        for place in ("run/netns", "run/lock", "var/lib/kubelet", "var/log/pods"):
            (self._folder / place).mkdir(parents=True)
        (self._folder / "resolv.conf").write_text("")
        (self._folder / "containerd.toml").write_text(self._containerd(pause))
        (self._folder / "cni/10-pods.conflist").write_text(json.dumps(CNI))
        (self._folder / "registry.yaml").write_text(json.dumps(_registry(self._folder)))
        kubelet = _kubelet_configuration(self._folder, self._group)
        (self._folder / "kubelet.json").write_text(json.dumps(kubelet))
        shutil.copy(self._plane.kubeconfig_of(f"system:node:{NODE}"), self._folder / "kubeconfig")

    def _kubelet(self) -> list[str]:
        key, value, effect = TAINT
        return [
            f"--config={self._file('kubelet.json')}",
            f"--kubeconfig={self._file('kubeconfig')}",
            f"--cert-dir={self._file('certificates')}",
            f"--hostname-override={NODE}",
            f"--node-ip={ADDRESS}",
            f"--node-labels={POOL}={REAL.name}",
            f"--register-with-taints={key}={value}:{effect}",
        ]

    def _containerd(self, pause: Archive) -> str:
        cri = 'plugins."io.containerd.grpc.v1.cri"'
        return f"""
version = 2
root = "{self._folder}/containerd/root"
state = "{self._folder}/containerd/state"
[grpc]
  address = "{self._socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self._folder}/containerd/opt"
[{cri}]
  sandbox_image = "{pause.reference}"
  disable_apparmor = true
  # Many sandboxes lack the capability without which no container would start.
  restrict_oom_score_adj = true
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  options = {{ SystemdCgroup = false }}
[{cri}.cni]
  bin_dir = "{PLUGINS}"
  conf_dir = "{self._folder}/cni"
"""


CNI = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            # Each pod is a route: what goes from one to another passes the kernel's rules for what
            # is forwarded, on every machine.
            "type": PLUGIN,
            "ipMasq": False,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": POD_NETWORK}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}


def _registry(folder: Path) -> dict[str, object]:
    return {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": REGISTRY},
    }


def _kubelet_configuration(folder: Path, group: str) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        # The network is closed, and all that runs in it is ours.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{group}",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": ["pods"],
        # Nobody answers there: a name is unknown at once, and nothing here needs one.
        "clusterDNS": [ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        # Disks of developers are often fuller than a node's may be.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "fileCheckFrequency": "20s",
        # An image that is gone could not be had again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxOpenFiles": 20000,
        "oomScoreAdj": 0,
        "podLogsDir": str(folder / "var/log/pods"),
        "resolvConf": str(folder / "resolv.conf"),
        "volumePluginDir": str(folder / "plugins"),
    }
