"""A person who has Dask clusters: from a notebook of theirs, and over the gateway's own routes."""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

from sandlot_contracts.clusters import ClusterInfo, ClusterList

from .hub_user import TIMEOUT_S, HubUser
from .processes import arguments, below, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from sandlot_hub.local.procfs import Process

    from .hub_user import Channel

_WAIT_S = 60.0

COMPUTE = """\
import json, os
def compute(n):
    sum(range(2_000_000))  # long enough to be seen in a plot
    return n * n, os.getpid(), os.getuid()
futures = client.map(compute, range(40), pure=False)
squares, pids, uids = zip(*client.gather(futures))
print(json.dumps({"sum": sum(squares), "pids": sorted(set(pids)), "uids": sorted(set(uids))}))
"""
"""Code of a notebook with a `client`: who computed what, as JSON."""
SQUARES = sum(n * n for n in range(40))
"""The sum that it computes."""

LIE: dict[str, Any] = {
    "scheduler_address": "tls://127.0.0.1:1",
    "dashboard_address": "",
    "api_address": "http://127.0.0.1:1",
    "count": 50,
    "active_workers": ["no-such-worker"] * 5,
    "closing_workers": [],
    "closed_workers": [],
}
"""What no honest scheduler says."""


class DaskUser:
    """One person with a running server.

    Parameters
    ----------
    person
        Who it is.
    """

    def __init__(self, person: HubUser) -> None:
        self.person = person
        kernel = person.kernel()
        self.token = kernel.run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()

    @property
    def name(self) -> str:
        """The user's name."""
        return self.person.name

    @contextlib.contextmanager
    def notebook(self) -> Iterator[Channel]:
        """Give a fresh kernel while the context lasts."""
        with self.person.kernel().connected() as channel:
            yield channel

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask the gateway, through the public proxy."""
        headers = {"Authorization": f"token {self.token}", **options.pop("headers", {})}
        url = f"{self.person.url}services/dask-gateway/api/v1/{path}"
        return self.person.session.request(
            method, url, headers=headers, timeout=TIMEOUT_S, **options
        )

    def create(self, **options: str) -> str:
        """Have a cluster started; return its name."""
        reply = self.ask("POST", "clusters/", json={"cluster_options": options})
        assert reply.status_code == 201, reply.text
        name: str = reply.json()["name"]
        return name

    def scale(self, name: str, count: int) -> None:
        """Have a cluster have so many workers."""
        reply = self.ask("POST", f"clusters/{name}/scale", json={"count": count})
        assert reply.status_code == 200, reply.text

    def stop_all(self) -> None:
        """End all clusters, and wait until nothing of them is left."""
        for each in self.overview().clusters:
            self.ask("DELETE", f"clusters/{each.name}")
        self.wait(lambda found: found.used.clusters == 0)

    def overview(self, **query: str) -> ClusterList:
        """Return all that is known of this user's clusters."""
        reply = self.ask("GET", "sandlot/clusters", params=query)
        assert reply.status_code == 200, reply.text
        return ClusterList.model_validate(reply.json())

    def wait(self, done: Callable[[ClusterList], bool]) -> ClusterList:
        """Wait until what is known of the clusters is as it should be."""
        deadline = time.monotonic() + _WAIT_S
        found = self.overview()
        while not done(found):
            assert time.monotonic() < deadline, found.model_dump_json(indent=2)
            found = self.overview(after=found.version, wait="5")
        return found

    def wait_cluster(self, name: str, done: Callable[[ClusterInfo], bool]) -> ClusterInfo:
        """Wait until one cluster is as it should be."""
        return one(self.wait(lambda found: done(one(found, name))), name)

    def running(self, name: str) -> ClusterInfo:
        """Wait until a cluster runs."""
        return self.wait_cluster(name, lambda found: found.status == "RUNNING")


def one(found: ClusterList, name: str) -> ClusterInfo:
    """Return one cluster of a list."""
    (cluster,) = (each for each in found.clusters if each.name == name)
    return cluster


def dask_processes(pid: int, name: str, role: str = "") -> list[Process]:
    """Return the processes of a cluster below a supervisor, without guards and nannies' children."""
    return [
        each
        for each in below(pid)
        if environment(each.pid).get("DASK_GATEWAY_CLUSTER_NAME") == name
        and _role(each.pid) in ({role} if role else {"scheduler", "worker"})
    ]


def cluster_token(pid: int) -> str:
    """Return the token that a process of a cluster holds."""
    return environment(pid)["DASK_GATEWAY_API_TOKEN"]


_FINALIZER = re.compile(
    r"^Exception ignored in: .*\n(?:Traceback .*\n(?:[ \t].*\n)+\S.*\n?)?", re.MULTILINE
)
"""What the interpreter says when it collects a client that was not closed: whenever it likes."""


def said(output: str) -> Any:
    """Return what a notebook printed as JSON in its last line.

    Raises
    ------
    AssertionError
        If it ended with anything else, such as an error.
    """
    try:
        return json.loads(_FINALIZER.sub("", output).strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise AssertionError(output) from None


def _role(pid: int) -> str:
    words = arguments(pid).split()
    if "guard.py" in " ".join(words[:5]):
        return ""
    for role in ("scheduler", "worker"):
        if role in words[1:3] and any(word.endswith("/dask") for word in words[:2]):
            return role
    return ""
