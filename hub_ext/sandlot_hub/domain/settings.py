"""What an administrator writes: images × sizes × accelerator flavors × profiles.

Every model is frozen and refuses unknown keys. The order of the mappings is the
order in which people see the entries.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import override

from .catalogue import check_catalogue
from .units import AcceleratorCount, Cpus, Duration, Memory

Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z](?:-?[a-z0-9])*$", max_length=40, strict=True)
]
"""Stable name in options, URLs and labels: lower case, digits, single hyphens; never changed."""

Text = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$",
        strip_whitespace=True,
        strict=True,
    ),
]
"""One line without control characters."""

ShortText = Annotated[
    str, StringConstraints(max_length=40, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", strict=True)
]
"""A few words without control characters; may be empty."""

LongText = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$", strict=True),
]
"""Text that may have several lines."""

ImageReference = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=255, strict=True)
]
"""Registry, repository, tag and digest, as a container runtime takes them."""

ResourceName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9][a-z0-9.-]*/[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=253, strict=True
    ),
]
"""Name of an extended resource, with its domain."""


class SettingsModel(BaseModel):
    """Base of all settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Nothing of it changes, and traitlets copies every option for every spawner: of a
        # large catalogue that takes longer than all the rest of a start.
        return self


class AllowSettings(SettingsModel):
    """Who may use an entry. Empty lists mean everybody."""

    groups: tuple[Text, ...] = ()
    """Members of any of these groups may use it."""
    users: tuple[Text, ...] = ()
    """These users may use it, whatever their groups; names as the hub writes them."""


class Deprecated(SettingsModel):
    """An entry that is on its way out. Saved choices follow the redirect."""

    redirect: Slug | None = None
    """Slug of the successor, of the same kind. Without one the entry counts as removed."""
    message: LongText = ""
    """Shown to people whose choice was replaced."""


class CatalogueEntry(SettingsModel):
    """What images, sizes and profiles have in common."""

    display_name: Text
    """The name people see."""
    description: LongText = ""
    """One or two sentences for people; plain text, shown escaped."""
    allow: AllowSettings = AllowSettings()
    """Who may use it; everybody when empty."""
    hidden: bool = False
    """Hide it from those who may not use it, instead of showing it disabled with the reason."""
    deprecated: Deprecated | None = None
    """Set when the entry is on its way out; it is no longer offered."""


class ImageSettings(CatalogueEntry):
    """A software environment. It needs a container reference, a local environment, or both."""

    version: ShortText = ""
    """Version as people read it, such as `2026-10`."""
    reference: ImageReference | None = None
    """Container image reference, for Kubernetes."""
    local: Slug | None = None
    """Name of a folder below `images/` whose lock file makes the local environment."""
    requires_accelerator: bool = False
    """Whether the image is of no use without an accelerator."""

    @model_validator(mode="after")
    def _has_a_part(self) -> Self:
        if self.reference is None and self.local is None and self.deprecated is None:
            msg = "an image needs `reference` (Kubernetes), `local` (one machine), or both"
            raise ValueError(msg)
        return self


class AcceleratorFlavorSettings(SettingsModel):
    """A named kind of GPU."""

    display_name: Text
    """The name people see, such as `NVIDIA L4 24 GB`."""
    resource: ResourceName = "nvidia.com/gpu"
    """Resource name of the Kubernetes device plug-in."""
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """How much one unit counts against a budget, compared with the others."""


class AcceleratorRequest(SettingsModel):
    """How many of which flavor a size has."""

    flavor: Slug
    """Slug of the accelerator flavor."""
    count: AcceleratorCount = 1
    """How many."""


class SizeSettings(CatalogueEntry):
    """CPU, memory and accelerators."""

    cpus: Cpus
    """CPU cores."""
    memory: Memory
    """Memory, with its unit."""
    accelerator: AcceleratorRequest | None = None
    """Accelerators, if any."""
    excludes_images: tuple[Slug, ...] = ()
    """Images that do not work with this size."""


class ProfileDefaults(SettingsModel):
    """What is preselected the first time."""

    image: Slug | None = None
    """Slug of the image; the first one of the profile when not set."""
    size: Slug | None = None
    """Slug of the size; the first one of the profile when not set."""


class ProfileSettings(CatalogueEntry):
    """A named set of images × sizes that some groups may use."""

    images: Annotated[tuple[Slug, ...], Field(min_length=1)]
    """Slugs of the images, in the order in which they are shown."""
    sizes: Annotated[tuple[Slug, ...], Field(min_length=1)]
    """Slugs of the sizes, in the order in which they are shown."""
    default: bool = False
    """Whether this profile is preselected the first time; else the first that can be started."""
    defaults: ProfileDefaults = ProfileDefaults()
    """Preselected image and size."""


class LocalSettings(SettingsModel):
    """Servers as processes of one machine (`sandlot up`)."""

    start_timeout: Duration = 60.0
    """How long a server may take until it answers; then the start is given up and says why."""
    stop_grace: Duration = 10.0
    """How long a server may take to end by itself before it is killed."""


class SandlotSettings(SettingsModel):
    """The whole file."""

    version: Literal[1]
    """Version of this format. Always 1."""
    images: Annotated[dict[Slug, ImageSettings], Field(min_length=1)]
    """Software environments, by slug."""
    sizes: Annotated[dict[Slug, SizeSettings], Field(min_length=1)]
    """Resources, by slug."""
    accelerators: dict[Slug, AcceleratorFlavorSettings] = {}
    """Kinds of GPU, by slug."""
    profiles: Annotated[dict[Slug, ProfileSettings], Field(min_length=1)]
    """What people choose from, by slug."""
    local: LocalSettings = LocalSettings()
    """Servers as processes of one machine."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_catalogue(self)
        return self
