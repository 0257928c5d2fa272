"""A network namespace for one cluster: own addresses, and no way out of it.

Everything that runs in it belongs to the run that made it, so ending all of it is how a run is
cleaned up: no list of processes can be incomplete, and none can name somebody else's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from support.cluster.errors import CannotRunHereError
from support.cluster.waiting import wait_until

ADDRESS = "10.250.0.1"
"""Of the API server and of every fake node."""
SERVICE = "10.96.0.1"
"""The Service ``kubernetes``: on the loopback device, so that it needs no kube-proxy."""
SERVICES = "10.96.0.0/24"
PODS = "10.245.0.0/16"
"""Fake pods get these. Every one is local to the namespace, so a test can listen as a pod."""

NAMESPACES = Path("/run/netns")
PROGRAMS = ("ip", "nsenter", "setpriv", "unshare")
COMMAND_S = 30.0
END_S = 20.0


_FREE_PORTS = """\
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(each.getsockname()[1] for each in held))
"""


class Network:
    """A network namespace by its name.

    Processes get into it by starting with `command`. Nothing can leave it: it has no device but
    loopback, and no route.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = NAMESPACES / name

    def create(self) -> None:
        """Make it.

        Raises
        ------
        CannotRunHereError
            If this machine does not let us.
        """
        _ip("netns", "add", self.name)
        inside = ["-n", self.name]
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "address", "add", f"{ADDRESS}/24", "dev", "lo")
        _ip(*inside, "address", "add", f"{SERVICE}/32", "dev", "lo")
        _ip(*inside, "route", "add", "local", PODS, "dev", "lo")

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs another one inside, with the same process id."""
        return ["nsenter", f"--net={self._path}", "--", *arguments]

    def free_ports(self, count: int) -> list[int]:
        """Return ports inside that nothing listens at."""
        command = self.command(sys.executable, "-I", "-c", _FREE_PORTS, str(count))
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=COMMAND_S
        )
        return [int(each) for each in done.stdout.split()]

    def members(self) -> list[int]:
        """Return the process ids of all that run inside."""
        if not self._path.exists():
            return []
        found = _ip("netns", "pids", self.name).split()
        return [int(pid) for pid in found]

    def end(self) -> None:
        """Kill all that runs inside, and remove it. What is gone already is no error."""
        wait_until(self._kill_all, what=f"everything in {self.name} has ended", timeout_s=END_S)
        if self._path.exists():
            _ip("netns", "delete", self.name)

    def _kill_all(self) -> bool:
        """Kill what is there now; true when that was nothing. A zombie has left the namespace."""
        members = self.members()
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not members


def check_possible() -> None:
    """Raise with the reason if this machine lets us make no network namespaces.

    Raises
    ------
    CannotRunHereError
        If so.
    """
    if os.geteuid() != 0:
        message = "the test cluster runs in a network namespace, which only root can make"
        raise CannotRunHereError(message)
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        message = f"the test cluster needs {' and '.join(missing)} (iproute2, util-linux)"
        raise CannotRunHereError(message)


def _ip(*arguments: str) -> str:
    done = subprocess.run(
        ["ip", *arguments],  # noqa: S607 (check_possible looked for it)
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_S,
    )
    if done.returncode:
        message = (
            "this machine does not let the test cluster have a network namespace: "
            f"`ip {' '.join(arguments)}` says: {done.stderr.strip()}"
        )
        raise CannotRunHereError(message)
    return done.stdout
