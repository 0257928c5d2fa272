from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.checks.cluster import (
    ClusterFacts,
    Finding,
    Reference,
    Role,
    Sight,
    account_findings,
    not_looked_at,
    references,
    rights_to_ask,
    role_of,
)
from sandlot_hub.domain.checks.cluster_rights import Right, autoscaler_right
from sandlot_hub.domain.settings.model import SandlotSettings

HUB = "system:serviceaccount:people:hub"
OFFERS = "system:serviceaccount:hub:sandlot-offers"
SHARED = Reference(path="kubernetes.shared_folder.claim", kind="PersistentVolumeClaim", name="all")
CLASS = Reference(
    path="kubernetes.priority_class", kind="PriorityClass", name="p", namespaced=False
)


def settings(flavor: dict[str, Any] | None = None, **kubernetes: Any) -> SandlotSettings:
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {"base": {"display_name": "Base", "reference": "registry/base:1"}},
            "accelerators": {"gpu": {"display_name": "GPU", "kubernetes": flavor or {}}},
            "sizes": {"small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"}},
            "profiles": {"w": {"display_name": "W", "images": ["base"], "sizes": ["small"]}},
            "kubernetes": kubernetes,
        }
    )


def facts(**changes: Any) -> ClusterFacts:
    return ClusterFacts(
        **{"account": HUB, "namespace": "people", "objects": {}, "nodes": (), **changes}
    )


@pytest.mark.parametrize(
    ("account", "role"),
    [
        pytest.param("kubernetes-admin", Role.ADMINISTRATOR, id="a person"),
        pytest.param("", Role.ADMINISTRATOR, id="not known"),
        pytest.param("system:serviceaccount:people:sandlot-hub", Role.HUB, id="ours"),
        pytest.param(HUB, Role.HUB, id="that of zero-to-jupyterhub"),
        pytest.param(OFFERS, Role.OFFERS, id="offers"),
        pytest.param("x:sandlot-offers", Role.ADMINISTRATOR, id="a person of that name"),
    ],
)
def test_what_an_account_is_for(account: str, role: Role) -> None:
    assert role_of(account) is role


@pytest.mark.parametrize(
    ("role", "flavor", "homes", "resources", "where"),
    [
        pytest.param(Role.ADMINISTRATOR, {}, {}, set(), "", id="nothing of an administrator"),
        pytest.param(Role.OFFERS, {}, {}, {"nodes", "pods"}, "", id="offers"),
        pytest.param(
            Role.OFFERS,
            {"claim_template": "one", "devices": {"driver": "d.example.com"}},
            {},
            {"nodes", "pods", "resourceslices", "resourceclaims"},
            "",
            id="offers, with devices",
        ),
        pytest.param(
            Role.OFFERS,
            {"node_groups": {"l4": 1}},
            {},
            {"nodes", "pods", "configmaps"},
            "",
            id="offers, with node groups",
        ),
        pytest.param(
            Role.HUB,
            {},
            {"homes": {"kind": "claim"}},
            {"pods", "events", "persistentvolumeclaims"},
            "people",
            id="hub",
        ),
        pytest.param(
            Role.HUB,
            {},
            {"homes": {"kind": "none"}},
            {"pods", "events"},
            "people",
            id="hub without homes",
        ),
    ],
)
def test_what_is_asked_for(
    role: Role, flavor: dict[str, Any], homes: dict[str, Any], resources: set[str], where: str
) -> None:
    asked, namespace = rights_to_ask(role, settings(flavor, **homes), "people")

    assert {right.resource for right in asked} == resources
    assert namespace == where


def test_every_object_that_settings_name_is_looked_for() -> None:
    found = references(
        settings(
            {"runtime_class": "nvidia", "claim_template": "one"},
            homes={"kind": "folder", "claim": "files"},
            shared_folder={"claim": "all"},
            data_volumes={"sky": {"claim": "sky", "mount_path": "/sky"}},
            image_pull_secrets=["registry"],
            priority_class="people",
        )
    )

    assert {(each.path, each.kind, each.name, each.namespaced) for each in found} == {
        ("kubernetes.homes.claim", "PersistentVolumeClaim", "files", True),
        ("kubernetes.shared_folder.claim", "PersistentVolumeClaim", "all", True),
        ("kubernetes.data_volumes.sky.claim", "PersistentVolumeClaim", "sky", True),
        ("kubernetes.image_pull_secrets.0", "Secret", "registry", True),
        ("kubernetes.priority_class", "PriorityClass", "people", False),
        ("accelerators.gpu.kubernetes.runtime_class", "RuntimeClass", "nvidia", False),
        ("accelerators.gpu.kubernetes.claim_template", "ResourceClaimTemplate", "one", True),
    }


@pytest.mark.parametrize(
    ("homes", "found"),
    [
        pytest.param({"kind": "claim", "storage_class": "fast"}, ["fast"], id="named"),
        pytest.param({"kind": "claim"}, [], id="the default of the cluster"),
        pytest.param({"kind": "none"}, [], id="no homes"),
    ],
)
def test_a_storage_class_is_looked_for_where_one_is_named(
    homes: dict[str, Any], found: list[str]
) -> None:
    assert [each.name for each in references(settings(homes=homes))] == found


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param({"skew_s": 61.0}, "clock-skew", "61 s ahead of the one here", id="ahead"),
        pytest.param({"skew_s": -90.4}, "clock-skew", "90 s behind the one here", id="behind"),
        pytest.param(
            {"missing": (Right(verb="create", resource="pods"),)},
            "rights-missing",
            f"{HUB} may not create pods in the namespace people",
            id="rights of the hub",
        ),
        pytest.param(
            {"missing": (Right(verb="watch", resource="nodes"),), "account": OFFERS},
            "rights-missing",
            f"{OFFERS} may not watch nodes in the whole cluster",
            id="rights of the offers service",
        ),
        pytest.param(
            {"missing": (autoscaler_right("tools/status"),), "account": OFFERS},
            "rights-missing",
            f"{OFFERS} may not get configmaps status in the namespace tools: nobody is told by",
            id="rights to one object",
        ),
        pytest.param(
            {"objects": {SHARED: Sight.MISSING}},
            "object-missing",
            "no PersistentVolumeClaim all in the namespace people",
            id="an object of the namespace",
        ),
        pytest.param(
            {"objects": {CLASS: Sight.MISSING}},
            "object-missing",
            "There is no PriorityClass p: servers",
            id="an object of the cluster",
        ),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], code: str, words: str) -> None:
    (found,) = account_findings(facts(**changes))

    assert isinstance(found, Finding)
    assert found.code == code
    assert words in found.message
    assert found.next_step.endswith(".")


@pytest.mark.parametrize("skew_s", [None, 0.0, 60.0, -60.0])
def test_what_is_right(skew_s: float | None) -> None:
    seen = {SHARED: Sight.THERE, CLASS: Sight.CLOSED}

    assert [*account_findings(facts(skew_s=skew_s, objects=seen))] == []


def test_what_an_account_may_not_look_at_is_told() -> None:
    found = not_looked_at(facts(nodes=None, objects={SHARED: Sight.CLOSED, CLASS: Sight.THERE}))

    nodes, objects = found
    assert "may not list nodes" in nodes
    assert objects == "PersistentVolumeClaim all: this account may not read them."
    assert not_looked_at(facts()) == ()
