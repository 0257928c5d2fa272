"""From a plan to the parts of a server's manifest. Pure; the spawner applies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.size_demand import (
    extended_resources,
    flavor_selector,
    flavor_tolerations,
)
from sandlot_hub.domain.settings.access import is_allowed
from sandlot_hub.domain.settings.cluster import ClaimHome, FlavorClusterSettings, FolderHome, NoHome
from sandlot_hub.domain.settings.pod_parts import SHM_PATH, HomeClaim, Mount, PodParts, Volume

from .names import (
    HUB,
    SPAWN_ID,
    annotation_value,
    home_claim_name,
    home_folder,
    label_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandlot_hub.domain.choices.plan import Plan
    from sandlot_hub.domain.settings.cluster import ClusterSettings, TolerationSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

_NO_FLAVOR = FlavorClusterSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """One start, as far as the cluster needs to know it."""

    plan: Plan
    entitlements: Entitlements
    """The owner's groups, which decide about data volumes."""
    spawn_id: str
    server_name: str = ""
    """Empty for the default server."""
    account: str = ""
    """Who pays; the owner when empty."""
    home_claim: str = ""
    """Name of the home's claim where an administrator named claims; ours when empty."""
    hub: str = ""
    """Where servers reach the hub that starts this one; no other hub has the same address."""


def build_pod_parts(request: PodRequest, cluster: ClusterSettings) -> PodParts:
    """Return what the cluster is asked for.

    The same request and settings always give the same parts.
    """
    size, wanted = request.plan.size, request.plan.accelerator
    flavor = _NO_FLAVOR if wanted is None else wanted.flavor.kubernetes
    volumes, mounts = _volumes(request, cluster, flavor)
    return PodParts(
        image=str(request.plan.image.reference),
        pull_policy=cluster.image_pull_policy,
        pull_secrets=cluster.image_pull_secrets,
        cpus=size.cpus,
        memory_bytes=size.memory,
        extended_resources={}
        if wanted is None
        else extended_resources(wanted.flavor, wanted.count),
        device_claims=_device_claims(request),
        node_selector=flavor_selector(cluster, flavor),
        tolerations=tuple(_tolerations(flavor_tolerations(cluster, flavor))),
        runtime_class=flavor.runtime_class,
        priority_class=cluster.priority_class,
        file_group=cluster.file_group,
        home=_home_claim(request, cluster),
        volumes=volumes,
        mounts=mounts,
        labels=workload_labels(request),
        annotations=workload_annotations(request),
        environment=dict(cluster.environment),
    )


# --- whose it is ---------------------------------------------------------------------------


def owner_labels(request: PodRequest) -> dict[str, str]:
    """Return the labels by which everything of an owner is found, homes included."""
    owner = label_value(request.plan.owner)
    # KubeSpawner's own label with our value: its digest of 32 bits would let one user be
    # counted as another by the dashboards that join on it.
    return {"hub.jupyter.org/username": owner, "sandlot/owner": owner}


def workload_labels(request: PodRequest) -> dict[str, str]:
    """Return the labels of a server: who uses it, who pays, and what it is."""
    plan = request.plan
    labels = {
        **owner_labels(request),
        "sandlot/account": label_value(request.account or plan.owner),
        "sandlot/workload": "server",
        "sandlot/profile": label_value(plan.profile_slug),
        "sandlot/image": label_value(plan.image_slug),
        "sandlot/size": label_value(plan.size_slug),
        SPAWN_ID: label_value(request.spawn_id),
        HUB: label_value(request.hub),
    }
    if plan.accelerator is not None:
        labels["sandlot/flavor"] = label_value(plan.accelerator.flavor_slug)
    return labels


def workload_annotations(request: PodRequest) -> dict[str, str]:
    """Return owner, account and server as they are written, which labels cannot hold."""
    owner = annotation_value(request.plan.owner)
    annotations = {
        "hub.jupyter.org/username": owner,
        "sandlot/owner": owner,
        "sandlot/account": annotation_value(request.account or request.plan.owner),
    }
    if request.server_name:
        annotations["hub.jupyter.org/servername"] = annotation_value(request.server_name)
    return annotations


# --- devices -------------------------------------------------------------------------------


def _device_claims(request: PodRequest) -> dict[str, str]:
    wanted = request.plan.accelerator
    template = None if wanted is None else wanted.flavor.kubernetes.claim_template
    if wanted is None or template is None:
        return {}
    # A template asks for one unit, so a size with four has four claims of it.
    return {f"accelerator-{number}": template for number in range(wanted.count)}


def _tolerations(settings: Iterable[TolerationSettings]) -> Iterator[dict[str, str]]:
    for each in settings:
        fields = {
            "key": each.key,
            "operator": each.operator,
            "value": each.value,
            "effect": each.effect,
        }
        yield {name: text for name, text in fields.items() if text is not None}


# --- files ---------------------------------------------------------------------------------


def _home_claim(request: PodRequest, cluster: ClusterSettings) -> HomeClaim | None:
    home = cluster.homes
    if not isinstance(home, ClaimHome):
        return None
    server = request.server_name if home.per == "server" else ""
    return HomeClaim(
        name=request.home_claim or home_claim_name(request.plan.owner, server),
        size_bytes=home.size,
        storage_class=home.storage_class,
        access_mode=home.access_mode,
    )


def _volumes(
    request: PodRequest, cluster: ClusterSettings, flavor: FlavorClusterSettings
) -> tuple[tuple[Volume, ...], tuple[Mount, ...]]:
    pairs = (
        *_home(request, cluster),
        *_shared_folder(cluster),
        *_data_volumes(request.entitlements, cluster),
        *_shared_memory(request, flavor.shm_size or cluster.shm_size),
    )
    return tuple(volume for volume, _ in pairs), tuple(mount for _, mount in pairs)


def _home(request: PodRequest, cluster: ClusterSettings) -> Iterator[tuple[Volume, Mount]]:
    match cluster.homes:
        case ClaimHome(mount_path=path):
            claim = _home_claim(request, cluster)
            name = "" if claim is None else claim.name
            yield Volume(name="home", claim=name), Mount(volume="home", path=path)
        case FolderHome(claim=name, mount_path=path, below=below, per=per):
            server = request.server_name if per == "server" else ""
            folder = f"{below}/{home_folder(request.plan.owner, server)}"
            yield Volume(name="home", claim=name), Mount(volume="home", path=path, folder=folder)
        case NoHome():
            return


def _shared_folder(cluster: ClusterSettings) -> Iterator[tuple[Volume, Mount]]:
    shared = cluster.shared_folder
    if shared is not None:
        yield (
            Volume(name="shared", claim=shared.claim),
            Mount(volume="shared", path=shared.mount_path, folder=shared.sub_path or ""),
        )


def _data_volumes(
    entitlements: Entitlements, cluster: ClusterSettings
) -> Iterator[tuple[Volume, Mount]]:
    for slug, data in cluster.data_volumes.items():
        writes = not entitlements.groups.isdisjoint(data.write_groups)
        if writes or is_allowed(data.allow, entitlements):
            name = f"data-{slug}"
            yield (
                Volume(name=name, claim=data.claim),
                Mount(
                    volume=name,
                    path=data.mount_path,
                    folder=data.sub_path or "",
                    read_only=not writes,
                ),
            )


def _shared_memory(request: PodRequest, size: int | None) -> Iterator[tuple[Volume, Mount]]:
    if size is not None:
        # What lies there counts as the server's memory: more than that could never be used.
        limit = min(size, request.plan.size.memory)
        yield Volume(name="shm", memory_bytes=limit), Mount(volume="shm", path=SHM_PATH)
