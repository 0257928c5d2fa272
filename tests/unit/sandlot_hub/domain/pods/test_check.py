from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.pods.breaches import BreachCode
from sandlot_hub.domain.pods.check import check_manifest
from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.plan import build_pod_parts
from support.manifests import as_the_chart_sets_it, kubespawner_manifest
from support.pods import a_request, cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_hub.domain.pods.breaches import Breach

PARTS = build_pod_parts(a_request(flavor="whole"), cluster(homes={"kind": "folder", "claim": "h"}))
CLAIMED = build_pod_parts(a_request(flavor="dra"), cluster())
VARIABLES = ("MEM", "PASSWORD")


def _check(change: Callable[[Any, Any], object], theirs: dict[str, Any]) -> tuple[Breach, ...]:
    admin = read_admin_parts(theirs, variables=VARIABLES)
    manifest = copy.deepcopy(complete_manifest(theirs, PARTS, admin))
    change(manifest, manifest["spec"]["containers"][0])
    return check_manifest(manifest, name="jupyter-ann", parts=PARTS, admin=admin)


def _set(*path: Any, to: Any) -> Callable[[Any, Any], object]:
    def change(manifest: Any, server: Any) -> None:
        inner = server if path[0] == "server" else manifest
        for key in path[path[0] == "server" : -1]:
            inner = inner[key]
        if isinstance(inner, list):
            inner.append(to)
        else:
            inner[path[-1]] = to

    return change


HOST = {"name": "root", "hostPath": {"path": "/"}}
SECRET = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
LABELS, NOTES = ("metadata", "labels"), ("metadata", "annotations")
LIMITS = ("server", "resources", "limits")
SECURITY = ("server", "securityContext")

TAMPERED = [
    ("name", _set("metadata", "name", to="jupyter-bob"), BreachCode.NAME),
    ("owner", _set(*LABELS, "sandlot/owner", to="bob"), BreachCode.LABEL),
    ("spawn-id", _set(*LABELS, "sandlot/spawn-id", to="0"), BreachCode.LABEL),
    ("username", _set(*LABELS, "hub.jupyter.org/username", to="bob"), BreachCode.LABEL),
    ("label-of-ours", _set(*LABELS, "sandlot/admin", to="true"), BreachCode.LABEL),
    ("account", _set(*NOTES, "sandlot/account", to="rich"), BreachCode.ANNOTATION),
    ("image", _set("server", "image", to="evil/x:1"), BreachCode.IMAGE),
    ("image-suffix", _set("server", "image", to="registry/torch:2@evil"), BreachCode.IMAGE),
    ("command", _set("server", "command", to=["sh"]), BreachCode.FIELD),
    ("env-from", _set("server", "envFrom", to=[{"secretRef": {"name": "s"}}]), BreachCode.FIELD),
    ("device", _set("server", "volumeDevices", to=[{"name": "x"}]), BreachCode.FIELD),
    ("host-network", _set("spec", "hostNetwork", to=True), BreachCode.FIELD),
    ("host-pid", _set("spec", "hostPID", to=True), BreachCode.FIELD),
    ("node-name", _set("spec", "nodeName", to="n1"), BreachCode.FIELD),
    ("ephemeral", _set("spec", "ephemeralContainers", to=[{"name": "x"}]), BreachCode.FIELD),
    ("container", _set("spec", "containers", 0, to={"name": "miner"}), BreachCode.CONTAINER),
    ("init", _set("spec", "initContainers", to=[{"name": "x"}]), BreachCode.CONTAINER),
    ("two-servers", _set("spec", "containers", 0, to={"name": "notebook"}), BreachCode.CONTAINER),
    ("no-server", _set("server", "name", to="other"), BreachCode.CONTAINER),
    ("host-path", _set("spec", "volumes", 0, to=HOST), BreachCode.VOLUME),
    (
        "other-claim",
        _set(
            "spec", "volumes", 0, to={"name": "home", "persistentVolumeClaim": {"claimName": "b"}}
        ),
        BreachCode.VOLUME,
    ),
    (
        "other-folder",
        _set("server", "volumeMounts", 0, "subPath", to="home/bob"),
        BreachCode.MOUNT,
    ),
    (
        "no-folder",
        _set("server", "volumeMounts", 0, to={"name": "home", "mountPath": "/all"}),
        BreachCode.MOUNT,
    ),
    ("more-gpus", _set(*LIMITS, "nvidia.com/gpu", to=8), BreachCode.RESOURCE),
    ("other-gpu", _set(*LIMITS, "nvidia.com/mig-1g.10gb", to=1), BreachCode.RESOURCE),
    ("memory", _set(*LIMITS, "memory", to=2**50), BreachCode.RESOURCE),
    ("gpu-as-text", _set(*LIMITS, "nvidia.com/gpu", to="0x10"), BreachCode.RESOURCE),
    ("request", _set("server", "resources", "requests", "cpu", to=64), BreachCode.RESOURCE),
    ("claims", _set("server", "resources", "claims", to=[{"name": "x"}]), BreachCode.RESOURCE),
    ("privileged", _set(*SECURITY, "privileged", to=True), BreachCode.PRIVILEGE),
    ("root", _set(*SECURITY, "runAsUser", to=0), BreachCode.PRIVILEGE),
    ("escalation", _set(*SECURITY, "allowPrivilegeEscalation", to=True), BreachCode.PRIVILEGE),
    ("capability", _set(*SECURITY, "capabilities", "add", to=["SYS_ADMIN"]), BreachCode.PRIVILEGE),
    ("non-root", _set("spec", "securityContext", "runAsNonRoot", to=False), BreachCode.PRIVILEGE),
    ("group", _set("spec", "securityContext", "fsGroup", to=0), BreachCode.PRIVILEGE),
    ("account-token", _set("spec", "automountServiceAccountToken", to=True), BreachCode.ACCOUNT),
    ("service-account", _set("spec", "serviceAccountName", to="hub"), BreachCode.ACCOUNT),
    ("service-links", _set("spec", "enableServiceLinks", to=True), BreachCode.ACCOUNT),
    ("secret", _set("server", "env", 0, to=SECRET), BreachCode.VARIABLE),
    (
        "reference",
        _set("server", "env", 0, to={"name": "X", "value": "a$(JUPYTERHUB_API_TOKEN)"}),
        BreachCode.VARIABLE,
    ),
    (
        "odd-dollars",
        _set("server", "env", 0, to={"name": "X", "value": "$$$(PATH)"}),
        BreachCode.VARIABLE,
    ),
    ("number", _set("server", "env", 0, to={"name": "X", "value": 3}), BreachCode.VARIABLE),
]


def test_a_manifest_as_planned_has_nothing() -> None:
    assert _check(lambda _manifest, _server: None, kubespawner_manifest()) == ()


@pytest.mark.parametrize(
    ("change", "code"), [pytest.param(*row, id=name) for name, *row in TAMPERED]
)
def test_a_tampered_manifest(change: Callable[[Any, Any], object], code: BreachCode) -> None:
    found = _check(change, kubespawner_manifest())
    assert code in {breach.code for breach in found}
    assert all(breach.where and breach.problem for breach in found)


@pytest.mark.parametrize("value", ["$$(PATH)", "$PATH", "a$$$$(b)", "{0}", "${PATH}", "$"])
def test_a_variable_that_refers_to_nothing(value: str) -> None:
    change = _set("server", "env", 0, to={"name": "X", "value": value})
    assert _check(change, kubespawner_manifest()) == ()


def test_what_the_chart_adds_is_not_refused() -> None:
    assert _check(lambda _manifest, _server: None, as_the_chart_sets_it()) == ()


ON_THE_CHART = {
    *("host-path", "container", "more-gpus", "privileged", "capability", "secret", "reference"),
    *("image", "owner", "host-network", "command", "other-claim", "other-folder", "memory"),
}


@pytest.mark.parametrize(
    ("change", "code"),
    [pytest.param(*row, id=name) for name, *row in TAMPERED if name in ON_THE_CHART],
)
def test_the_charts_options_open_no_other_door(
    change: Callable[[Any, Any], object], code: BreachCode
) -> None:
    assert code in {breach.code for breach in _check(change, as_the_chart_sets_it())}


def test_a_device_that_was_dropped_is_noticed() -> None:
    found = _check(lambda _manifest, server: server.pop("resources"), kubespawner_manifest())
    assert [(breach.code, breach.where) for breach in found] == [
        (BreachCode.RESOURCE, "spec.containers.notebook.resources.limits.nvidia.com/gpu")
    ]


def test_a_claim_that_was_dropped_is_noticed() -> None:
    admin = read_admin_parts(kubespawner_manifest())
    manifest = complete_manifest(kubespawner_manifest(), CLAIMED, admin)
    del manifest["spec"]["containers"][0]["resources"]["claims"]
    found = check_manifest(manifest, name="jupyter-ann", parts=CLAIMED, admin=admin)
    assert [breach.code for breach in found] == [BreachCode.RESOURCE]


def test_an_administrators_own_claim_is_theirs() -> None:
    theirs = kubespawner_manifest()
    theirs["spec"]["containers"][0]["resources"] = {"claims": [{"name": "fast-network"}]}
    assert _check(lambda _manifest, _server: None, theirs) == ()


def test_a_manifest_that_is_none() -> None:
    found = check_manifest({}, name="x", parts=PARTS, admin=read_admin_parts({}))
    assert [breach.code for breach in found] == [BreachCode.CONTAINER]
