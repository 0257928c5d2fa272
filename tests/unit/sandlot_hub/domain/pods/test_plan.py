from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.names import label_value
from sandlot_hub.domain.pods.plan import build_pod_parts
from support.catalogue import GIB
from support.pods import FLAVORS, SPAWN_ID, a_request, cluster

if TYPE_CHECKING:
    from sandlot_hub.domain.pods.plan import PodRequest
    from sandlot_hub.domain.settings.pod_parts import PodParts
    from support.golden import Golden

DATA: dict[str, Any] = {
    "maps": {
        "claim": "maps",
        "mount_path": "/data/maps",
        "allow": {"groups": ["geo"]},
        "write_groups": ["editors"],
    },
    "open": {"claim": "open", "mount_path": "/data/open", "sub_path": "current"},
}

REQUESTS: dict[str, tuple[PodRequest, dict[str, Any]]] = {
    "cpu": (a_request(), {}),
    **{flavor: (a_request(flavor=flavor, count=2), {}) for flavor in FLAVORS},
    "home-per-server": (
        a_request(server_name="lab"),
        {"homes": {"kind": "claim", "per": "server", "size": "5 GB", "storage_class": "fast"}},
    ),
    "home-folder": (a_request("ann@x.org"), {"homes": {"kind": "folder", "claim": "homes"}}),
    "home-none": (a_request(), {"homes": {"kind": "none"}}),
    "data-reader": (a_request("ann", "geo"), {"data_volumes": DATA}),
    "everything": (
        a_request("ann", "editors", flavor="whole", server_name="lab", account="project-7"),
        {
            "shared_folder": {"claim": "shared", "sub_path": "all"},
            "data_volumes": DATA,
            "image_pull_secrets": ["registry"],
            "image_pull_policy": "Always",
            "priority_class": "notebooks",
            "node_selector": {"pool": "users"},
            "tolerations": [
                {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user"},
                {"key": "nvidia.com/gpu", "effect": "NoSchedule"},
            ],
            "environment": {"TZ": "Europe/Oslo"},
            "file_group": 2000,
        },
    ),
}


def _parts(request: PodRequest, **sections: Any) -> PodParts:
    return build_pod_parts(request, cluster(**sections))


def _mounts(parts: PodParts) -> dict[str, str]:
    return {
        mount.path: f"{mount.folder}{' (read only)' if mount.read_only else ''}"
        for mount in parts.mounts
    }


@pytest.mark.parametrize("name", REQUESTS)
def test_the_parts_of_a_start(name: str, golden: Golden) -> None:
    request, sections = REQUESTS[name]
    golden.check(f"parts-{name}", dataclasses.asdict(_parts(request, **sections)))


@pytest.mark.parametrize("name", REQUESTS)
def test_every_mount_has_its_volume(name: str) -> None:
    request, sections = REQUESTS[name]
    parts = _parts(request, **sections)
    assert [mount.volume for mount in parts.mounts] == [volume.name for volume in parts.volumes]
    assert len({volume.name for volume in parts.volumes}) == len(parts.volumes)


@pytest.mark.parametrize(
    ("groups", "seen"),
    [
        pytest.param((), {"/data/open": "current (read only)"}, id="everybody"),
        pytest.param(
            ("geo",),
            {"/data/maps": " (read only)", "/data/open": "current (read only)"},
            id="readers",
        ),
        pytest.param(
            ("editors",), {"/data/maps": "", "/data/open": "current (read only)"}, id="writers"
        ),
    ],
)
def test_data_is_for_its_groups(groups: tuple[str, ...], seen: dict[str, str]) -> None:
    parts = _parts(a_request("ann", *groups), homes={"kind": "none"}, data_volumes=DATA)
    assert _mounts(parts) == seen


def test_a_user_allowed_by_name_reads() -> None:
    data = {"x": {"claim": "x", "mount_path": "/x", "allow": {"users": ["vera"]}}}
    assert "/x" in _mounts(_parts(a_request("vera"), data_volumes=data))
    assert "/x" not in _mounts(_parts(a_request("ann"), data_volumes=data))


@pytest.mark.parametrize(
    ("flavor", "shared", "expected"),
    [
        pytest.param(None, None, None, id="nothing-said"),
        pytest.param(None, "2 GiB", 2 * GIB, id="cluster"),
        pytest.param("whole", "2 GiB", 8 * GIB, id="flavor-over-cluster"),
        pytest.param("intel", "2 GiB", 2 * GIB, id="flavor-says-nothing"),
        pytest.param("mig", None, 16 * GIB, id="never-more-than-the-memory"),
    ],
)
def test_shared_memory(flavor: str | None, shared: str | None, expected: int | None) -> None:
    parts = _parts(a_request(flavor=flavor), shm_size=shared)
    found = [volume.memory_bytes for volume in parts.volumes if volume.name == "shm"]
    assert found == ([] if expected is None else [expected])


def test_a_claim_replaces_the_resource() -> None:
    parts = _parts(a_request(flavor="dra", count=2))
    assert parts.extended_resources == {}
    assert parts.device_claims == {"accelerator-0": "one-l4", "accelerator-1": "one-l4"}


@pytest.mark.parametrize(
    ("per", "server", "other", "same"),
    [
        pytest.param("user", "", "lab", True, id="user-shares"),
        pytest.param("server", "", "lab", False, id="server-apart"),
        pytest.param("server", "lab", "lab", True, id="server-again"),
    ],
)
@pytest.mark.parametrize("kind", ["claim", "folder"])
def test_homes_of_named_servers(kind: str, per: str, server: str, other: str, same: bool) -> None:
    homes = {"kind": kind, "per": per, **({"claim": "c"} if kind == "folder" else {})}
    one = _parts(a_request(server_name=server), homes=homes)
    two = _parts(a_request(server_name=other), homes=homes)
    assert ((one.volumes, one.mounts) == (two.volumes, two.mounts)) is same


def test_an_administrators_claim_name_holds() -> None:
    parts = _parts(a_request(home_claim="theirs"))
    assert parts.home is not None
    assert parts.home.name == parts.volumes[0].claim == "theirs"


OWNERS = [
    pytest.param("ann@x.org", id="mail"),
    pytest.param("安娜", id="other-script"),
    pytest.param("x" * 64, id="long"),
    pytest.param("{userid.__class__}", id="braces"),
    pytest.param("$(JUPYTERHUB_API_TOKEN)", id="variable"),
    pytest.param("../../root", id="path"),
]


@pytest.mark.parametrize("owner", OWNERS)
def test_a_user_name_in_any_script(owner: str) -> None:
    homes = {"kind": "folder", "claim": "c"}
    parts = _parts(a_request(owner), homes=homes)
    assert parts.labels["sandlot/owner"] == label_value(owner)
    assert parts.annotations["hub.jupyter.org/username"] == owner
    assert parts.mounts[0].folder.count("/") == 1
    assert ".." not in parts.mounts[0].folder


def test_the_spawn_id_is_on_it() -> None:
    assert _parts(a_request()).labels["sandlot/spawn-id"] == SPAWN_ID


def test_the_account_is_the_owners_unless_told() -> None:
    assert _parts(a_request()).labels["sandlot/account"] == "ann"
    assert _parts(a_request(account="p 7")).annotations["sandlot/account"] == "p 7"


def test_files_belong_to_the_group() -> None:
    parts = _parts(a_request(), file_group=2000)
    assert parts.pod_security["fsGroup"] == 2000
    assert parts.container_security["capabilities"] == {"drop": ["ALL"]}
