from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.check import check_manifest
from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.plan import build_pod_parts
from sandlot_hub.domain.settings.pod_parts import RESTRICTED_CONTAINER
from support.catalogue import GIB
from support.manifests import (
    as_the_chart_sets_it,
    kubespawner_container,
    kubespawner_manifest,
)
from support.pods import FLAVORS, a_request, cluster

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.plan import PodRequest
    from support.golden import Golden

EVERYTHING: dict[str, Any] = {
    "shared_folder": {"claim": "shared"},
    "data_volumes": {"maps": {"claim": "maps", "mount_path": "/data/maps"}},
    "image_pull_secrets": ["registry", "other"],
    "image_pull_policy": "Never",
    "priority_class": "ours",
    "environment": {"TZ": "Europe/Oslo", "PRICE": "5 $(USD)"},
}
VARIABLES = ("MEM", "PASSWORD")


def _complete(
    document: dict[str, Any], request: PodRequest | None = None, **sections: Any
) -> dict[str, Any]:
    parts = build_pod_parts(request or a_request(), cluster(**sections))
    admin = read_admin_parts(document, variables=VARIABLES)
    found = complete_manifest(document, parts, admin)
    assert check_manifest(found, name="jupyter-ann", parts=parts, admin=admin) == ()
    return found


def _server(manifest: dict[str, Any]) -> dict[str, Any]:
    server: dict[str, Any] = manifest["spec"]["containers"][0]
    return server


def test_a_manifest_of_the_defaults(golden: Golden) -> None:
    golden.check("manifest-cpu", _complete(kubespawner_manifest()))


@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_manifest_with_accelerators(flavor: str, golden: Golden) -> None:
    request = a_request(flavor=flavor, count=2)
    golden.check(f"manifest-{flavor}", _complete(kubespawner_manifest(), request))


@pytest.mark.parametrize(
    ("name", "homes"),
    [
        ("claim-per-server", {"kind": "claim", "per": "server"}),
        ("folder", {"kind": "folder", "claim": "homes", "per": "server"}),
        ("none", {"kind": "none"}),
    ],
)
def test_a_manifest_with_homes(name: str, homes: dict[str, Any], golden: Golden) -> None:
    request = a_request(server_name="lab")
    found = _complete(kubespawner_manifest(), request, homes=homes)
    golden.check(f"manifest-home-{name}", found)


def test_a_manifest_on_the_charts_options(golden: Golden) -> None:
    request = a_request(flavor="whole")
    golden.check("manifest-chart", _complete(as_the_chart_sets_it(), request, **EVERYTHING))


def test_what_the_administrator_set_holds() -> None:
    theirs = as_the_chart_sets_it()
    found = _complete(theirs, a_request(flavor="whole"), **EVERYTHING)
    spec, server = found["spec"], _server(found)
    for field in ("initContainers", "priorityClassName", "serviceAccountName"):
        assert spec[field] == theirs["spec"][field]
    assert spec["automountServiceAccountToken"] is True
    assert spec["nodeSelector"] == {
        "hub.jupyter.org/node-purpose": "user",
        "nvidia.com/gpu.product": "NVIDIA-L4",
    }
    assert spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "other"}]
    assert spec["containers"][1] == theirs["spec"]["containers"][1]
    assert server["imagePullPolicy"] == "Always"
    assert server["resources"]["limits"]["example.org/slots"] == 1
    homes = [mount for mount in server["volumeMounts"] if mount["mountPath"] == "/home/jovyan"]
    assert homes == [{"name": "volume-ann", "mountPath": "/home/jovyan"}]


def test_what_the_person_chose_is_the_plans() -> None:
    server = _server(_complete(as_the_chart_sets_it(), a_request(flavor="whole", count=2)))
    assert server["image"] == "registry/torch:2"
    assert server["resources"]["requests"] == {"cpu": 3.5, "memory": 16 * GIB}
    assert server["resources"]["limits"]["nvidia.com/gpu"] == 2


def test_variables_arrive_as_they_are() -> None:
    theirs = as_the_chart_sets_it()
    theirs["spec"]["containers"][0]["env"][0]["value"] = "$(JUPYTERHUB_API_TOKEN)"
    env = _server(_complete(theirs, **EVERYTHING))["env"]
    assert env == [
        {"name": "TZ", "value": "Europe/Oslo"},
        {"name": "PRICE", "value": "5 $$(USD)"},
        {"name": "JUPYTERHUB_USER", "value": "$$(JUPYTERHUB_API_TOKEN)"},
        {"name": "MEM", "value": "$(MEM_LIMIT)"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]


def test_an_administrators_user_is_added_to_the_restrictions() -> None:
    containers = [kubespawner_container(securityContext={"runAsUser": 1000})]
    found = _server(_complete(kubespawner_manifest(containers=containers)))["securityContext"]
    assert found == {**RESTRICTED_CONTAINER, "runAsUser": 1000}


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"runAsUser": 0}, id="root"),
        pytest.param({"privileged": True, "allowPrivilegeEscalation": True}, id="privileged"),
    ],
)
def test_an_administrator_who_lets_servers_be_root(context: dict[str, Any]) -> None:
    containers = [kubespawner_container(securityContext=context)]
    found = _server(_complete(kubespawner_manifest(containers=containers)))["securityContext"]
    assert found == context


def test_nothing_of_the_administrators_is_changed_in_place() -> None:
    theirs = as_the_chart_sets_it()
    before = copy.deepcopy(theirs)
    _complete(theirs, a_request(flavor="dra"), **EVERYTHING)
    assert theirs == before
