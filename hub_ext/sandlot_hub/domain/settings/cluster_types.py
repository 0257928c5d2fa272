"""Words of Kubernetes in the settings: names, labels and paths that the API server takes.

What it would refuse at every start is refused here, when the settings are read.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

ObjectName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$",
        max_length=253,
        strict=True,
    ),
]
"""Name of an object of the cluster: lower case, digits, hyphens and dots."""

NamespacedName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?/"
        r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$",
        max_length=317,
        strict=True,
    ),
]
"""Namespace and name of an object of the cluster, with a slash between them."""

NodeGroupName = Annotated[
    str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=300, strict=True)
]
"""Name of a node group as its autoscaler writes it; `*` stands for anything."""

GroupId = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
"""Number of a Unix group, never that of root."""

VariableText = Annotated[
    str, StringConstraints(pattern=r"^[^\x00]*$", max_length=10_000, strict=True)
]
"""Value of an environment variable, taken as it is written."""

_DOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN_MAXIMUM = 253


def _check_domain(key: str) -> str:
    domain, slash, _ = key.partition("/")
    if slash and len(domain) > _DOMAIN_MAXIMUM:
        msg = f"what is before the slash is longer than {_DOMAIN_MAXIMUM} characters"
        raise ValueError(msg)
    return key


LabelKey = Annotated[
    str,
    StringConstraints(pattern=rf"^(?:{_DOMAIN}/)?{_NAME}$", max_length=317, strict=True),
    AfterValidator(_check_domain),
]
"""Key of a label or of a taint, such as `nvidia.com/gpu.product`."""

_QUOTA_PREFIX = "requests."
_OWN_DOMAIN = "kubernetes.io"


def _check_resource(name: str) -> str:
    domain, _, _ = name.partition("/")
    if domain.endswith(_OWN_DOMAIN):
        msg = f"resources of {_OWN_DOMAIN} are those of Kubernetes itself, and no device has one"
        raise ValueError(msg)
    # A quota limits the resource by this name with the prefix before it.
    if domain.startswith(_QUOTA_PREFIX) or len(_QUOTA_PREFIX + domain) > _DOMAIN_MAXIMUM:
        msg = f"what is before the slash begins with {_QUOTA_PREFIX!r}, or is too long"
        raise ValueError(msg)
    return name


ResourceName = Annotated[
    str,
    StringConstraints(pattern=rf"^{_DOMAIN}/{_NAME}$", max_length=253, strict=True),
    AfterValidator(_check_resource),
]
"""Name of an extended resource, with its domain."""

LabelValue = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
        max_length=63,
        strict=True,
    ),
]
"""Value of a label or of a taint: at most 63 letters, digits, `-`, `_` and `.`."""

AttributeName = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(?:{_DOMAIN}/)?[A-Za-z_][A-Za-z0-9_]{{0,31}}$", max_length=96, strict=True
    ),
]
"""Name of an attribute of a device; without a domain it is the driver's own."""

AttributeValue = (
    Annotated[str, StringConstraints(max_length=64, strict=True)]
    | Annotated[int, Field(strict=True)]
    | Annotated[bool, Field(strict=True)]
)
"""Value of an attribute of a device. A version is written as text."""

_PART = r"\.?[A-Za-z0-9_][A-Za-z0-9._-]*"

SubPath = Annotated[
    str, StringConstraints(pattern=rf"^{_PART}(?:/{_PART})*$", max_length=200, strict=True)
]
"""Folder below the root of a volume, without a leading slash and without `..`."""

_RESERVED_PATHS = ("/dev", "/proc", "/sys", "/run", "/var/run")


def _check_mount_path(path: str) -> str:
    for reserved in _RESERVED_PATHS:
        if path == reserved or path.startswith(f"{reserved}/"):
            msg = f"nothing can be mounted at or below {reserved}: choose another path"
            raise ValueError(msg)
    return path


MountPath = Annotated[
    str,
    StringConstraints(pattern=rf"^(?:/{_PART})+$", max_length=500, strict=True),
    AfterValidator(_check_mount_path),
]
"""Absolute path in the server, without `..`."""

_RESERVED_VARIABLES = re.compile(r"(?:JUPYTERHUB|JUPYTER|SANDLOT|JPY|KUBERNETES)(?:_.*)?")


def _check_variable(name: str) -> str:
    if _RESERVED_VARIABLES.fullmatch(name):
        msg = "variables of JUPYTERHUB, JUPYTER, SANDLOT, JPY and KUBERNETES are set by the hub"
        raise ValueError(msg)
    return name


VariableName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200, strict=True),
    AfterValidator(_check_variable),
]
"""Name of an environment variable."""
