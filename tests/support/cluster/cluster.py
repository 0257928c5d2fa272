"""The cluster of a run: our own, or one that a developer brings."""

from __future__ import annotations

import base64
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from support.cluster.access import Access
from support.cluster.builder import cache_folder, programs
from support.cluster.control_plane import ControlPlane
from support.cluster.errors import ClusterError
from support.cluster.network import check_possible
from support.cluster.runs import new_run, runs_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROUGHT = ("SANDLOT_TEST_KUBECONFIG", "KUBECONFIG")
"""Variables that name a cluster to test on, the first one before the other."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster that answers."""

    kubeconfig: Path
    """An administrator's."""
    access: Access
    """How others reach it; the token is the administrator's where it has one."""
    plane: ControlPlane | None = None
    """The parts of ours; None for one that somebody brought: there tests cannot look at the audit
    log, and there is nobody to play the kubelet of fake nodes."""


def brought() -> Path | None:
    """Return the kubeconfig of the cluster that the environment names, if it names one."""
    for name in BROUGHT:
        if os.environ.get(name):
            return Path(os.environ[name])
    return None


@contextmanager
def running(*, say: Callable[[str], None]) -> Iterator[Cluster]:
    """Give a cluster while the context lasts: the one that was brought, else our own.

    Raises
    ------
    CannotRunHereError
        If this machine cannot run ours.
    ClusterError
        If it does not compile or does not start.
    """
    found = brought()
    if found is not None:
        say(f"Using the cluster of {found}")
        yield Cluster(kubeconfig=found, access=read_access(found))
        return
    check_possible()
    made = programs(cache=cache_folder(), say=say)
    with new_run(runs_folder()) as (folder, network):
        plane = ControlPlane(folder=folder, network=network, programs=made)
        try:
            plane.start()
            kubeconfig = plane.outside.write(folder / "kubeconfig")
            yield Cluster(kubeconfig=kubeconfig, access=plane.outside, plane=plane)
        finally:
            plane.stop()


def read_access(kubeconfig: Path) -> Access:
    """Return the address and the authority of a kubeconfig's current cluster.

    Raises
    ------
    ClusterError
        If it names none, or asks for the certificate not to be looked at.
    """
    document = yaml.safe_load(kubeconfig.read_text())
    context = _named(document, "contexts", document.get("current-context"))["context"]
    cluster = _named(document, "clusters", context["cluster"])["cluster"]
    if cluster.get("insecure-skip-tls-verify"):
        message = f"{kubeconfig} skips the check of the server's certificate; name its authority"
        raise ClusterError(message)
    return Access(server=cluster["server"], authority=_authority(kubeconfig, cluster))


def _authority(kubeconfig: Path, cluster: dict[str, Any]) -> str:
    if "certificate-authority-data" in cluster:
        return base64.b64decode(str(cluster["certificate-authority-data"])).decode()
    if "certificate-authority" in cluster:
        return (kubeconfig.parent / str(cluster["certificate-authority"])).read_text()
    message = f"{kubeconfig} names no certificate authority of its cluster"
    raise ClusterError(message)


def _named(document: dict[str, Any], section: str, name: object) -> dict[str, Any]:
    for each in document.get(section) or ():
        if each["name"] == name:
            found: dict[str, Any] = each
            return found
    message = f"the kubeconfig has no entry {name!r} in {section}"
    raise ClusterError(message)
