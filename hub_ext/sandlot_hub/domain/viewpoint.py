"""The catalogue as one user meets it, here and now."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from .access import describe_audience, is_allowed, is_known
from .catalogue import follow_redirects, is_compatible
from .names import joined, quoted
from .reasons import (
    CONFLICT,
    FORBIDDEN,
    image_reason,
    mismatch,
    refuse,
    size_reason,
    without_partner,
)
from .refusals import RefusalCode, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .entitlements import Entitlements
    from .facilities import Facilities
    from .settings import CatalogueEntry, SandlotSettings


class Part(StrEnum):
    """What is chosen within a profile."""

    IMAGE = "image"
    SIZE = "size"


class Viewpoint:
    """Settings and facilities as one user meets them.

    It lives as long as one decision. Each entry is judged when it is asked for,
    and once, because twenty profiles name the same few images and sizes.
    """

    def __init__(
        self, *, entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
    ) -> None:
        self.entitlements = entitlements
        self.settings = settings
        self.facilities = facilities
        self._reasons: dict[tuple[Part, str], Refused | None] = {}
        self._profile_reasons: dict[str, Refused | None] = {}
        self._in_sight: dict[tuple[Part, str], bool] = {}
        self._offered: dict[tuple[Part, str], Sequence[str]] = {}
        self._startable: dict[tuple[Part, str], Sequence[str]] = {}

    def profiles(self) -> list[str]:
        """Return the profiles that the user is shown."""
        return [slug for slug, entry in self.settings.profiles.items() if self._shows(entry)]

    def entries(self, part: Part) -> Mapping[str, CatalogueEntry]:
        """Return all images or all sizes."""
        return self.settings.images if part is Part.IMAGE else self.settings.sizes

    def members(self, part: Part, profile: str) -> Sequence[str]:
        """Return what a profile names, whether the user may know of it or not."""
        entry = self.settings.profiles[profile]
        return entry.images if part is Part.IMAGE else entry.sizes

    def offered(self, part: Part, profile: str) -> Sequence[str]:
        """Return the images or sizes that the user is shown in a profile."""
        key = (part, profile)
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

    def _look_for(self, part: Part, slug: str) -> bool:
        entry = self.entries(part).get(slug)
        if entry is None or not self.knows(entry):
            return False
        naming = [name for name in self.settings.profiles if slug in self.members(part, name)]
        return not naming or any(self.knows_profile(name) for name in naming)

    def _shows(self, entry: CatalogueEntry) -> bool:
        return entry.deprecated is None and self.knows(entry)

    def part_reason(self, part: Part, slug: str) -> Refused | None:
        """Return why an image or a size is off whatever the profile, None when it is not."""
        key = (part, slug)
        if key not in self._reasons:
            self._reasons[key] = self._judge(part, slug)
        return self._reasons[key]

    def _judge(self, part: Part, slug: str) -> Refused | None:
        if part is Part.IMAGE:
            return image_reason(
                slug,
                self.settings.images[slug],
                entitlements=self.entitlements,
                facilities=self.facilities,
            )
        return size_reason(
            slug,
            self.settings.sizes[slug],
            entitlements=self.entitlements,
            settings=self.settings,
            facilities=self.facilities,
        )

    def goes_together(self, image: str, size: str) -> bool:
        """Return whether a size can run an image, wherever they are on or off."""
        return is_compatible(image, self.settings.images[image], self.settings.sizes[size])

    def pick(
        self, profile: str, image: str | None = None, size: str | None = None
    ) -> tuple[str, str] | None:
        """Return the image and size that a start in a profile takes, None when there is none.

        What is given stays. What is left open is the profile's default, else the
        first that can be started, the image before the size. The profile itself
        is not judged.
        """
        sizes = self._candidates(Part.SIZE, profile, size)
        for candidate in self._candidates(Part.IMAGE, profile, image):
            for fitting in sizes:
                if self.goes_together(candidate, fitting):
                    return candidate, fitting
        return None

    def _candidates(self, part: Part, profile: str, given: str | None) -> Sequence[str]:
        """Return what `pick` may take, best first: what is on, or what is given if that is on."""
        if given is not None:
            return () if self.part_reason(part, given) else (given,)
        key = (part, profile)
        if key not in self._startable:
            defaults = self.settings.profiles[profile].defaults
            default = defaults.image if part is Part.IMAGE else defaults.size
            on = [slug for slug in self.offered(part, profile) if not self.part_reason(part, slug)]
            self._startable[key] = sorted(on, key=lambda slug: slug != default)
        return self._startable[key]

    def profile_reason(self, profile: str) -> Refused | None:
        """Return why nothing of a profile can be started, None when something can."""
        if profile not in self._profile_reasons:
            self._profile_reasons[profile] = self._judge_profile(profile)
        return self._profile_reasons[profile]

    def _judge_profile(self, profile: str) -> Refused | None:
        refusal = self.access_reason(profile)
        if refusal is not None or self.pick(profile) is not None:
            return refusal
        name = quoted(self.settings.profiles[profile].display_name)
        return refuse(
            RefusalCode.PROFILE_UNAVAILABLE,
            f"The profile {name} cannot be started now. {self._why_nothing(profile)} "
            "Choose another profile.",
            field="profile",
            params={"profile": profile},
            status=CONFLICT,
        )

    def access_reason(self, profile: str) -> Refused | None:
        """Return why a profile is not open to the user, None when it is."""
        entry = self.settings.profiles[profile]
        if is_allowed(entry.allow, self.entitlements):
            return None
        return refuse(
            RefusalCode.PROFILE_NOT_ALLOWED,
            f"The profile {quoted(entry.display_name)} is for {describe_audience(entry.allow)}. "
            "Choose another profile, or ask an administrator for access.",
            field="profile",
            params={"profile": profile},
            status=FORBIDDEN,
        )

    def _why_nothing(self, profile: str) -> str:
        for part in Part:
            offered = self.offered(part, profile)
            if not offered:
                return f"None of its {part}s is open to you."
            if not self._candidates(part, profile, None):
                names = [quoted(self.entries(part)[slug].display_name) for slug in offered]
                return f"Every {part} of it is off: {joined(names)}."
        return "None of its images that are on goes with a size that is on."

    def why_not(self, profile: str, image: str | None, size: str | None) -> Refused:
        """Return why `pick` found nothing for the same arguments."""
        for part, given in ((Part.IMAGE, image), (Part.SIZE, size)):
            refusal = None if given is None else self.part_reason(part, given)
            if refusal is not None:
                return refusal
        if image is not None and size is not None:
            return mismatch(self.settings, image, size)
        refusal = self.profile_reason(profile)
        if refusal is not None:
            return refusal
        return without_partner(self.settings, image, size)

    def choice_reason(self, profile: str, part: Part, slug: str) -> Refused | None:
        """Return why an image or a size leads nowhere in a profile, None when it can be started.

        A choice that is on by itself is off when nothing that it goes with is on.
        """
        image, size = (slug, None) if part is Part.IMAGE else (None, slug)
        return (
            self.why_not(profile, image, size) if self.pick(profile, image, size) is None else None
        )

    def default_profile(self) -> str | None:
        """Return the profile that a start without options takes, None when there is none."""
        shown = self.profiles()
        flagged = [slug for slug in shown if self.settings.profiles[slug].default]
        startable = (slug for slug in (*flagged, *shown) if self.profile_reason(slug) is None)
        return next(startable, None)
