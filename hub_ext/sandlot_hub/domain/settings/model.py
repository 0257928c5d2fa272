"""What an administrator writes: images × sizes × accelerator flavors × profiles.

Every model is frozen and refuses unknown keys. The order of the mappings is the
order in which people see the entries.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sandlot_hub.domain.values.units import AcceleratorCount, Cpus, Duration, Memory

from .availability import AvailabilitySettings
from .base import (
    AllowSettings,
    DigestRule,
    ImageReference,
    LongText,
    RegistryPattern,
    RepositoryPattern,
    SettingsModel,
    ShortText,
    Slug,
    TagPattern,
    Text,
)
from .catalogue import check_catalogue
from .cluster import ClusterSettings, FlavorClusterSettings
from .cluster_types import ResourceName
from .dask import DaskSettings
from .kubespawner_override import KubespawnerOverride
from .local_flavor import FlavorLocalSettings


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
    kubespawner_override: KubespawnerOverride = Field(default={})
    """Options of KubeSpawner for servers of this image, by name; mappings are merged. See below."""

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
    kubernetes: FlavorClusterSettings = FlavorClusterSettings()
    """Where and how a Kubernetes cluster has it."""
    local: FlavorLocalSettings = FlavorLocalSettings()
    """Which GPUs of one machine are of this kind."""


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
    max_running: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = None
    """At most this many servers of this size run at once, of all users together."""
    price: Annotated[float, Field(ge=0, le=1_000_000, strict=True, allow_inf_nan=False)] | None = (
        None
    )
    """What an hour costs, in `price_unit`. Shown to people; nobody is charged for it."""
    kubespawner_override: KubespawnerOverride = Field(default={})
    """Options of KubeSpawner for servers of this size, over those of the image. See below."""


class ImageRule(SettingsModel):
    """Container images that people may name. Every part of a name has to match, in full."""

    registry: RegistryPattern
    """Host, with its port if it has one; `*.` in front of it stands for one more name."""
    repository: RepositoryPattern
    """Path: `*` stands for any text without a slash, `**` for one or more whole parts."""
    tag: TagPattern = "*"
    """Tag; `*` stands for any text. A restricted tag permits no digest, which would get past it."""
    digest: DigestRule = "optional"
    """Whether there must be a digest, or the one that it must be."""

    @model_validator(mode="after")
    def _can_match(self) -> Self:
        if self.digest == "required" and self.tag != "*":
            msg = "a digest decides what is run, so `digest: required` goes with any tag: '*'"
            raise ValueError(msg)
        if self.registry.endswith(".docker.io"):
            msg = "write `docker.io`, which stands for all its names"
            raise ValueError(msg)
        if self.registry == "docker.io" and self.repository != "**" and "/" not in self.repository:
            msg = "on docker.io a repository of one part is below `library/`"
            raise ValueError(msg)
        return self


class CustomImageSettings(SettingsModel):
    """Images that people name themselves, on Kubernetes."""

    display_name: Text = "Another image"
    """The name of this choice, as people see it."""
    allow: Annotated[tuple[ImageRule, ...], Field(min_length=1)]
    """Which images may be named: those that match any of these."""


class ProfileDefaults(SettingsModel):
    """What is preselected the first time."""

    image: Slug | None = None
    """Slug of the image; the first one of the profile when not set."""
    size: Slug | None = None
    """Slug of the size; the first one of the profile when not set."""


WhenFull = Literal["refuse", "wait"]
"""What becomes of a start for which there is no room now."""


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
    custom_images: CustomImageSettings | None = None
    """Set to let people name an image themselves; needs Kubernetes."""
    when_full: WhenFull | None = None
    """What becomes of a start for which there is no room now: `refuse` says why and what fits
    instead, `wait` lets people start it and wait. When not set, starts of sizes with accelerators
    are refused and all others wait, since a cluster may add nodes for them unasked. Where it is
    known that nodes can be added for a flavor, its sizes wait in any case."""


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
    accelerators: dict[Slug, AcceleratorFlavorSettings] = Field(default={})
    """Kinds of GPU, by slug."""
    profiles: Annotated[dict[Slug, ProfileSettings], Field(min_length=1)]
    """What people choose from, by slug."""
    price_unit: ShortText = "units"
    """What prices are counted in, such as `€` or `credits`; shown as `2 credits/h`."""
    local: LocalSettings = LocalSettings()
    """Servers as processes of one machine."""
    dask: DaskSettings = DaskSettings()
    """Dask clusters."""
    availability: AvailabilitySettings = AvailabilitySettings()
    """The page that shows which accelerators are free."""
    kubernetes: ClusterSettings = ClusterSettings()
    """Servers in a Kubernetes cluster, where the hub runs without `sandlot up`."""

    @property
    def entries(self) -> tuple[CatalogueEntry, ...]:
        """All that some may use and others not: profiles, images and sizes."""
        return (*self.profiles.values(), *self.images.values(), *self.sizes.values())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_catalogue(self)
        return self
