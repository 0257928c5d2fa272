"""What an image and a size set of KubeSpawner's options: for one start, and for no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner import hooks
from sandlot_hub.spawner.exceptions import SpawnFailed
from sandlot_hub.spawner.kube import SandlotKubeSpawner
from sandlot_hub.spawner.kube_overrides import unknown_options
from support.kube_spawner import (
    L4,
    SMALL,
    close_clients,
    cluster_document,
    kube_spawner,
    use_kubeconfig,
)
from support.kubeconfig import unreachable_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio

GPU_NODE = {"extra_pod_config": {"schedulerName": "gpu-scheduler"}}


@pytest_asyncio.fixture(autouse=True)
async def _without_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    use_kubeconfig(unreachable_kubeconfig(tmp_path), monkeypatch)
    yield
    await close_clients()


def _document(image: dict[str, Any] | None = None, **sizes: Any) -> dict[str, Any]:
    document = cluster_document()
    document["images"]["base"]["kubespawner_override"] = image or {}
    for slug, override in sizes.items():
        document["sizes"][slug]["kubespawner_override"] = override
    return document


async def _chosen(spawner: SandlotKubeSpawner, options: dict[str, str]) -> dict[str, Any]:
    """Start as far as KubeSpawner makes its manifest, and return that."""
    await hooks.apply_user_options(spawner, options)
    await spawner.load_user_options()
    return spawner.plain(await spawner.get_pod_manifest())


async def test_an_image_and_a_size_set_options() -> None:
    image = {"environment": {"A": "image", "B": "image", "C": "image"}, "cmd": ["server"]}
    size = {"environment": {"B": "size", "C": None}, "delete_grace_period": 60}
    spawner = kube_spawner(_document(image, small=size), environment={"A": "admin", "D": "admin"})
    manifest = await _chosen(spawner, SMALL)
    env = {each["name"]: each.get("value") for each in manifest["spec"]["containers"][0]["env"]}
    assert (env["A"], env["B"], env["D"]) == ("image", "size", "admin")
    assert "C" not in env
    assert manifest["spec"]["containers"][0]["args"][0] == "server"
    assert spawner.delete_grace_period == 60


async def test_the_next_start_of_another_choice_has_none_of_it() -> None:
    """KubeSpawner's own leak: after a GPU start that failed, others asked for a GPU too."""
    spawner = kube_spawner(
        _document({"environment": {"A": "image"}}, l4=GPU_NODE),
        extra_pod_config={"dnsPolicy": "None"},
    )
    first = await _chosen(spawner, L4)
    assert first["spec"]["schedulerName"] == "gpu-scheduler"
    assert first["spec"]["dnsPolicy"] == "None"
    # It fails: no state is cleared, and the same object starts the next.
    second = await _chosen(spawner, SMALL)
    assert "schedulerName" not in second["spec"]
    assert second["spec"]["dnsPolicy"] == "None"
    spawner.clear_state()
    assert spawner.extra_pod_config == {"dnsPolicy": "None"}
    assert spawner.environment == {}


async def test_values_can_be_functions() -> None:
    async def grace(spawner: Any) -> int:
        await asyncio.sleep(0)
        return len(spawner.user.name)

    override = {
        "args": lambda spawner: [f"--who={spawner.user.name}"],
        "delete_grace_period": grace,
    }
    spawner = kube_spawner(_document(override))
    await _chosen(spawner, SMALL)
    assert (spawner.args, spawner.delete_grace_period) == (["--who=ann"], 3)


def _fails(_spawner: object) -> object:
    raise RuntimeError


@pytest.mark.parametrize(
    ("override", "logged"),
    [
        pytest.param({"no_such_option": 1}, "no option 'no_such_option'", id="unknown"),
        pytest.param({"delete_grace_period": "x"}, "delete_grace_period", id="wrong-kind"),
        pytest.param({"args": _fails}, "images.base.args cannot be used", id="function-fails"),
        pytest.param(
            {"extra_labels": lambda _: {"sandlot/owner": "bob"}}, "sandlot/owner", id="our-label"
        ),
        pytest.param(
            {"extra_resource_limits": {"nvidia.com/gpu": "8"}},
            "cannot hold nvidia.com/gpu",
            id="accelerators",
        ),
    ],
)
async def test_what_cannot_be_used_is_a_sentence(
    override: dict[str, Any], logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    spawner = kube_spawner(_document(override))
    with pytest.raises(SpawnFailed) as caught:
        await _chosen(spawner, SMALL)
    assert caught.value.code == "override-refused"
    assert logged in caplog.text


async def test_a_start_that_failed_half_way_leaves_nothing() -> None:
    spawner = kube_spawner(_document({"args": ["--debug"], "no_such_option": 1}))
    with pytest.raises(SpawnFailed):
        await _chosen(spawner, SMALL)
    spawner.clear_state()
    assert spawner.args == []


async def test_the_plan_decides_what_it_decides() -> None:
    """An option that the plan does not know by name cannot get round it."""
    override = {"extra_container_config": {"image": "evil/x:1"}}
    manifest = await _chosen(kube_spawner(_document(override)), SMALL)
    assert manifest["spec"]["containers"][0]["image"] == "registry.invalid/sandlot/base:1"


async def test_options_that_do_not_exist_are_found_before_any_start() -> None:
    document = _document({"storage_clas": "x", "args": []}, l4={"gpu": 1})
    settings = SandlotSettings.model_validate(document)
    assert list(unknown_options(settings, SandlotKubeSpawner)) == [
        "images.base.kubespawner_override.storage_clas",
        "sizes.l4.kubespawner_override.gpu",
    ]
