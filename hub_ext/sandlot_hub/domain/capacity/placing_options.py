"""Options of KubeSpawner after which it cannot be said from the settings what fits where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.catalogue import is_compatible

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandlot_hub.domain.settings.model import SandlotSettings

_AFFINITIES = frozenset(
    {"node_affinity_required", "pod_affinity_required", "pod_anti_affinity_required"}
)
_COUNTED_FOR_ALL = frozenset(
    {"extra_resource_guarantees", "extra_resource_limits", "node_selector", "tolerations"}
)
"""`HubPlacement` has them where they hold for every server."""
_CONTAINERS_FOR_ALL = "extra_containers"
"""It has these too."""
_INIT_CONTAINERS = "init_containers"
_POD = "extra_pod_config"
_POD_FIELDS = frozenset(
    {
        "affinity",
        "nodeName",
        "nodeSelector",
        "overhead",
        "resourceClaims",
        "resources",
        "runtimeClassName",
        "schedulerName",
        "schedulingGates",
        "tolerations",
        "topologySpreadConstraints",
    }
)

PLACING_FOR_ALL = (*sorted(_AFFINITIES), _INIT_CONTAINERS, _POD)
"""Names of the options that are looked at where they hold for every server."""


def places_itself(override: Mapping[str, object], *, for_all: bool = False) -> bool:
    """Return whether servers with these options may go elsewhere, or take more, than is counted.

    Parameters
    ----------
    override
        Values of options of KubeSpawner, by name.
    for_all
        Whether they hold for every server; then some of them are counted.
    """
    odd = _AFFINITIES if for_all else _AFFINITIES | _COUNTED_FOR_ALL
    containers = (_INIT_CONTAINERS,) if for_all else (_INIT_CONTAINERS, _CONTAINERS_FOR_ALL)
    return (
        any(override.get(name) for name in odd)
        or any(_ask(override.get(name)) for name in containers)
        or _places(override.get(_POD))
    )


def _ask(containers: object) -> bool:
    if isinstance(containers, Mapping):  # KubeSpawner takes them by name, too
        return _ask(list(containers.values()))
    if not containers:
        return False
    # What is called at a start may say anything.
    return not isinstance(containers, list | tuple) or any(
        not isinstance(each, Mapping) or bool(each.get("resources")) for each in containers
    )


def _places(pod: object) -> bool:
    return bool(pod) and (not isinstance(pod, Mapping) or not _POD_FIELDS.isdisjoint(pod))


def uncounted_sizes(
    settings: SandlotSettings, hub: Mapping[str, object] | None = None
) -> tuple[str, ...]:
    """Return the slugs of the sizes of which it is not known what fits.

    Parameters
    ----------
    settings
        As an administrator wrote them: services are handed them without these options.
    hub
        Options of KubeSpawner that hold for every server, by name; only those of them are
        looked at that decide where a server can be.
    """
    if hub is not None and places_itself(hub, for_all=True):
        return tuple(settings.sizes)
    images = frozenset(uncounted_images(settings))
    return tuple(
        slug
        for slug, size in settings.sizes.items()
        if places_itself(size.kubespawner_override) or _is_only_for(images, slug, settings)
    )


def uncounted_images(settings: SandlotSettings) -> tuple[str, ...]:
    """Return the slugs of the images with which it is not known what fits, whatever the size.

    Parameters
    ----------
    settings
        As an administrator wrote them.
    """
    return tuple(
        slug for slug, image in settings.images.items() if places_itself(image.kubespawner_override)
    )


def _is_only_for(images: Collection[str], size: str, settings: SandlotSettings) -> bool:
    """Return whether nobody can start a size with any other image than these."""
    entry = settings.sizes[size]
    naming = [profile for profile in settings.profiles.values() if size in profile.sizes]
    if not images or any(profile.custom_images is not None for profile in naming):
        return False
    running = {
        image
        for profile in naming
        for image in profile.images
        if is_compatible(image, settings.images[image], entry)
    }
    return bool(running) and running.issubset(images)
