from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.dask.names import DaskPlace
from sandlot_hub.domain.dask.options import DaskPlan, choose_dask, dask_offers
from sandlot_hub.domain.dask.pods import DaskObjects, dask_objects, worker_of
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import person
from support.kube_catalogue import cluster_catalogue
from support.pods import flavor_settings

if TYPE_CHECKING:
    from support.golden import Golden

PLACE = DaskPlace(name="0" * 32, instance="sandlot", door_url="http://gateway:8091/api")


def made(
    size: str = "small",
    *,
    groups: tuple[str, ...] = (),
    dask: dict[str, Any] | None = None,
    **kubernetes: Any,
) -> DaskObjects:
    document = cluster_catalogue(**kubernetes)
    document["accelerators"]["l4"]["kubernetes"] = {
        "node_selector": {"gpu": "l4"},
        "tolerations": [{"key": "nvidia.com/gpu"}],
        "runtime_class": "nvidia",
    }
    document["dask"] = dask or {}
    settings = SandlotSettings.model_validate(document)
    ann = person("ann", *groups)
    offers = dask_offers(ann, settings, Facilities(mode=Mode.KUBERNETES))
    plan = choose_dask({"worker_size": size}, offers, settings)
    assert isinstance(plan, DaskPlan)
    return dask_objects(plan, ann, settings, PLACE)


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["spec"]["containers"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize("role", ["scheduler", "worker"])
def test_its_pods_are_restricted_and_know_nothing_of_the_cluster(role: str) -> None:
    pod = made().document()[role]

    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["enableServiceLinks"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    security = container(pod)["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["allowPrivilegeEscalation"] is False


def test_keys_are_in_files_and_never_in_a_manifest() -> None:
    for pod in (made().scheduler, made().worker):
        told = {each["name"]: each.get("value") for each in container(pod)["env"]}
        assert told["DASK_GATEWAY_API_TOKEN"] == "/etc/dask-credentials/api-token"
        keys = {name: value for name, value in told.items() if "COMM__TLS" in name}
        assert len(keys) == 3
        assert all(str(value).startswith("/etc/dask-credentials/") for value in keys.values())


def test_labels_say_whose_it_is_as_those_of_servers_do() -> None:
    labels = made("gpu").worker["metadata"]["labels"]

    assert labels["sandlot/owner"] == "ann"
    assert labels["sandlot/account"] == "ann"
    assert labels["sandlot/profile"] == "training"
    assert labels["sandlot/flavor"] == "l4"
    assert labels["sandlot/workload"] == "dask-worker"
    assert labels["gateway.dask.org/cluster"] == PLACE.name
    assert "sandlot/spawn-id" not in labels


def test_a_gpu_is_the_workers_and_not_the_schedulers() -> None:
    objects = made("gpu")

    assert container(objects.worker)["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert objects.worker["spec"]["runtimeClassName"] == "nvidia"
    assert objects.worker["spec"]["nodeSelector"] == {"gpu": "l4"}
    assert "nvidia.com/gpu" not in container(objects.scheduler)["resources"]["limits"]
    assert "runtimeClassName" not in objects.scheduler["spec"]
    assert "tolerations" not in objects.scheduler["spec"]


@pytest.mark.parametrize("flavor", ["whole", "mig", "amd", "dra"])
def test_a_worker_has_gpus_as_a_server_of_its_size_has_them(flavor: str, golden: Golden) -> None:
    settings, ann = flavor_settings(flavor, 2), person("ann")
    offers = dask_offers(ann, settings, Facilities(mode=Mode.KUBERNETES))
    plan = choose_dask({}, offers, settings)
    assert isinstance(plan, DaskPlan)
    objects = dask_objects(plan, ann, settings, PLACE)

    golden.check(f"worker-{flavor}", objects.worker)
    arguments = container(objects.worker)["args"]
    assert arguments[-2:] == ["--resources", "GPU=2"]
    assert "GPU=2" not in container(objects.scheduler)["args"]
    without = {"nodeSelector", "tolerations", "runtimeClassName", "resourceClaims"}
    assert not without & objects.scheduler["spec"].keys()
    assert objects.scheduler["spec"].get("volumes", [])[-1]["name"] == "dask-credentials"


def test_a_worker_without_gpus_tells_of_none() -> None:
    assert "--resources" not in container(made().worker)["args"]


def test_the_scheduler_has_what_the_settings_give_to_schedulers() -> None:
    objects = made(dask={"scheduler": {"cpus": 0.5, "memory": "1 GiB"}, "idle_timeout": "2 min"})

    limits = container(objects.scheduler)["resources"]["limits"]
    assert limits == {"cpu": 0.5, "memory": 1024**3}
    arguments = container(objects.scheduler)["args"]
    assert arguments[arguments.index("--dg-idle-timeout") + 1] == "120.0"


CLAIM = {"kind": "claim", "access_mode": "ReadWriteMany"}


@pytest.mark.parametrize(
    ("homes", "mounted", "claims"),
    [
        pytest.param(CLAIM, False, [], id="not-asked-for"),
        pytest.param(CLAIM, True, ["claim-ann"], id="on-a-claim"),
        pytest.param({"kind": "folder", "claim": "files"}, True, ["files"], id="in-a-folder"),
        pytest.param({"kind": "none"}, True, [], id="none"),
    ],
)
def test_a_home_is_mounted_where_the_settings_say_so(
    homes: dict[str, str], mounted: bool, claims: list[str]
) -> None:
    for pod in made(homes=homes, dask={"mount_home": mounted}).document().values():
        volumes = pod["spec"].get("volumes", [])
        found = [
            each["persistentVolumeClaim"]["claimName"] for each in volumes if "secret" not in each
        ]
        assert pod["kind"] == "NetworkPolicy" or found == claims


def test_data_is_for_those_who_may_read_it() -> None:
    data = {"genomes": {"claim": "g", "mount_path": "/data", "allow": {"groups": ["bio"]}}}

    for groups, seen in (((), False), (("bio",), True)):
        worker = made(data_volumes=data, groups=groups).worker
        paths = {each["mountPath"] for each in container(worker)["volumeMounts"]}
        assert ("/data" in paths) is seen


@pytest.mark.parametrize(
    ("address", "written"),
    [("10.1.2.3", "tls://10.1.2.3:8786"), ("fd00::1", "tls://[fd00::1]:8786")],
)
def test_a_worker_is_told_where_its_scheduler_is(address: str, written: str) -> None:
    template = made().worker
    worker = worker_of(template, scheduler_ip=address)

    told = {each["name"]: each.get("value") for each in container(worker)["env"]}
    assert told["DASK_SCHEDULER_ADDRESS"] == written
    assert "DASK_SCHEDULER_ADDRESS" not in str(template)


def test_who_may_reach_it() -> None:
    policy = made().policy["spec"]

    assert policy["podSelector"]["matchLabels"]["gateway.dask.org/cluster"] == PLACE.name
    found = [
        (
            rule["from"][0]["podSelector"]["matchLabels"],
            [each["port"] for each in rule.get("ports", [])],
        )
        for rule in policy["ingress"]
    ]
    assert found == [
        (policy["podSelector"]["matchLabels"], []),
        ({"sandlot/part": "dask-proxy"}, [8786]),
        ({"sandlot/part": "dask-gateway"}, [8788]),
        ({"sandlot/owner": "ann", "sandlot/workload": "server"}, [8787]),
    ]
