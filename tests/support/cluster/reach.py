"""Who may reach whom, by the NetworkPolicies of a cluster.

The rules are those of the API's reference (`NetworkPolicySpec`): policies only ever allow; a pod
that no policy selects is open; what replies needs no rule. Nothing here knows what ours look like.
A field that this does not know is an error, and never nothing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Document = dict[str, Any]

_NAMESPACE = "kubernetes.io/metadata.name"
"""Label that the API server gives to every namespace."""
_FIELDS = {
    "spec": {"podSelector", "policyTypes", "ingress", "egress"},
    "rule": {"from", "to", "ports"},
    "peer": {"podSelector", "namespaceSelector", "ipBlock"},
    "port": {"port", "protocol", "endPort"},
    "selector": {"matchLabels", "matchExpressions"},
}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A pod as policies see it, or with an address alone something outside the cluster."""

    name: str
    namespace: str = ""
    """Empty when it is no pod."""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports that a rule opens."""

    protocol: str = ""
    """Empty for all ports of all protocols."""
    first: int = 1
    last: int = 65535

    def cover(self, port: int, protocol: str) -> bool:
        """Return whether a port is among them."""
        return self.protocol in {"", protocol} and self.first <= port <= self.last


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What one rule lets through."""

    peer: Document | None
    """None is everybody."""
    namespace: str
    """Of the policy."""
    ports: Ports


class Policies:
    """The NetworkPolicies of a cluster.

    Parameters
    ----------
    documents
        As the API writes them.
    namespaces
        Labels of each namespace, besides the one with its name.
    """

    def __init__(
        self,
        documents: Iterable[Document],
        *,
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._all = [*documents]
        self._namespaces = namespaces or {}

    def allow(
        self, source: Endpoint, target: Endpoint, port: int, *, protocol: str = "TCP"
    ) -> bool:
        """Return whether a connection may be opened: the source may leave, the target be reached."""
        if source == target:
            return True
        ways = ((target, source, "Ingress"), (source, target, "Egress"))
        return all(
            openings is None
            or any(
                opening.ports.cover(port, protocol) and self.lets(opening, other)
                for opening in openings
            )
            for mine, other, way in ways
            for openings in [self.openings(mine, way)]
        )

    def openings(self, pod: Endpoint, way: str) -> list[Opening] | None:
        """Return all that a pod is open for; None when no policy closes it.

        Parameters
        ----------
        pod
            Whose.
        way
            ``Ingress`` or ``Egress``.
        """
        closing = [each for each in self._all if self._closes(each, pod, way)]
        return [made for each in closing for made in _openings(each, way)] if closing else None

    def lets(self, opening: Opening, other: Endpoint) -> bool:
        """Return whether somebody is among those that a rule lets through."""
        peer = opening.peer
        if peer is None:
            return True
        _known("peer", peer)
        if (block := peer.get("ipBlock")) is not None:
            return bool(other.address) and _in_block(block, other.address)
        if not other.namespace:
            return False
        if (chosen := peer.get("namespaceSelector")) is None:
            there = other.namespace == opening.namespace
        else:
            labels = {**self._namespaces.get(other.namespace, {}), _NAMESPACE: other.namespace}
            there = selects(chosen, labels)
        return there and selects(peer.get("podSelector") or {}, other.labels)

    def _closes(self, policy: Document, pod: Endpoint, way: str) -> bool:
        spec = policy["spec"]
        _known("spec", spec)
        ways = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        here = policy["metadata"]["namespace"] == pod.namespace
        return here and way in ways and selects(spec.get("podSelector") or {}, pod.labels)


def selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector selects these labels; an empty one selects all."""
    _known("selector", selector)
    wanted = selector.get("matchLabels") or {}
    asked = selector.get("matchExpressions") or []
    return wanted.items() <= dict(labels).items() and all(_meets(each, labels) for each in asked)


def _meets(asked: Document, labels: Mapping[str, str]) -> bool:
    has, value = asked["key"] in labels, labels.get(asked["key"])
    match asked["operator"]:
        case "In":
            return value in asked["values"]
        case "NotIn":
            return value not in asked["values"]
        case "Exists":
            return has
        case "DoesNotExist":
            return not has
        case _:
            raise ValueError(asked["operator"])


def _openings(policy: Document, way: str) -> Iterator[Opening]:
    rules, peers = ("ingress", "from") if way == "Ingress" else ("egress", "to")
    for rule in policy["spec"].get(rules) or ():
        _known("rule", rule)
        for peer in rule.get(peers) or (None,):
            for ports in _ports(rule.get("ports") or ()):
                yield Opening(peer=peer, namespace=policy["metadata"]["namespace"], ports=ports)


def _ports(documents: Sequence[Document]) -> Iterator[Ports]:
    if not documents:
        yield Ports()
    for each in documents:
        _known("port", each)
        protocol = each.get("protocol", "TCP")
        if "port" not in each:
            yield Ports(protocol=protocol)
            continue
        if not isinstance(each["port"], int):
            message = f"ports by name are not known here: {each['port']}"
            raise TypeError(message)
        last = each.get("endPort", each["port"])
        yield Ports(first=each["port"], last=last, protocol=protocol)


def _in_block(block: Document, address: str) -> bool:
    asked = ipaddress.ip_address(address)
    inside = asked in ipaddress.ip_network(block["cidr"])
    return inside and all(
        asked not in ipaddress.ip_network(each) for each in block.get("except") or ()
    )


def _known(what: str, document: Document) -> None:
    if unknown := document.keys() - _FIELDS[what]:
        message = f"the {what} of a NetworkPolicy has fields that are not known here: {unknown}"
        raise ValueError(message)
