"""What an administrator writes about GPUs of one machine, and how whose they are is derived."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .base import SettingsModel

Vendor = Literal["nvidia", "amd", "intel"]

ProductPattern = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", strict=True
    ),
    Field(examples=["NVIDIA L4", "*A100*80GB*"]),
]
"""Name of a product; `*` stands for any text, `?` for one character."""

MigProfile = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:[0-9]+c\.)?[0-9]+g\.[0-9]+gb(?:[-+.][a-z.]+)*$", max_length=63, strict=True
    ),
    Field(examples=["1g.10gb", "1g.10gb+me"]),
]
"""Name of a profile, as `nvidia-smi mig -lgip` lists it."""

_DOMAINS: dict[str, Vendor] = {
    "nvidia.com": "nvidia",
    "amd.com": "amd",
    "intel.com": "intel",
    "gpu.intel.com": "intel",
}
_MIG = "mig-"


class FlavorLocalSettings(SettingsModel):
    """Which GPUs of one machine (`sandlot up`) are of this kind."""

    vendor: Vendor | None = None
    """Who made it; what the domain of `resource` tells when not set."""
    product: ProductPattern = "*"
    """Its product name, in upper or lower case; `nvidia-smi -L` shows those of NVIDIA."""
    mig_profile: MigProfile | None = None
    """Profile, for parts of NVIDIA GPUs (MIG); what `resource` tells, such as `nvidia.com/mig-1g.10gb`, when not set."""


def vendor_of_resource(resource: str) -> Vendor | None:
    """Return who makes what a resource names; None when its domain does not tell."""
    return _DOMAINS.get(resource.partition("/")[0])


def profile_of_resource(resource: str) -> str | None:
    """Return the MIG profile that a resource names; None when it names whole GPUs."""
    domain, _, name = resource.partition("/")
    if _DOMAINS.get(domain) != "nvidia" or not name.startswith(_MIG):
        return None
    return name.removeprefix(_MIG)


def plain_profile(profile: str) -> str:
    """Return a MIG profile as resources write it, which can hold no plus sign."""
    return profile.replace("+", ".").lower()
