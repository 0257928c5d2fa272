"""What of the catalogue one user may know of, and is shown, whether it is on or off."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.access import is_known
from sandlot_hub.domain.settings.catalogue import follow_redirects

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from sandlot_hub.domain.settings.model import CatalogueEntry, SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements


class Part(StrEnum):
    """What is chosen within a profile."""

    IMAGE = "image"
    SIZE = "size"


class Sight:
    """The settings as far as one user may know of them."""

    def __init__(self, *, entitlements: Entitlements, settings: SandlotSettings) -> None:
        self.entitlements = entitlements
        self.settings = settings
        self._in_sight: dict[tuple[Part, str], bool] = {}
        self._offered: dict[tuple[Part, str], Sequence[str]] = {}
        self._profiles: Sequence[str] | None = None
        self._alike: dict[str, str] = {}
        self._firsts: dict[Hashable, str] = {}

    def alike(self, profile: str) -> str:
        """Return one profile for all of the same images, sizes, defaults and waiting.

        What can be started in them is the same, and found once: the twenty profiles of
        a large catalogue often differ in who may use them only.
        """
        if profile not in self._alike:
            entry = self.settings.profiles[profile]
            defaults = (entry.defaults.image, entry.defaults.size)
            key = (entry.images, entry.sizes, defaults, entry.when_full)
            self._alike[profile] = self._firsts.setdefault(key, profile)
        return self._alike[profile]

    def profiles(self) -> Sequence[str]:
        """Return the profiles that the user is shown."""
        if self._profiles is None:
            entries = self.settings.profiles.items()
            self._profiles = [slug for slug, entry in entries if self._shows(entry)]
        return self._profiles

    def entries(self, part: Part) -> Mapping[str, CatalogueEntry]:
        """Return all images or all sizes."""
        return self.settings.images if part is Part.IMAGE else self.settings.sizes

    def members(self, part: Part, profile: str) -> Sequence[str]:
        """Return what a profile names, whether the user may know of it or not."""
        entry = self.settings.profiles[profile]
        return entry.images if part is Part.IMAGE else entry.sizes

    def offered(self, part: Part, profile: str) -> Sequence[str]:
        """Return the images or sizes that the user is shown in a profile."""
        key = (part, self.alike(profile))
        if key not in self._offered:
            entries = self.entries(part)
            members = self.members(part, profile)
            self._offered[key] = [slug for slug in members if self._shows(entries[slug])]
        return self._offered[key]

    def knows(self, entry: CatalogueEntry) -> bool:
        """Return whether the user may know that an entry exists."""
        return is_known(entry, self.entitlements)

    def knows_profile(self, slug: str) -> bool:
        """Return whether the user may know that a profile of that name exists, or existed.

        A deprecated one is as secret as its successor: it would lead there.
        """
        profiles = self.settings.profiles
        if slug not in profiles or not self.knows(profiles[slug]):
            return False
        current = follow_redirects(profiles, slug)
        return current is None or self.knows(profiles[current])

    def is_in_sight(self, part: Part, slug: str) -> bool:
        """Return whether the user may know that an image or a size of that name exists.

        Not when only profiles name it that are hidden from the user: an answer that
        differs from the one for a name that does not exist would give it away.
        """
        key = (part, slug)
        if key not in self._in_sight:
            self._in_sight[key] = self._look_for(part, slug)
        return self._in_sight[key]

    def current(self, part: Part, slug: str | None) -> str | None:
        """Return an image or a size, or its successor, if the user may know of both."""
        if slug is None or not self.is_in_sight(part, slug):
            return None
        found = follow_redirects(self.entries(part), slug)
        return found if found is not None and self.is_in_sight(part, found) else None

    def wanted(self, part: Part, profile: str, slug: str | None) -> str | None:
        """Return an image or a size, or its successor, if the user is shown it in a profile."""
        found = self.current(part, slug)
        return found if found in self.offered(part, profile) else None

    def _look_for(self, part: Part, slug: str) -> bool:
        entry = self.entries(part).get(slug)
        if entry is None or not self.knows(entry):
            return False
        is_named = False
        for name in self.settings.profiles:
            if slug in self.members(part, name):
                if self.knows_profile(name):
                    return True
                is_named = True
        return not is_named

    def _shows(self, entry: CatalogueEntry) -> bool:
        return entry.deprecated is None and self.knows(entry)
