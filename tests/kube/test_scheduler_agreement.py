"""Where we say that so many servers fit now, the real scheduler places so many, and no more.

Each case is a small random cluster: nodes with GPUs, taints, odd quantities, cordoned and silent
ones; pods with init containers, sidecars, overhead, ended and ending ones. Servers are the pods
that our own code makes. `SANDLOT_AGREEMENT_CASES` and `SANDLOT_AGREEMENT_SEED` ask for others.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from kubernetes_asyncio.client import NodeV1Api
from traitlets.config import Config

from sandlot_hub.adapters.cluster_informer_projection import NodeKind, PodKind
from sandlot_hub.domain.capacity.inventory import Inventory
from sandlot_hub.domain.capacity.size_demand import HubPlacement
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve
from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.plan import PodRequest, build_pod_parts
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.placement import KubeOptions
from support.catalogue import EVERYTHING_HERE, person
from support.cluster.fates import FATE
from support.cluster.random_cases import (
    CASE,
    RandomCase,
    has_ended,
    is_ending,
    is_silent,
    random_case,
)
from support.counted import put_all
from support.manifests import kubespawner_container, kubespawner_manifest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from kubernetes_asyncio.client import ApiClient, CoreV1Api

    from sandlot_contracts.capacity import SizeState
    from sandlot_hub.domain.capacity.cluster_records import NodeRecord, PodRecord
    from support.cluster.cluster import Cluster
    from support.cluster.namespaces import TestNamespace

pytestmark = pytest.mark.asyncio

CASES = int(os.environ.get("SANDLOT_AGREEMENT_CASES", "200"))
SEED = int(os.environ.get("SANDLOT_AGREEMENT_SEED", "6"))
WAIT_S = 150.0
AT_ONCE = 40
"""Requests to the API server at a time."""
MOST = 5
"""Servers of a case that are tried, at most, and one more."""
SERVERS = "sandlot/workload=server"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What we say about a case, and what we try."""

    case: RandomCase
    size: SizeState
    servers: tuple[Mapping[str, Any], ...]

    @property
    def expected(self) -> int:
        """How many of the servers are to be placed."""
        return min(self.size.fits, len(self.servers))


class Stage:
    """All cases on one cluster."""

    def __init__(self, client: ApiClient, namespace: TestNamespace) -> None:
        self.core: CoreV1Api = namespace.core
        self.name = namespace.name
        self._client = client
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def each(self, ask: Callable[..., Awaitable[Any]], objects: Iterable[Any]) -> None:
        """Ask for each object; nobody needs to understand the answers."""

        async def one(asked: Any) -> None:
            async with self._turn:
                response = await ask(asked)
                body = await response.read()
                assert response.status < 300, body

        async with asyncio.TaskGroup() as group:
            for asked in objects:
                group.create_task(one(asked))

    async def answer(self, path: str, **query: str) -> Any:
        """Ask for a path; return the answer, which may go on."""
        return await self._client.call_api(
            path,
            "GET",
            query_params=[*query.items()],
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=aiohttp.ClientTimeout(total=WAIT_S),
        )

    async def listed(self, path: str, **query: str) -> bytes:
        """Return a list as it comes."""
        response = await self.answer(path, **query)
        found: bytes = await response.read()
        return found

    async def when_all(
        self, wanted: Callable[[Any], bool], *, path: str, what: str, **query: str
    ) -> list[Any]:
        """Return all objects of a list, as soon as each of them is as wanted."""
        found = json.loads(await self.listed(path, **query))
        objects = {each["metadata"]["name"]: each for each in found["items"]}
        lacking = {name for name, each in objects.items() if not wanted(each)}
        version = found["metadata"]["resourceVersion"]
        watch = await self.answer(path, watch="true", resourceVersion=version, **query)
        try:
            async with asyncio.timeout(WAIT_S):
                while lacking:
                    each = json.loads(await watch.content.readline())["object"]
                    name = each["metadata"]["name"]
                    objects[name] = each
                    (lacking.discard if wanted(each) else lacking.add)(name)
        except TimeoutError:
            message = f"{len(lacking)} are not, such as {objects[min(lacking)]}: {what}"
            raise AssertionError(message) from None
        finally:
            watch.close()
        return [*objects.values()]

    @property
    def pods_path(self) -> str:
        return f"/api/v1/namespaces/{self.name}/pods"

    async def build(self, cases: Sequence[RandomCase]) -> None:
        """Make all nodes, then what is on them, and wait until they are as the cases say."""
        nodes = {node["metadata"]["name"]: node for case in cases for node in case.nodes}
        pods = {pod["metadata"]["name"]: pod for case in cases for pod in case.pods}
        await self.each(partial(self.core.create_node, _preload_content=False), nodes.values())
        await self.when_all(
            lambda node: _is_as_asked(node, nodes[node["metadata"]["name"]]),
            path="/api/v1/nodes",
            what="the nodes are as they shall be",
            labelSelector=CASE,
        )
        await self.each(self._create, pods.values())
        await self.each(self._delete, (pod for pod in pods.values() if is_ending(pod)))
        there = await self.when_all(
            lambda pod: (
                not has_ended(pods[pod["metadata"]["name"]])
                or pod["status"]["phase"] in {"Succeeded", "Failed"}
            ),
            path=self.pods_path,
            what="the pods are as they shall be",
        )
        assert len(there) == len(pods)

    async def _create(self, pod: Any) -> Any:
        return await self.core.create_namespaced_pod(self.name, pod, _preload_content=False)

    async def _delete(self, pod: Any) -> Any:
        name = pod["metadata"]["name"]
        return await self.core.delete_namespaced_pod(name, self.name, _preload_content=False)

    async def _free(self, pod: Any) -> Any:
        name = pod["metadata"]["name"]
        free = {"metadata": {"annotations": {FATE: None}, "finalizers": None}}
        return await self.core.patch_namespaced_pod(name, self.name, free, _preload_content=False)

    async def tried(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """Make all servers; return the scheduler's answers, by case."""
        await self.each(self._create, (pod for each in predictions for pod in each.servers))
        decided = await self.when_all(
            lambda pod: _scheduled(pod) is not None,
            path=self.pods_path,
            what="the scheduler has decided about all",
            labelSelector=SERVERS,
        )
        by_case: dict[str, list[Any]] = {}
        for pod in decided:
            by_case.setdefault(pod["spec"]["nodeSelector"][CASE], []).append(_scheduled(pod))
        return by_case

    async def clear(self) -> None:
        """Let the stuck pods go, and remove the nodes."""
        there = json.loads(await self.listed(self.pods_path))["items"]
        stuck = [pod for pod in there if FATE in pod["metadata"].get("annotations", {})]
        await self.each(self._free, stuck)
        await self.core.delete_collection_node(label_selector=CASE)


def _is_as_asked(node: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    conditions = node["status"].get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    passing = [
        each["key"]
        for each in node["spec"].get("taints", ())
        if each["key"].startswith("node.kubernetes.io/")
    ]
    if is_silent(asked):
        return bool(passing)
    expected = ["node.kubernetes.io/unschedulable"] if asked["spec"]["unschedulable"] else []
    return ready and passing == expected


def _scheduled(pod: Mapping[str, Any]) -> tuple[bool, str] | None:
    for each in pod["status"].get("conditions", ()):
        if each["type"] == "PodScheduled":
            return each["status"] == "True", each.get("message", "")
    return None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A case, and the inventory that a hub with its settings would have."""

    case: RandomCase
    settings: SandlotSettings
    inventory: Inventory

    @classmethod
    def of(cls, case: RandomCase) -> Asked:
        """Return it, with nothing in the inventory yet."""
        settings = SandlotSettings.model_validate(case.settings)
        editor = ConfigEditor(config=Config({"KubeSpawner": dict(case.options)}))
        options = KubeOptions(editor, ("KubeSpawner",))
        hub = HubPlacement(
            node_selector=options.node_selector(),
            tolerations=options.tolerations(),
            beside=options.beside(),
        )
        inventory = Inventory(settings=settings, hub=hub)
        return cls(case=case, settings=settings, inventory=inventory)

    def predicted(self, nodes: Iterable[NodeRecord], pods: Iterable[PodRecord]) -> Prediction:
        """Return what we say, with all nodes and pods of the cluster before us."""
        put_all(self.inventory, nodes, pods)
        size = self.inventory.state(0).sizes["asked"]
        numbers = range(min(size.fits, MOST) + 1)
        servers = tuple(_server(self.case, self.settings, number) for number in numbers)
        return Prediction(case=self.case, size=size, servers=servers)


def _server(case: RandomCase, settings: SandlotSettings, number: int) -> dict[str, Any]:
    """Return a server as the hub makes it with an administrator's options."""
    ann = person("ann")
    plan = resolve({}, entitlements=ann, settings=settings, facilities=EVERYTHING_HERE)
    assert isinstance(plan, Plan)
    request = PodRequest(plan=plan, entitlements=ann, spawn_id=f"{case.name}-{number}")
    containers = [kubespawner_container(), *case.options.get("extra_containers", ())]
    made = kubespawner_manifest(
        containers=containers,
        nodeSelector=case.options.get("node_selector", {}),
        tolerations=case.options.get("tolerations", []),
    )
    made["metadata"]["name"] = f"server-{case.name}-{number}"
    parts = build_pod_parts(request, settings.kubernetes)
    return complete_manifest(made, parts, read_admin_parts(made))


def _disagreement(prediction: Prediction, answers: Sequence[tuple[bool, str]]) -> str:
    placed = sum(scheduled for scheduled, _ in answers)
    if placed == prediction.expected:
        return ""
    told = {message for scheduled, message in answers if not scheduled}
    return json.dumps(
        {
            "we say": prediction.size.model_dump(),
            "tried": len(answers),
            "placed": placed,
            "the scheduler says": sorted(told),
            "case": {
                "name": prediction.case.name,
                "settings": prediction.case.settings,
                "options": prediction.case.options,
                "nodes": prediction.case.nodes,
                "pods": prediction.case.pods,
            },
        },
        indent=1,
    )


# Quiet it takes half a minute; beside others on two cores, several times that.
@pytest.mark.timeout(400)
async def test_what_fits_is_what_the_scheduler_places(
    own_cluster: Cluster,
    api: ApiClient,
    make_namespace: Callable[..., Awaitable[TestNamespace]],
) -> None:
    assert own_cluster.plane is not None
    namespace = await make_namespace(security="privileged")
    stage = Stage(api, namespace)
    random = Random(SEED)  # noqa: S311 (cases, no secrets)
    overhead = f"heavy-{namespace.name}"
    cases = [
        random_case(f"{namespace.name}-{number}", random, overhead=overhead)
        for number in range(CASES)
    ]
    async with AsyncExitStack() as stack:
        await _runtime_class(stack, api, overhead)
        stack.push_async_callback(stage.clear)
        await stage.build(cases)
        asked = [Asked.of(case) for case in cases]
        labels = frozenset[str]().union(*(each.inventory.label_keys for each in asked))
        nodes = list(NodeKind(labels=labels).page(await stage.listed("/api/v1/nodes")).records)
        pods = list(
            PodKind(trusted="", labels=labels).page(await stage.listed("/api/v1/pods")).records
        )
        predictions = [each.predicted(nodes, pods) for each in asked]
        answers = await stage.tried(predictions)

    wrong = [_disagreement(each, answers[each.case.name]) for each in predictions]
    assert not any(wrong), f"seed {SEED}: " + "\n".join(each for each in wrong if each)
    # Nothing is proved by a random world in which nothing fits, or everything.
    some = sum(each.size.fits > 0 for each in predictions)
    assert 0.2 * CASES < some < 0.8 * CASES, some


async def _runtime_class(stack: AsyncExitStack, api: ApiClient, name: str) -> None:
    classes = NodeV1Api(api)
    made: Any = {
        "metadata": {"name": name},
        "handler": "heavy",
        "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}},
    }
    await classes.create_runtime_class(made)
    stack.push_async_callback(classes.delete_runtime_class, name)
