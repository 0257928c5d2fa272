from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sandlot_hub.domain.settings.cluster import (
    ClaimHome,
    ClusterSettings,
    FlavorClusterSettings,
    StartPatience,
    TolerationSettings,
)

GIB = 1024**3


def _errors(model: type[Any], document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document)
    return [(".".join(map(str, e["loc"])), e["msg"]) for e in caught.value.errors()]


def test_nothing_written_keeps_homes_on_claims_of_their_own() -> None:
    settings = ClusterSettings()
    assert settings.homes == ClaimHome(kind="claim", per="user", size=10 * GIB)
    assert settings.image_pull_policy == "IfNotPresent"


def test_what_is_written_is_read_again() -> None:
    settings = ClusterSettings.model_validate(
        {
            "homes": {"kind": "folder", "claim": "homes", "per": "server"},
            "shared_folder": {"claim": "shared", "sub_path": "all/of-us"},
            "data_volumes": {
                "maps": {
                    "claim": "maps",
                    "mount_path": "/data/maps",
                    "allow": {"groups": ["geo"]},
                    "write_groups": ["editors"],
                }
            },
            "tolerations": [
                {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "x"}
            ],
            "environment": {"PIP_INDEX_URL": "https://mirror.example/$simple"},
            "patience": {"busy": "2 min"},
        }
    )
    assert ClusterSettings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.patience.busy == 120


@pytest.mark.parametrize(
    ("document", "where", "what"),
    [
        pytest.param({"home": {}}, "home", "Extra inputs", id="unknown-key"),
        pytest.param({"homes": {"kind": "nfs"}}, "homes", "'claim', 'folder', 'none'", id="kind"),
        pytest.param(
            {"homes": {"kind": "folder"}}, "homes.folder.claim", "required", id="no-claim"
        ),
        pytest.param(
            {"homes": {"kind": "claim", "size": "10 Gb"}}, "homes.claim.size", "memory", id="size"
        ),
        pytest.param(
            {"homes": {"kind": "claim", "mount_path": "home"}},
            "homes.claim.mount_path",
            "pattern",
            id="relative-mount",
        ),
        pytest.param(
            {"homes": {"kind": "claim", "mount_path": "/home/../etc"}},
            "homes.claim.mount_path",
            "pattern",
            id="mount-goes-up",
        ),
        pytest.param(
            {"homes": {"kind": "claim", "mount_path": "/dev/shm"}},  # noqa: S108 (of a server)
            "homes.claim.mount_path",
            "at or below /dev",
            id="mount-on-devices",
        ),
        pytest.param(
            {"homes": {"kind": "folder", "claim": "c", "below": "../x"}},
            "homes.folder.below",
            "pattern",
            id="folder-goes-up",
        ),
        pytest.param(
            {"homes": {"kind": "folder", "claim": "c", "below": "/x"}},
            "homes.folder.below",
            "pattern",
            id="folder-from-the-root",
        ),
        pytest.param(
            {"homes": {"kind": "folder", "claim": "My Claim"}},
            "homes.folder.claim",
            "pattern",
            id="object-name",
        ),
        pytest.param(
            {"shared_folder": {"claim": "c", "mount_path": "/home/jovyan"}},
            "",
            "two volumes cannot both be at /home/jovyan",
            id="same-mount",
        ),
        pytest.param(
            {
                "data_volumes": {
                    "a": {"claim": "a", "mount_path": "/data"},
                    "b": {"claim": "b", "mount_path": "/data"},
                }
            },
            "",
            "two volumes cannot both be at /data",
            id="same-data-mount",
        ),
        pytest.param(
            {"node_selector": {"a b": "x"}}, "node_selector.a b.[key]", "pattern", id="label-key"
        ),
        pytest.param(
            {"node_selector": {"gpu": "x" * 64}}, "node_selector.gpu", "63", id="label-value"
        ),
        pytest.param(
            {"node_selector": {"gpu": "-x"}}, "node_selector.gpu", "pattern", id="label-hyphen"
        ),
        pytest.param(
            {"environment": {"JUPYTERHUB_API_TOKEN": "x"}},
            "environment.JUPYTERHUB_API_TOKEN.[key]",
            "set by the hub",
            id="token",
        ),
        pytest.param(
            {"environment": {"1A": "x"}}, "environment.1A.[key]", "pattern", id="variable-name"
        ),
        pytest.param(
            {"file_group": 0}, "file_group", "greater than or equal to 1", id="root-group"
        ),
        pytest.param({"file_group": "100"}, "file_group", "valid integer", id="group-as-text"),
        pytest.param(
            {"image_pull_policy": "always"}, "image_pull_policy", "'Always'", id="pull-policy"
        ),
        pytest.param(
            {"patience": {"busy": "2 h"}}, "patience", "`busy` is longer than", id="patience"
        ),
        pytest.param({"patience": {"busy": 0}}, "patience.busy", "more than 0", id="no-patience"),
    ],
)
def test_a_mistake_is_named(document: dict[str, Any], where: str, what: str) -> None:
    problems = _errors(ClusterSettings, document)
    assert [place for place, _ in problems] == [where]
    assert what in problems[0][1]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        pytest.param({"operator": "Equal", "key": "a"}, "needs `key` and `value`", id="no-value"),
        pytest.param({"operator": "Equal", "value": "a"}, "needs `key` and `value`", id="no-key"),
        pytest.param({"key": "a", "value": "b"}, "needs `operator: Equal`", id="value-unused"),
        pytest.param({"effect": "Never"}, "NoSchedule", id="effect"),
    ],
)
def test_a_toleration_that_the_cluster_would_refuse(document: dict[str, Any], what: str) -> None:
    assert what in _errors(TolerationSettings, document)[0][1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("runtime_class", "NVIDIA", id="runtime-class"),
        pytest.param("claim_template", "one_l4", id="claim-template"),
        pytest.param("shm_size", "0", id="shm"),
        pytest.param("grows_to", -1, id="grows-to-less-than-none"),
        pytest.param("grows_to", "8", id="grows-to-as-text"),
        pytest.param("devices", {}, id="devices-of-no-driver"),
        pytest.param("devices", {"driver": "GPU"}, id="driver"),
        pytest.param("devices", {"driver": "a", "attributes": {"a b": "c"}}, id="attribute"),
        pytest.param("devices", {"driver": "a", "attributes": {"a": 1.5}}, id="fraction"),
        pytest.param("devices", {"driver": "a", "attributes": {"a": "x" * 65}}, id="long-text"),
    ],
)
def test_a_flavor_that_the_cluster_would_refuse(field: str, value: object) -> None:
    found = _errors(FlavorClusterSettings, {field: value})
    assert {place.partition(".")[0] for place, _ in found} == {field}


def test_devices_are_those_of_claims() -> None:
    devices = {"driver": "gpu.nvidia.com", "attributes": {"productName": "L4", "mig": False}}
    found = FlavorClusterSettings.model_validate({"claim_template": "one", "devices": devices})
    assert found.devices is not None
    ((_, said),) = _errors(FlavorClusterSettings, {"devices": devices})
    assert "needs `claim_template`" in said


def test_every_patience_has_an_end() -> None:
    seconds = dict(StartPatience())
    assert max(seconds.values()) == seconds["in_all"]
