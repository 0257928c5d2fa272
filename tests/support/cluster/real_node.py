"""A node on which pods really run: kubelet and containerd, beside the run's control plane.

Its processes have the run's network, and mounts and process ids of their own: what they mount is
seen by nobody else, and all of them, containers too, end with the first one. It reaches nothing
outside: images come from archives, and any other is missing at once.
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
from support.cluster.steps import check_programs
from support.cluster.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    "runc": "runc",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
PLUGINS = Path("/usr/lib/cni")
POD_NETWORK = "10.244.77.0/24"
START_S = 60.0
IMPORT_S = 300.0
TAIL = 15
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
    if not (PLUGINS / "bridge").exists():
        check_programs({str(PLUGINS / "bridge"): "containernetworking-plugins"})


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
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
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
        self._wait(self._socket.exists, "containerd listens")
        for archive in archives:
            self._import(archive)
        self._enter("kubelet", self._programs["kubelet"], *self._kubelet())
        self._wait(self._healthy, "kubelet answers")

    def stop(self) -> None:
        """Kill the first process, and with it all others, containers too."""
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

    def _wait(self, look: Callable[[], bool], what: str) -> None:
        def looked() -> bool:
            self.check()
            return look()

        wait_until(looked, what=what, timeout_s=START_S)

    def _hold(self) -> None:
        """Start the first process: it holds the mounts, and its end is everybody's."""
        held = self._folder / "held"
        lines = ["set -e"]
        lines += [f"mount --bind {self._folder}{place} {place}" for place in REPLACED]
        # What containers get mounted must reach kubelet and containerd alike.
        lines += ["mount --make-rshared /", f"touch {held}", "exec sleep infinity"]
        namespaces = ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
        command = ["unshare", *namespaces, "--mount-proc", "--", "sh", "-c", "\n".join(lines)]
        self._spawn("holder", self._network.command(*command))
        self._wait(held.exists, "the node has its mounts")
        self._inside("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def _entering(self, *command: str) -> list[str]:
        """Return the command that runs another one among the node's processes."""
        holder = f"/proc/{self._processes['holder'].pid}/ns"
        spaces = [f"--mount={holder}/mnt", f"--pid={holder}/pid_for_children"]
        return self._network.command("nsenter", *spaces, "--", *command)

    def _enter(self, name: str, *command: str) -> None:
        self._spawn(name, self._entering(*command))

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

    def _spawn(self, name: str, command: list[str]) -> None:
        with self._log(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self._folder)},
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _file(self, name: str) -> str:
        return str(self._folder / name)

    def _write_files(self, pause: Archive) -> None:
        for place in (*REPLACED, "/cni", "/manifests", "/certificates"):
            Path(f"{self._folder}{place}").mkdir(parents=True)
        for place in ("run/netns", "run/lock", "var/lib/kubelet", "var/log/pods"):
            (self._folder / place).mkdir(parents=True)
        (self._folder / "resolv.conf").write_text("")
        (self._folder / "containerd.toml").write_text(self._containerd(pause))
        (self._folder / "cni/10-bridge.conflist").write_text(json.dumps(CNI))
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
            "type": "bridge",
            "bridge": "br0",
            "isGateway": True,
            "ipMasq": False,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": POD_NETWORK}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
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
        "clusterDNS": [],
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
