"""``sandlot check --cluster`` on a real API server, as those who would run it."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.adapters.cluster_look import look_at_cluster
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.commands.check import command
from sandlot_hub.domain.checks.cluster import account_findings
from support.cluster.audit import uses
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.nodes import PRODUCT, NodeKind
from support.cluster.objects import GPU

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from support.cluster.access import Access
    from support.cluster.cluster import Cluster
    from support.cluster.fault_proxy import FaultProxy
    from support.cluster.namespaces import TestNamespace
    from support.cluster.nodes import FakeNodes, Pool

    Check = Callable[..., Awaitable[dict[str, Any]]]

pytestmark = pytest.mark.asyncio

MIG = "nvidia.com/mig-1g.10gb"


def flavor(product: str, **kubernetes: Any) -> dict[str, Any]:
    where = {"node_selector": {PRODUCT: product}, **kubernetes}
    return {"display_name": product, "kubernetes": where}


def size(cpus: float, memory: str, kind: str = "", count: int = 1) -> dict[str, Any]:
    wanted = {"accelerator": {"flavor": kind, "count": count}} if kind else {}
    return {"display_name": "A size", "cpus": cpus, "memory": memory, **wanted}


def settings(pool: Pool, **kubernetes: Any) -> dict[str, Any]:
    """Settings that fit the nodes of the pool."""
    sizes = {"small": size(2, "4 GiB"), "two": size(8, "32 GiB", "l4", 2)}
    return {
        "version": 1,
        "images": {"base": {"display_name": "Base", "reference": "registry.invalid/base:1"}},
        "accelerators": {"l4": flavor("NVIDIA-L4", tolerations=[{"key": GPU}])},
        "sizes": sizes,
        "profiles": {"work": {"display_name": "Work", "images": ["base"], "sizes": [*sizes]}},
        "kubernetes": {
            "homes": {"kind": "claim", "storage_class": STORAGE_CLASS},
            "node_selector": pool.placement["nodeSelector"],
            **kubernetes,
        },
    }


@pytest_asyncio.fixture
async def pool(nodes: FakeNodes) -> Pool:
    """One node with four L4."""
    return await nodes.add(1, L4_NODE)


L4_NODE = NodeKind(gpus=4, product="NVIDIA-L4", taint=(GPU, "present", "NoSchedule"))


@pytest.fixture
def check(tmp_path: Path, namespace: TestNamespace, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command as somebody; return what it says to programs, with its exit code."""

    def credentials(access: Access | Path) -> str:
        return str(access if isinstance(access, Path) else access.write(tmp_path / "kubeconfig"))

    async def run(
        document: dict[str, Any], access: Access | Path, *arguments: str
    ) -> dict[str, Any]:
        path = tmp_path / "settings.yaml"
        path.write_text(json.dumps(document))
        parser = argparse.ArgumentParser()
        started = command(parser)
        asked = parser.parse_args(
            [
                *(str(path), "--cluster", "--kubeconfig", credentials(access)),
                *("--namespace", namespace.name, *arguments),
            ]
        )
        asked.data_dir = tmp_path / "none"
        code = await asyncio.to_thread(started, asked)
        said = capsys.readouterr()
        found = json.loads(said.out)["cluster"] if "--json" in arguments else {}
        return {**found, "code": code, "out": said.out, "err": said.err}

    return run


def told(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["code"], each["path"]) for each in found["problems"]}


async def test_settings_that_fit_are_right_for_everybody(
    check: Check, cluster: Cluster, namespace: TestNamespace, pool: Pool
) -> None:
    fitting = settings(pool, tolerations=[{"key": GPU}])
    # Other tests may have left GPUs that are nobody's.
    others = {("accelerators-without-flavor", "accelerators")}

    for access in (cluster.kubeconfig, await namespace.offers_account()):
        found = await check(fitting, access, "--json")
        assert told(found) <= others, found
        assert found["nodes"] >= 1

    hub = await check(fitting, await namespace.hub_account(), "--json")
    assert (hub["code"], hub["problems"], hub["nodes"]) == (ExitCode.OK, [], None)
    assert hub["account"] == namespace.hub_user
    nodes, storage = hub["not_looked_at"]
    assert "may not list nodes" in nodes
    assert f"StorageClass {STORAGE_CLASS}" in storage


async def test_a_secret_as_it_is_mounted_is_enough(
    check: Check,
    cluster: Cluster,
    namespace: TestNamespace,
    pool: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = await namespace.offers_account()
    server = urlsplit(account.server)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    (tmp_path / "token").write_text(account.token)
    (tmp_path / "ca.crt").write_text(account.authority)

    found = await check(settings(pool, tolerations=[{"key": GPU}]), tmp_path, "--json")

    assert found["server"] == cluster.access.server
    assert found["account"] == namespace.offers_user
    assert found["nodes"] >= 1


async def test_all_that_no_node_has_is_named(
    check: Check, cluster: Cluster, nodes: FakeNodes
) -> None:
    pool = await nodes.add(1, L4_NODE)
    await nodes.add(1, NodeKind(gpus=3, resource=MIG, product="NVIDIA-A100", labels=pool_of(pool)))
    wrong = settings(pool)
    wrong["accelerators"] |= {
        "closed": flavor("NVIDIA-L4"),
        "nowhere": flavor("NVIDIA-H200"),
        "without": {**flavor("NVIDIA-A100"), "resource": "amd.com/gpu"},
        "coming": flavor("NVIDIA-B200", new_node_takes="5 min"),
    }
    wrong["sizes"] |= {
        "cores": size(16.5, "1 GiB"),
        "memory": size(1, "65 GiB"),
        "eight": size(1, "1 GiB", "l4", 8),
        "nowhere": size(1, "1 GiB", "nowhere"),
        "coming": size(1, "1 GiB", "coming"),
    }

    found = await check(wrong, cluster.kubeconfig, "--json")

    assert found["code"] == ExitCode.WARNING
    assert told(found) == {
        ("flavor-without-nodes", "accelerators.closed.kubernetes"),
        ("flavor-without-nodes", "accelerators.nowhere.kubernetes"),
        ("flavor-without-nodes", "accelerators.without.kubernetes"),
        ("size-never-fits", "sizes.cores"),
        ("size-never-fits", "sizes.memory"),
        ("size-never-fits", "sizes.eight"),
        ("accelerators-without-flavor", "accelerators"),
    }
    messages = {each["path"]: each["message"] for each in found["problems"]}
    assert f"{PRODUCT}=NVIDIA-H200" in messages["accelerators.nowhere.kubernetes"]
    assert f"({GPU}=present:NoSchedule)" in messages["accelerators.closed.kubernetes"]
    assert "none offers amd.com/gpu" in messages["accelerators.without.kubernetes"]
    assert f"needs 1 CPUs, 1 GiB, 8 × {GPU}" in messages["sizes.eight"]
    assert f"16 CPUs, 64 GiB, 4 × {GPU}" in messages["sizes.eight"]
    assert f"3 × {MIG}" in messages["accelerators"]


def pool_of(pool: Pool) -> dict[str, str]:
    """Labels of further nodes of a pool."""
    found: dict[str, str] = pool.placement["nodeSelector"]
    return found


async def test_objects_that_are_not_there_are_named(
    check: Check, cluster: Cluster, namespace: TestNamespace, pool: Pool
) -> None:
    await namespace.core.create_namespaced_secret(namespace.name, secret("there"))
    wrong = settings(
        pool,
        homes={"kind": "claim", "storage_class": "none"},
        shared_folder={"claim": "none"},
        data_volumes={"sky": {"claim": "none", "mount_path": "/sky"}},
        image_pull_secrets=["there", "none"],
        priority_class="none",
    )
    wrong["accelerators"]["l4"]["kubernetes"] |= {"runtime_class": "none"}
    wrong["accelerators"]["dra"] = flavor("NVIDIA-L4", claim_template="none")

    found = await check(wrong, cluster.kubeconfig, "--json")

    assert {path for code, path in told(found) if code == "object-missing"} == {
        "kubernetes.homes.storage_class",
        "kubernetes.shared_folder.claim",
        "kubernetes.data_volumes.sky.claim",
        "kubernetes.image_pull_secrets.1",
        "kubernetes.priority_class",
        "accelerators.l4.kubernetes.runtime_class",
        "accelerators.dra.kubernetes.claim_template",
    }


def secret(name: str) -> Any:
    return {"metadata": {"name": name}, "stringData": {"word": "nobody reads this"}}


async def test_rights_that_are_missing_are_asked_of_the_api_server(
    check: Check, namespace: TestNamespace, own_cluster: Cluster, pool: Pool
) -> None:
    assert own_cluster.plane is not None
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    hub = await check(settings(pool), await namespace.hub_account([pods]), "--json")

    assert told(hub) == {("rights-missing", "")}
    (lacking,) = hub["problems"]
    assert (
        "may not create, delete pods; get, create, delete persistentvolumeclaims; list, watch"
        in (lacking["message"])
    )
    # It asks; it does not try.
    tried = {(use.verb, use.resource) for use in uses(own_cluster.plane.audit_log, hub["account"])}
    assert tried <= {
        ("create", "selfsubjectreviews"),
        ("create", "selfsubjectaccessreviews"),
        ("list", "nodes"),
        ("get", "storageclasses"),
    }

    offers = await check(settings(pool), await namespace.offers_account(rules=[]), "--json")
    assert told(offers) == {("rights-missing", "")}
    assert (
        "list, watch nodes; list, watch pods in the whole cluster"
        in (offers["problems"][0]["message"])
    )


async def test_a_person_reads_what_to_do(check: Check, cluster: Cluster, pool: Pool) -> None:
    wrong = settings(pool)
    wrong["sizes"]["two"]["accelerator"]["count"] = 5

    found = await check(wrong, cluster.kubeconfig)

    assert found["code"] == ExitCode.WARNING
    assert "The cluster at https://127.0.0.1:" in found["out"]
    assert "Warning: sizes.two: No node can ever hold it" in found["err"]
    assert "Next: make the size smaller" in found["err"]
    assert "(size-never-fits)" in found["err"]


async def test_a_cluster_that_gives_no_answer_is_a_sentence(
    check: Check, cluster: Cluster, fault_proxy: FaultProxy, pool: Pool
) -> None:
    refused = await check(settings(pool), cluster.access.as_account("x" * 32, namespace="default"))
    assert refused["code"] == ExitCode.FAILURE
    assert "gave no answer: it answered 401" in refused["err"]
    assert "settings.yaml is right" in refused["out"]

    with fault_proxy.refusing():
        silent = await check(settings(pool), fault_proxy.through(cluster.access))
    assert silent["code"] == ExitCode.FAILURE
    assert "gave no answer: Client" in silent["err"]


class OtherClock(SystemClock):
    """A clock that is not right."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead = timedelta(seconds=ahead_s)

    def now(self) -> datetime:
        """Return another time."""
        return super().now() + self._ahead


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [
        pytest.param(90, "s behind the one here", id="ahead"),
        pytest.param(-90, "s ahead of the one here", id="behind"),
        pytest.param(50, "", id="as good as right"),
    ],
)
async def test_clocks_that_differ_are_told(
    cluster: Cluster, namespace: TestNamespace, pool: Pool, ahead_s: float, words: str
) -> None:
    look = await look_at_cluster(
        load_settings(settings(pool)).settings,
        credentials=cluster.kubeconfig,
        namespace=namespace.name,
        clock=OtherClock(ahead_s),
    )

    found = [each.message for each in account_findings(look.facts) if each.code == "clock-skew"]

    assert [words in each for each in found] == ([True] if words else [])
