"""Options of KubeSpawner that an image or a size sets for its own servers.

The way out for what the settings have no key for. What the settings do decide, what keeps
servers apart and what the hub has read before a start cannot be set there: it would hold for
half of a start only, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Collection

OVERRIDE_REFUSED = "override-refused"
"""Code of a start whose image or size sets an option that it may not set, or that does not exist."""

RESERVED: Mapping[str, str] = {
    **dict.fromkeys(("image", "image_spec"), "the plan decides it: write `reference` of the image"),
    **dict.fromkeys(
        ("cpu_limit", "cpu_guarantee", "mem_limit", "mem_guarantee"),
        "the plan decides it: write `cpus` and `memory` of the size",
    ),
    **dict.fromkeys(
        (
            "component_label",
            "common_labels",
            "dns_name_template",
            "enable_user_namespaces",
            "namespace",
            "pod_name_template",
            "pvc_name_template",
            "slug_scheme",
            "user_namespace_template",
        ),
        "it names what belongs to a server, which has to be found again whatever was chosen",
    ),
    **dict.fromkeys(
        (
            "additional_profile_form_template_paths",
            "apply_user_options",
            "group_overrides",
            "load_user_options",
            "options_form",
            "options_from_form",
            "profile_form_template",
            "profile_list",
            "settings",
            "user_options",
        ),
        "it decides what may be started, and by then that is decided",
    ),
    "storage_pvc_ensure": "it decides whether there are homes: write `kubernetes.homes`",
    **dict.fromkeys(
        ("http_timeout", "poll_interval", "start_timeout"),
        "the hub has read it before the start: write `kubernetes.patience`",
    ),
}
"""Options that cannot be set, each with why and what to write instead."""

_AMOUNTS = ("extra_resource_guarantees", "extra_resource_limits")
_MARKS = ("extra_annotations", "extra_labels")
_OUR_PREFIX = "sandlot/"
_DEPTH = 20

OptionName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100, strict=True)
]


def override_problem(name: str, value: object, resources: Collection[str] = ()) -> str:
    """Return why an option cannot be set to a value; empty when it can.

    Parameters
    ----------
    name
        The option of KubeSpawner.
    value
        Its value; a callable is not looked into.
    resources
        Resource names of all accelerators, which come with sizes.
    """
    if name in RESERVED:
        return f"`{name}` cannot be set here, because {RESERVED[name]}"
    if name in _AMOUNTS and isinstance(value, Mapping):
        taken = sorted(value.keys() & {"cpu", "memory", *resources})
        if taken:
            return f"`{name}` cannot hold {taken[0]}: write `accelerator` and amounts of the size"
    if name in _MARKS and isinstance(value, Mapping):
        ours = [str(key) for key in value if str(key).startswith(_OUR_PREFIX)]
        if ours:
            return f"`{name}` cannot hold {ours[0]}: by those labels Sandlot knows its servers"
    return ""


def merged(current: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with changes, as KubeSpawner makes them: None takes a key away.

    Neither of the two is changed: a start would otherwise leave something to the next.
    """
    result = dict(current)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def _checked(override: dict[str, Any]) -> dict[str, Any]:
    for name, value in override.items():
        problem = override_problem(name, value)
        if not problem and not callable(value) and not _is_plain(value, _DEPTH):
            problem = f"`{name}` takes text, numbers, lists and mappings"
        if problem:
            raise ValueError(problem)
    return override


def _is_plain(value: object, depth: int) -> bool:
    if isinstance(value, Mapping):
        texts = all(isinstance(key, str) for key in value)
        return texts and depth > 0 and all(_is_plain(each, depth - 1) for each in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_plain(each, depth - 1) for each in value)
    return value is None or isinstance(value, str | int | float)


# Left out where settings are written down or handed on: a service has no use for it, code
# cannot be written, and an administrator may have put a secret into it.
KubespawnerOverride = Annotated[
    dict[OptionName, Any], AfterValidator(_checked), Field(exclude=True, max_length=100)
]
"""Values of options of KubeSpawner, by name."""
