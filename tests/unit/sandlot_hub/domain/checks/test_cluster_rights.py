from __future__ import annotations

import pytest
import yaml

from sandlot_hub.domain.checks.cluster_rights import (
    Right,
    autoscaler_right,
    hub_rights,
    in_words,
    offers_rights,
)
from sandlot_hub.domain.settings.cluster import ClusterSettings
from support.cluster.namespaces import offers_roles, rights, shipped_roles
from support.house import ROOT


@pytest.mark.parametrize("homes", [True, False])
def test_what_is_asked_for_is_what_the_shipped_roles_give(homes: bool) -> None:
    asked = hub_rights(claims=homes, events=True)
    given = rights(shipped_roles(homes=homes))
    assert {(right.verb, right.resource) for right in asked} == given


@pytest.mark.parametrize(
    ("claims", "events", "resources"),
    [
        pytest.param(True, True, {"pods", "persistentvolumeclaims", "events"}, id="all"),
        pytest.param(False, True, {"pods", "events"}, id="homes elsewhere"),
        pytest.param(True, False, {"pods", "persistentvolumeclaims"}, id="no events"),
    ],
)
def test_only_what_is_used_is_asked_for(claims: bool, events: bool, resources: set[str]) -> None:
    asked = hub_rights(claims=claims, events=events)

    assert {right.resource for right in asked} == resources


@pytest.mark.parametrize("devices", [True, False])
def test_what_the_offers_service_asks_for_is_what_its_shipped_roles_give(devices: bool) -> None:
    asked = {(right.verb, right.resource) for right in offers_rights(devices=devices)}

    assert asked == rights(offers_roles("hub", devices=devices))


def test_the_groups_of_what_it_asks_for_are_those_of_its_shipped_roles() -> None:
    given = {
        (group, resource)
        for role, _ in offers_roles("hub", devices=True)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }

    assert {(right.group, right.resource) for right in offers_rights(devices=True)} == given


def test_what_it_asks_of_an_autoscaler_is_what_the_shipped_role_gives() -> None:
    role, _ = yaml.safe_load_all((ROOT / "config/kubernetes/autoscaler.yaml").read_text())
    status = ClusterSettings().autoscaler_status

    right = autoscaler_right(status)

    assert right.namespace == role["metadata"]["namespace"]
    assert [
        {
            "apiGroups": [right.group],
            "resources": [right.resource],
            "resourceNames": [right.name],
            "verbs": [right.verb],
        }
    ] == role["rules"]


def test_rights_are_told_as_roles_group_them() -> None:
    lacking = [Right(verb="list", resource="nodes"), *offers_rights(devices=False)[2:]]

    assert in_words(lacking) == "list nodes; list, watch pods"
