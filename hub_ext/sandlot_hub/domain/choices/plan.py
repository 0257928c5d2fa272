"""The result of `resolve`: what will be started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import (
        AcceleratorFlavorSettings,
        ImageSettings,
        ProfileSettings,
        SizeSettings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceleratorPlan:
    """Accelerators that the server gets."""

    flavor_slug: str
    flavor: AcceleratorFlavorSettings
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One image × size of one profile that this user may start here and now.

    An image that the user has named has the slug `CUSTOM_IMAGE`, and nothing but a
    name and a reference.
    """

    owner: str
    profile_slug: str
    profile: ProfileSettings
    image_slug: str
    image: ImageSettings
    size_slug: str
    size: SizeSettings
    accelerator: AcceleratorPlan | None
    redirected: tuple[str, ...] = ()
    """Sentences about deprecated choices that were replaced by their successors."""

    @property
    def options(self) -> dict[str, str]:
        """The options that resolve to this plan again; what is stored as the last choice."""
        if self.image_slug == CUSTOM_IMAGE:
            image = {"reference": str(self.image.reference)}
        else:
            image = {"image": self.image_slug}
        return {"profile": self.profile_slug, **image, "size": self.size_slug}
