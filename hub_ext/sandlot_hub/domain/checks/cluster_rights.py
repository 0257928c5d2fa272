"""What accounts of Sandlot may do in a cluster: what their shipped roles give."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PODS = ("get", "list", "watch", "create", "delete")
CLAIMS = ("get", "create", "delete")
EVENTS = ("list", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing that may be done with one kind of object."""

    verb: str
    resource: str
    group: str = ""
    """API group of the resource; the core one when empty."""
    namespace: str = ""
    """Where, if it is needed elsewhere than the others."""
    name: str = ""
    """Of the only object that it is needed for; all of them when empty."""


def offers_rights(*, devices: bool) -> tuple[Right, ...]:
    """Return what the offers service needs in the whole cluster.

    Parameters
    ----------
    devices
        Whether it counts devices that are claimed.
    """
    kinds = [("", "nodes"), ("", "pods")]
    if devices:
        kinds += [("resource.k8s.io", "resourceslices"), ("resource.k8s.io", "resourceclaims")]
    return tuple(
        Right(verb=verb, resource=resource, group=group)
        for group, resource in kinds
        for verb in ("list", "watch")
    )


def autoscaler_right(config_map: str) -> Right:
    """Return what the offers service needs to read what an autoscaler tells.

    Parameters
    ----------
    config_map
        Where it tells it: namespace and name.
    """
    namespace, _, name = config_map.partition("/")
    return Right(verb="get", resource="configmaps", namespace=namespace, name=name)


def hub_rights(*, claims: bool, events: bool) -> tuple[Right, ...]:
    """Return what the hub's account needs in the namespace of the servers.

    Parameters
    ----------
    claims
        Whether homes are on claims that the hub makes.
    events
        Whether it looks at events, which say why a server does not start.
    """
    needed = {
        "pods": PODS,
        "persistentvolumeclaims": CLAIMS if claims else (),
        "events": EVENTS if events else (),
    }
    return tuple(
        Right(verb=verb, resource=resource) for resource, verbs in needed.items() for verb in verbs
    )


def in_words(rights: Iterable[Right]) -> str:
    """Return rights as roles group them: ``list, watch nodes; get pods``."""
    by_resource = groupby(rights, key=lambda right: right.resource)
    return "; ".join(
        f"{', '.join(right.verb for right in several)} {resource}"
        for resource, several in by_resource
    )
