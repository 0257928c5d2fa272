"""The rules of NetworkPolicies, one by one, as the API's reference tells them."""

from __future__ import annotations

from typing import Any

import pytest

from support.cluster.reach import Endpoint, Policies

WEB = Endpoint(name="web", namespace="here", labels={"app": "web"}, address="10.0.0.1")
SHOP = Endpoint(name="shop", namespace="here", labels={"app": "shop"}, address="10.0.0.2")
FAR = Endpoint(name="far", namespace="there", labels={"app": "shop"}, address="10.0.0.3")
OUTSIDE = Endpoint(name="outside", address="192.0.2.7")

SHOPS = {"podSelector": {"matchLabels": {"app": "shop"}}}
THERE = {"namespaceSelector": {"matchLabels": {"team": "there"}}}
BLOCK = {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.128/25"]}}


def policy(
    *ingress: dict[str, Any], chosen: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """Return a policy for the pods `web`."""
    selector = {"matchLabels": {"app": "web"}} if chosen is None else chosen
    return {
        "metadata": {"name": "policy", "namespace": "here"},
        "spec": {
            "podSelector": selector,
            "policyTypes": ["Ingress"],
            "ingress": [*ingress],
            **spec,
        },
    }


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    found = {"key": key, "operator": operator, **({"values": [*values]} if values else {})}
    return {"podSelector": {"matchExpressions": [found]}}


@pytest.mark.parametrize(
    ("policies", "source", "port", "allowed"),
    [
        pytest.param([], OUTSIDE, 80, True, id="no-policy"),
        pytest.param([policy(chosen={"matchLabels": {"app": "other"}})], SHOP, 80, True, id="other"),
        pytest.param([policy()], SHOP, 80, False, id="closed"),
        pytest.param([policy(chosen={})], SHOP, 80, False, id="all-pods-closed"),
        pytest.param([policy()], WEB, 80, True, id="itself"),
        pytest.param([policy({})], OUTSIDE, 80, True, id="an-empty-rule-is-everybody"),
        pytest.param([policy({"from": []})], OUTSIDE, 80, True, id="empty-peers-are-everybody"),
        pytest.param([policy({"from": [SHOPS]})], SHOP, 80, True, id="by-labels"),
        pytest.param([policy({"from": [SHOPS]})], FAR, 80, False, id="of-its-own-namespace-only"),
        pytest.param([policy({"from": [THERE]})], FAR, 80, True, id="all-pods-of-a-namespace"),
        pytest.param([policy({"from": [THERE]})], SHOP, 80, False, id="not-of-another-one"),
        pytest.param([policy({"from": [SHOPS | THERE]})], FAR, 80, True, id="both-of-one-peer"),
        pytest.param([policy({"from": [SHOPS | THERE]})], SHOP, 80, False, id="one-is-too-few"),
        pytest.param([policy({"from": [SHOPS, THERE]})], SHOP, 80, True, id="either-of-two-peers"),
        pytest.param([policy({"from": [BLOCK]})], OUTSIDE, 80, True, id="by-address"),
        pytest.param([policy({"from": [BLOCK]})], SHOP, 80, False, id="another-address"),
        pytest.param([policy({"from": [{"podSelector": {}}]})], OUTSIDE, 80, False, id="no-pod"),
        pytest.param([policy({"ports": [{"port": 80}]})], SHOP, 80, True, id="its-port"),
        pytest.param([policy({"ports": [{"port": 80}]})], SHOP, 81, False, id="another-port"),
        pytest.param(
            [policy({"ports": [{"port": 80, "endPort": 90}]})], SHOP, 90, True, id="up-to-the-end"
        ),
        pytest.param(
            [policy({"ports": [{"port": 80, "protocol": "UDP"}]})], SHOP, 80, False, id="protocol"
        ),
        pytest.param(
            [policy({"from": [SHOPS], "ports": [{"port": 80}]}, {"from": [THERE]})],
            SHOP, 81, False, id="rules-are-not-mixed",
        ),
        pytest.param([policy(), policy({"from": [SHOPS]})], SHOP, 80, True, id="policies-add-up"),
        pytest.param(
            [policy({"from": [expression("app", "In", "shop", "bar")]})], SHOP, 80, True, id="in"
        ),
        pytest.param(
            [policy({"from": [expression("app", "NotIn", "shop")]})], SHOP, 80, False, id="not-in"
        ),
        pytest.param(
            [policy({"from": [expression("new", "NotIn", "yes")]})], SHOP, 80, True, id="has-none"
        ),
        pytest.param([policy({"from": [expression("app", "Exists")]})], SHOP, 80, True, id="has"),
        pytest.param(
            [policy({"from": [expression("app", "DoesNotExist")]})], SHOP, 80, False, id="has-not"
        ),
        pytest.param(
            [policy(chosen={"matchLabels": {"app": "shop"}}, policyTypes=["Egress"])],
            SHOP, 80, False, id="the-source-may-not-leave",
        ),
        pytest.param(
            [
                policy(
                    chosen={"matchLabels": {"app": "shop"}},
                    policyTypes=["Egress"],
                    egress=[{"to": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
                )
            ],
            SHOP, 80, True, id="the-source-may-leave-for-it",
        ),
    ],
)  # fmt: skip
def test_a_rule(policies: list[dict[str, Any]], source: Endpoint, port: int, allowed: bool) -> None:
    found = Policies(policies, namespaces={"there": {"team": "there"}})

    assert found.allow(source, WEB, port) is allowed


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(policy(newer=1), id="of-a-policy"),
        pytest.param(policy({"newer": 1}), id="of-a-rule"),
        pytest.param(policy({"from": [{"newer": {}}]}), id="of-a-peer"),
        pytest.param(policy({"ports": [{"newer": 1}]}), id="of-a-port"),
        pytest.param(policy(chosen={"newer": {}}), id="of-a-selector"),
    ],
)
def test_what_it_does_not_know_is_an_error(unknown: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="newer"):
        Policies([unknown]).allow(SHOP, WEB, 80)


def test_a_port_by_name_is_an_error() -> None:
    with pytest.raises(TypeError, match="http"):
        Policies([policy({"ports": [{"port": "http"}]})]).allow(SHOP, WEB, 80)
