"""What can be wrong with a finished manifest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BreachCode(StrEnum):
    """What is wrong with a manifest. Stable."""

    NAME = "pod-name"
    """The pod has another name. Next: see what `pod_name_template` makes of the user's name."""
    FIELD = "pod-field"
    """A field that nobody asked for. Next: put it into `extra_pod_config` or `extra_container_config`."""
    CONTAINER = "pod-container"
    """There is not one container of the server, or one that nobody asked for. Next: look at hooks."""
    IMAGE = "pod-image"
    """The image is not that of the plan. Next: look at hooks, and remove what sets it."""
    LABEL = "pod-label"
    """A label of ours differs. Next: look at `extra_labels`, whose templates can hold user names."""
    ANNOTATION = "pod-annotation"
    """An annotation of ours differs. Next: look at `extra_annotations`."""
    VOLUME = "pod-volume"
    """A volume that nobody asked for. Next: look at `volumes` and at hooks."""
    MOUNT = "pod-mount"
    """A mount that nobody asked for. Next: look at `volume_mounts` and at hooks."""
    RESOURCE = "pod-resource"
    """Amounts or devices are not those of the plan. Next: look at `extra_resource_limits`."""
    PRIVILEGE = "pod-privilege"
    """The server would have more rights than planned. Next: look at security contexts and hooks."""
    ACCOUNT = "pod-account"
    """The server would get an account of the cluster. Next: set `service_account` if it shall."""
    VARIABLE = "pod-variable"
    """A variable takes its value from elsewhere. Next: set it in `environment`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One part of a manifest that nobody decided."""

    code: BreachCode
    where: str
    """Path in the manifest."""
    problem: str
    """What is wrong there, for an administrator's log."""
