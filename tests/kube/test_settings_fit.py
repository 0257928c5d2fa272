"""What the settings take, Kubernetes takes: nothing is refused only when somebody starts a server.

The API server is the judge, asked by a dry run; the property draws whatever the settings let pass.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from kubernetes_asyncio.client import NodeV1Api
from pydantic import TypeAdapter, ValidationError

from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve
from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.plan import PodRequest, build_pod_parts
from sandlot_hub.domain.settings import base as settings_base
from sandlot_hub.domain.settings import cluster_types
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import EVERYTHING_HERE, person
from support.manifests import kubespawner_manifest
from support.pods import SPAWN_ID

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

    from support.cluster.namespaces import TestNamespace

pytestmark = pytest.mark.asyncio

bounded = hypothesis_settings(
    max_examples=20,
    deadline=None,
    # Each try is a request, so nothing is made smaller: the API server names what it refuses.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # a namespace in which nothing is made
        HealthCheck.too_slow,  # what is drawn is filtered by the settings themselves
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)

BATCH = 12
"""Pods of one example, asked about together: an example is then worth its round trip."""


def a_document(flavor: dict[str, Any], cluster: dict[str, Any], size: dict[str, Any]) -> Any:
    return {
        "version": 1,
        "images": {"base": {"display_name": "Base", "reference": "registry.invalid/base:1"}},
        "accelerators": {"gpu": {"display_name": "GPU", **flavor}},
        "sizes": {
            "one": {
                "display_name": "One",
                "cpus": 1,
                "memory": "1 GiB",
                "accelerator": {"flavor": "gpu"},
                **size,
            }
        },
        "profiles": {"work": {"display_name": "Work", "images": ["base"], "sizes": ["one"]}},
        "kubernetes": cluster,
    }


def pod_of(document: Any, owner: str = "ann", server_name: str = "") -> dict[str, Any]:
    """Return the pod of a plan of these settings."""
    settings = SandlotSettings.model_validate(document)
    plan = resolve({}, entitlements=person(owner), settings=settings, facilities=EVERYTHING_HERE)
    assert isinstance(plan, Plan)
    request = PodRequest(
        plan=plan, entitlements=person(owner), spawn_id=SPAWN_ID, server_name=server_name
    )
    parts = build_pod_parts(request, settings.kubernetes)
    return complete_manifest(kubespawner_manifest(), parts, read_admin_parts({}))


async def refusals(namespace: TestNamespace, pods: list[dict[str, Any]]) -> list[str]:
    """Return what the API server finds wrong with pods."""
    return [each for each in await asyncio.gather(*map(namespace.refusal_of, pods)) if each]


# What the settings refuse, each with what the API server would have said. The first column is
# where in the settings it stands.
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "resource without a domain": ("flavor", {"resource": "gpu"}, "resource"),
    "resource of Kubernetes": ("flavor", {"resource": "kubernetes.io/gpu"}, "resource"),
    "resource below Kubernetes": ("flavor", {"resource": "x.kubernetes.io/gpu"}, "resource"),
    "resource with an empty part": ("flavor", {"resource": "a..b/gpu"}, "resource"),
    "resource with a part that ends in a hyphen": ("flavor", {"resource": "a-.b/g"}, "resource"),
    "resource that ends in a dot": ("flavor", {"resource": "a.b/gpu."}, "resource"),
    "resource of 64 characters": ("flavor", {"resource": f"a.b/{'x' * 64}"}, "resource"),
    "resource that looks like a quota": ("flavor", {"resource": "requests.x.y/g"}, "resource"),
    "label of 64 characters": (
        "flavor",
        {"kubernetes": {"node_selector": {"gpu": "x" * 64}}},
        "kubernetes.node_selector.gpu",
    ),
    "label key with an empty part": (
        "flavor",
        {"kubernetes": {"node_selector": {"a..b/c": "x"}}},
        "kubernetes.node_selector.a..b/c.[key]",
    ),
    "label key with a long domain": (
        "flavor",
        {"kubernetes": {"node_selector": {f"{'a' * 254}/c": "x"}}},
        f"kubernetes.node_selector.{'a' * 254}/c.[key]",
    ),
    "runtime class in capitals": (
        "flavor",
        {"kubernetes": {"runtime_class": "NVIDIA"}},
        "kubernetes.runtime_class",
    ),
    "no processor": ("size", {"cpus": 0}, "cpus"),
    "part of a thousandth of a processor": ("size", {"cpus": "0.5m"}, "cpus"),
    "memory without end": ("size", {"memory": "1e30"}, "memory"),
    "memory below zero": ("size", {"memory": "-1 GiB"}, "memory"),
    "GPUs below zero": ("size", {"accelerator": {"flavor": "gpu", "count": -1}}, "accelerator"),
    "half a GPU": ("size", {"accelerator": {"flavor": "gpu", "count": 1.5}}, "accelerator"),
    "GPUs as a power": ("size", {"accelerator": {"flavor": "gpu", "count": "1e9"}}, "accelerator"),
    "GPUs in hexadecimal": (
        "size",
        {"accelerator": {"flavor": "gpu", "count": "0x10"}},
        "accelerator",
    ),
    "GPUs of no flavor": ("size", {"accelerator": {"flavor": "mig"}}, "accelerator"),
    "volume at a device": ("cluster", {"homes": {"kind": "claim", "mount_path": "/dev"}}, "homes"),
    "priority class with a blank": ("cluster", {"priority_class": "a b"}, "priority_class"),
    "variable with a blank": ("cluster", {"environment": {"A B": "x"}}, "environment"),
}


@pytest.mark.parametrize(("section", "fragment", "where"), REFUSED.values(), ids=REFUSED)
async def test_what_kubernetes_would_refuse_keeps_the_hub_from_starting(
    section: str, fragment: dict[str, Any], where: str
) -> None:
    sections: dict[str, dict[str, Any]] = {"flavor": {}, "cluster": {}, "size": {}}
    sections[section] = fragment
    with pytest.raises(ValidationError) as caught:
        SandlotSettings.model_validate(a_document(**sections))
    place = {"flavor": "accelerators.gpu", "cluster": "kubernetes", "size": "sizes.one"}[section]
    found = [".".join(map(str, error["loc"])) for error in caught.value.errors()]
    assert all(each.startswith(f"{place}.{where}") for each in found), found


def drawn(kind: Any) -> st.SearchStrategy[str]:
    """Return texts that a type of the settings takes, the odd ones of its pattern included."""
    adapter = TypeAdapter(kind)
    (rule,) = [each for each in kind.__metadata__ if getattr(each, "pattern", None)]

    def taken(text: str) -> bool:
        try:
            adapter.validate_python(text)
        except ValidationError:
            return False
        return True

    return st.from_regex(rule.pattern, fullmatch=True).filter(taken)


names = drawn(cluster_types.ObjectName)
labels = st.dictionaries(drawn(cluster_types.LabelKey), drawn(cluster_types.LabelValue), max_size=3)
paths = drawn(cluster_types.MountPath)
tolerations = st.one_of(
    st.fixed_dictionaries(
        {
            "key": drawn(cluster_types.LabelKey),
            "operator": st.just("Equal"),
            "value": drawn(cluster_types.LabelValue),
        },
        optional={"effect": st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])},
    ),
    st.fixed_dictionaries({}, optional={"key": drawn(cluster_types.LabelKey)}),
)
flavors = st.fixed_dictionaries(
    {},
    optional={
        "resource": drawn(cluster_types.ResourceName),
        "kubernetes": st.fixed_dictionaries(
            {},
            optional={
                "node_selector": labels,
                "tolerations": st.lists(tolerations, max_size=3),
                "claim_template": names,
                "shm_size": st.integers(1, 2**40),
            },
        ),
    },
)
clusters = st.fixed_dictionaries(
    {},
    optional={
        "homes": st.one_of(
            st.fixed_dictionaries({"kind": st.just("claim"), "mount_path": paths}),
            st.fixed_dictionaries(
                {
                    "kind": st.just("folder"),
                    "claim": names,
                    "below": drawn(cluster_types.SubPath),
                    "mount_path": paths,
                    "per": st.sampled_from(["user", "server"]),
                }
            ),
        ),
        "data_volumes": st.dictionaries(
            drawn(settings_base.Slug),
            st.fixed_dictionaries(
                {"claim": names, "mount_path": paths},
                optional={"sub_path": drawn(cluster_types.SubPath)},
            ),
            max_size=2,
        ),
        "image_pull_secrets": st.lists(names, max_size=2),
        "node_selector": labels,
        "file_group": st.integers(1, 2**31 - 1),
        "environment": st.dictionaries(drawn(cluster_types.VariableName), st.text(max_size=20)),
    },
)
sizes = st.fixed_dictionaries(
    {
        "cpus": st.integers(1, 10_000_000).map(lambda milli: f"{milli}m"),
        "memory": st.integers(1, 2**50),
    },
    optional={
        "accelerator": st.fixed_dictionaries({"flavor": st.just("gpu"), "count": st.just(8)})
    },
)


@bounded
@given(st.lists(st.tuples(flavors, clusters, sizes), min_size=BATCH, max_size=BATCH))
@example([({"resource": "a.b/c"}, {}, {"cpus": "1m", "memory": 1})])
async def test_what_the_settings_take_the_api_server_takes(
    namespace: TestNamespace, drawn: list[tuple[Any, Any, Any]]
) -> None:
    pods = []
    for flavor, cluster, size in drawn:
        try:
            pods.append(pod_of(a_document(flavor, cluster, size)))
        except ValidationError:
            continue  # such as two volumes at one path
    assert await refusals(namespace, pods) == []


@bounded
@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=255), st.text(max_size=255)), min_size=BATCH)
)
@example([("..", ""), ("安娜", "实验"), ("آنا", ""), ("🦊", "🦊"), ("x" * 255, "y" * 255)])
async def test_whoever_somebody_is_called_the_api_server_takes_their_server(
    namespace: TestNamespace, people: list[tuple[str, str]]
) -> None:
    document = a_document({}, {"homes": {"kind": "claim", "per": "server"}}, {})
    pods = [pod_of(document, owner, server) for owner, server in people]
    assert await refusals(namespace, pods) == []


@bounded
@given(names)
async def test_the_name_of_a_class_is_one(api: ApiClient, name: str) -> None:
    """Only a class that exists can be named in a pod, so this is asked of the class."""
    runtime: Any = {"metadata": {"name": name}, "handler": "nvidia"}
    await NodeV1Api(api).create_runtime_class(runtime, dry_run="All")
