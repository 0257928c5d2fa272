"""A stored choice in the words that people know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.settings.model import CatalogueEntry, SandlotSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenNames:
    """What a server was started with. Each is empty when nothing was."""

    profile: str = ""
    image: str = ""
    size: str = ""

    @property
    def title(self) -> str:
        """All of it in one line."""
        return " · ".join(name for name in (self.profile, self.image, self.size) if name)


def chosen_names(options: object, settings: SandlotSettings) -> ChosenNames:
    """Return the names of stored options; of what the settings no longer have, the slug.

    A free-text image is called what was written.
    """
    if not isinstance(options, dict):
        return ChosenNames()
    written = options.get("reference")
    return ChosenNames(
        profile=_name(settings.profiles, options.get("profile")),
        image=written if isinstance(written, str) else _name(settings.images, options.get("image")),
        size=_name(settings.sizes, options.get("size")),
    )


def _name(entries: Mapping[str, CatalogueEntry], slug: object) -> str:
    if not isinstance(slug, str):
        return ""
    return entries[slug].display_name if slug in entries else slug
