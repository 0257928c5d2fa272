"""A spawner of one user, outside of a hub, on any cluster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jupyterhub import orm
from kubernetes_asyncio import config as kube_config
from kubespawner import KubeSpawner, clients
from traitlets.config import Config

from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.kube import SandlotKubeSpawner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from support.cluster.nodes import Pool

L4 = {"profile": "work", "image": "base", "size": "l4"}
SMALL = {"profile": "work", "image": "base", "size": "small"}


def cluster_document(**kubernetes: Any) -> dict[str, Any]:
    """Return settings with a CPU size and one of an NVIDIA L4."""
    flavor = kubernetes.pop("flavor", {})
    return {
        "version": 1,
        "images": {
            "base": {"display_name": "Base", "reference": "registry.invalid/sandlot/base:1"}
        },
        "accelerators": {"l4": {"display_name": "NVIDIA L4", "kubernetes": flavor}},
        "sizes": {
            "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
            "l4": {
                "display_name": "One L4",
                "cpus": 1,
                "memory": "1 GiB",
                "accelerator": {"flavor": "l4"},
            },
        },
        "profiles": {
            "work": {"display_name": "Work", "images": ["base"], "sizes": ["small", "l4"]}
        },
        "kubernetes": {"homes": {"kind": "none"}, **kubernetes},
    }


def document_at(pool: Pool, **kubernetes: Any) -> dict[str, Any]:
    """Return settings whose servers run on these nodes only."""
    placement = pool.placement
    return cluster_document(
        node_selector=placement["nodeSelector"],
        tolerations=placement["tolerations"],
        **kubernetes,
    )


def use_kubeconfig(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have KubeSpawner's clients reach a cluster as a kubeconfig says."""
    # The client library has read the environment when it was imported, long before.
    location = kube_config.kube_config
    monkeypatch.setattr(location, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    clients.load_config.cache_clear()


async def close_clients() -> None:
    """End the watches and connections of KubeSpawner in this event loop."""
    await KubeSpawner._stop_all_reflectors()
    for client in list(clients._client_cache.values()):
        await client.api_client.close()
    clients.load_config.cache_clear()


def kube_spawner(
    document: Mapping[str, Any],
    *,
    name: str = "ann",
    groups: tuple[str, ...] = (),
    namespace: str = "people",
    shared: dict[str, Any] | None = None,
    watches: Mapping[str, int] | None = None,
    **options: Any,
) -> SandlotKubeSpawner:
    """Return a spawner; `options` are those of an administrator for KubeSpawner.

    `watches` are options of its watches.
    """
    user = SimpleNamespace(
        name=name,
        id=1,
        url=f"/user/{name}/",
        escaped_name=name,
        admin=False,
        groups=[SimpleNamespace(name=each) for each in groups],
        settings={} if shared is None else shared,
    )
    hub = SimpleNamespace(
        base_url="/hub/",
        api_url="http://hub:8081/hub/api",
        public_host="",
        url="http://hub:8081/hub/",
    )
    settings = SandlotSettings.model_validate(document)
    return SandlotKubeSpawner(
        user=user,
        hub=hub,
        orm_spawner=orm.Spawner(name=""),
        settings=settings,
        config=Config(
            KubeSpawner={"namespace": namespace, **options},
            ResourceReflector=dict(watches or {}),
        ),
    )
