"""What settings ask of a cluster, compared with what that cluster is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.cluster import ClaimHome, FolderHome

from .cluster_rights import Right, autoscaler_right, hub_rights, in_words, offers_rights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandlot_hub.domain.capacity.cluster_records import NodeRecord
    from sandlot_hub.domain.settings.model import SandlotSettings

SKEW_S = 60.0
"""Clocks may differ by so much: ages that people are told are right to the minute."""
_OFFERS_ACCOUNT = ":sandlot-offers"
_SERVICE_ACCOUNT = "system:serviceaccount:"
_CLAIM = "PersistentVolumeClaim"


class Role(StrEnum):
    """What the account is that the cluster was looked at with."""

    HUB = "hub"
    OFFERS = "offers"
    ADMINISTRATOR = "administrator"


class Sight(StrEnum):
    """What is known of an object that settings name."""

    THERE = "there"
    MISSING = "missing"
    CLOSED = "closed"
    """The account may not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An object of the cluster that settings name."""

    path: str
    """Dotted path in the settings."""
    kind: str
    name: str
    namespaced: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What was found out about a cluster."""

    account: str
    """Its name for the account that was used; empty when it does not say."""
    namespace: str
    """Of the servers."""
    skew_s: float | None = None
    """By how much its clock is ahead of this one, in seconds."""
    nodes: tuple[NodeRecord, ...] | None = None
    """None: they could not be looked at."""
    missing: tuple[Right, ...] = ()
    """Of `rights_to_ask`."""
    objects: Mapping[Reference, Sight]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that somebody should look at."""

    code: str
    path: str
    """Dotted path in the settings; empty when it is none of theirs."""
    message: str
    next_step: str


def role_of(account: str) -> Role:
    """Return what an account is for, by the name that the cluster has for it."""
    if not account.startswith(_SERVICE_ACCOUNT):
        return Role.ADMINISTRATOR
    return Role.OFFERS if account.endswith(_OFFERS_ACCOUNT) else Role.HUB


def rights_to_ask(role: Role, settings: SandlotSettings, namespace: str) -> tuple[list[Right], str]:
    """Return what an account needs, and in which namespace; an empty one is the whole cluster.

    Parameters
    ----------
    role
        What it is for. An administrator has what others need.
    settings
        What is offered.
    namespace
        Of the servers.
    """
    if role is Role.HUB:
        claims = isinstance(settings.kubernetes.homes, ClaimHome)
        return [*hub_rights(claims=claims, events=True)], namespace
    if role is not Role.OFFERS:
        return [], ""
    flavors = settings.accelerators.values()
    devices = any(flavor.kubernetes.devices is not None for flavor in flavors)
    asked = [*offers_rights(devices=devices)]
    if any(flavor.kubernetes.node_groups for flavor in flavors):
        asked.append(autoscaler_right(settings.kubernetes.autoscaler_status))
    return asked, ""


def references(settings: SandlotSettings) -> tuple[Reference, ...]:
    """Return the objects that have to be there before the first server can start."""
    return tuple(_references(settings))


def _references(settings: SandlotSettings) -> Iterator[Reference]:
    cluster = settings.kubernetes
    homes = cluster.homes
    if isinstance(homes, ClaimHome) and homes.storage_class is not None:
        path, name = "kubernetes.homes.storage_class", homes.storage_class
        yield Reference(path=path, kind="StorageClass", name=name, namespaced=False)
    if isinstance(homes, FolderHome):
        yield Reference(path="kubernetes.homes.claim", kind=_CLAIM, name=homes.claim)
    if cluster.shared_folder is not None:
        claim = cluster.shared_folder.claim
        yield Reference(path="kubernetes.shared_folder.claim", kind=_CLAIM, name=claim)
    for slug, volume in cluster.data_volumes.items():
        path = f"kubernetes.data_volumes.{slug}.claim"
        yield Reference(path=path, kind=_CLAIM, name=volume.claim)
    for number, name in enumerate(cluster.image_pull_secrets):
        path = f"kubernetes.image_pull_secrets.{number}"
        yield Reference(path=path, kind="Secret", name=name)
    if cluster.priority_class is not None:
        path, name = "kubernetes.priority_class", cluster.priority_class
        yield Reference(path=path, kind="PriorityClass", name=name, namespaced=False)
    for slug, flavor in settings.accelerators.items():
        where, path = flavor.kubernetes, f"accelerators.{slug}.kubernetes"
        if where.runtime_class is not None:
            yield Reference(
                path=f"{path}.runtime_class",
                kind="RuntimeClass",
                name=where.runtime_class,
                namespaced=False,
            )
        if where.claim_template is not None:
            yield Reference(
                path=f"{path}.claim_template",
                kind="ResourceClaimTemplate",
                name=where.claim_template,
            )


def account_findings(facts: ClusterFacts) -> Iterator[Finding]:
    """Yield what is wrong with the clock, the rights and the objects that settings name."""
    if facts.skew_s is not None and abs(facts.skew_s) > SKEW_S:
        way = "ahead of" if facts.skew_s > 0 else "behind"
        yield Finding(
            code="clock-skew",
            path="",
            message=(
                f"The clock of the API server is {abs(facts.skew_s):.0f} s {way} the one here: "
                "tokens may be refused, and people are told wrong ages."
            ),
            next_step="let both follow the same time servers.",
        )
    missing = [right for right in facts.missing if not right.name]
    if missing:
        yield _missing_rights(facts, in_words(missing))
    for right in facts.missing:
        if right.name:
            yield _missing_object_right(facts.account, right)
    for each, sight in facts.objects.items():
        if sight is Sight.MISSING:
            where = f" in the namespace {facts.namespace}" if each.namespaced else ""
            yield Finding(
                code="object-missing",
                path=each.path,
                message=f"There is no {each.kind} {each.name}{where}: servers will not start.",
                next_step="make it, or correct the name.",
            )


def _missing_object_right(account: str, right: Right) -> Finding:
    return Finding(
        code="rights-missing",
        path="kubernetes.autoscaler_status",
        message=(
            f"{account} may not {in_words([right])} {right.name} in the namespace "
            f"{right.namespace}: nobody is told by the autoscaler what may be added."
        ),
        next_step="config/kubernetes/autoscaler.yaml has the Role; apply it.",
    )


def _missing_rights(facts: ClusterFacts, lacking: str) -> Finding:
    if role_of(facts.account) is Role.OFFERS:
        return Finding(
            code="rights-missing",
            path="",
            message=(
                f"{facts.account} may not {lacking} in the whole cluster: nobody is told what is "
                "free."
            ),
            next_step="config/kubernetes/offers.yaml has the ClusterRole; apply it.",
        )
    return Finding(
        code="rights-missing",
        path="",
        message=(
            f"{facts.account} may not {lacking} in the namespace {facts.namespace}: servers will "
            "not start, or nobody is told why."
        ),
        next_step="config/kubernetes/rbac.yaml has the Roles; apply it there.",
    )


def not_looked_at(facts: ClusterFacts) -> tuple[str, ...]:
    """Return what this account could not look at, in sentences."""
    found = []
    if facts.nodes is None:
        found.append(
            "The nodes, and so whether every accelerator and every size has one: this account may "
            "not list nodes. Next: name the kubeconfig of one that may, such as sandlot-offers."
        )
    closed = [f"{each.kind} {each.name}" for each, sight in facts.objects.items() if _shut(sight)]
    if closed:
        found.append(f"{', '.join(closed)}: this account may not read them.")
    return tuple(found)


def _shut(sight: Sight) -> bool:
    return sight is Sight.CLOSED
