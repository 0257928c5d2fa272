"""The part of ``sandlot check`` that looks at a cluster."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.domain.checks.cluster import Finding, account_findings, not_looked_at
from sandlot_hub.domain.checks.cluster_nodes import node_findings

if TYPE_CHECKING:
    from pathlib import Path

    from sandlot_hub.domain.settings.model import SandlotSettings

_NOT_INSTALLED = (
    "To look at a cluster takes what a hub on Kubernetes has. Next: pip install 'sandlot[kube]'."
)


@dataclass(frozen=True, kw_only=True)
class ClusterReport:
    """What was found in a cluster."""

    error: str = ""
    """Why it could not be looked at; empty when it was."""
    server: str = ""
    version: str = ""
    account: str = ""
    """As whom it was looked at."""
    namespace: str = ""
    node_count: int | None = None
    findings: list[Finding] = field(default_factory=list)
    closed: tuple[str, ...] = ()
    """Sentences about what the account may not look at."""

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "ok": not self.error,
            "error": self.error or None,
            "server": self.server,
            "version": self.version,
            "account": self.account,
            "namespace": self.namespace,
            "nodes": self.node_count,
            "problems": [dataclasses.asdict(each) for each in self.findings],
            "not_looked_at": [*self.closed],
        }


def check_cluster(
    settings: SandlotSettings, *, credentials: Path | None, namespace: str
) -> ClusterReport:
    """Compare settings with a cluster; nothing is made or changed in it.

    Parameters
    ----------
    settings
        What is offered.
    credentials
        A kubeconfig, or a folder as the Secret of a service account is mounted; what `kubectl`
        would use when None.
    namespace
        Of the servers; that of the credentials when empty.
    """
    try:
        # Needs the extra `kube`.
        from sandlot_hub.adapters.cluster_access import ClusterAccessError  # noqa: PLC0415
        from sandlot_hub.adapters.cluster_look import (  # noqa: PLC0415
            ClusterLookError,
            look_at_cluster,
        )
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "kubernetes_asyncio":
            raise
        return ClusterReport(error=_NOT_INSTALLED)
    try:
        look = asyncio.run(
            look_at_cluster(
                settings, credentials=credentials, namespace=namespace, clock=SystemClock()
            )
        )
    except (ClusterAccessError, ClusterLookError) as error:
        return ClusterReport(error=str(error))
    facts = look.facts
    nodes = facts.nodes
    about_nodes = () if nodes is None else node_findings(settings, nodes)
    return ClusterReport(
        server=look.server,
        version=look.version,
        account=facts.account,
        namespace=facts.namespace,
        node_count=None if nodes is None else len(nodes),
        findings=[*account_findings(facts), *about_nodes],
        closed=not_looked_at(facts),
    )


def print_cluster(report: ClusterReport) -> None:
    """Tell a person: what was found on standard output, what is wrong on standard error."""
    if report.error:
        print(report.error, file=sys.stderr)
        return
    version = f" (Kubernetes {report.version})" if report.version else ""
    count = report.node_count
    nodes = "" if count is None else f", {count} node{'s' * (count != 1)}"
    print(f"The cluster at {report.server}{version}{nodes}, as {report.account or 'somebody'}:")
    for each in report.findings:
        path = f"{each.path}: " if each.path else ""
        text = f"Warning: {path}{each.message} Next: {each.next_step} ({each.code})"
        print(text, file=sys.stderr)
    for closed in report.closed:
        print(f"Not looked at: {closed}")
    if not report.findings:
        print(f"Nothing is wrong for servers in the namespace {report.namespace}.")
