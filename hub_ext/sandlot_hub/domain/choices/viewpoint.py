"""The catalogue as one user meets it, here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.access import describe_audience, is_allowed
from sandlot_hub.domain.values.names import joined, quoted
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .parts import Parts
from .reasons import (
    CONFLICT,
    FORBIDDEN,
    mismatch,
    refuse,
    without_partner,
)
from .room_reasons import why_full
from .sight import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import SandlotSettings, WhenFull
    from sandlot_hub.domain.values.entitlements import Entitlements


class Viewpoint(Parts):
    """Settings and facilities as one user meets them.

    It lives as long as one decision. Each entry is judged when it is asked for,
    and once, because twenty profiles name the same few images and sizes.
    """

    def __init__(
        self, *, entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
    ) -> None:
        super().__init__(entitlements=entitlements, settings=settings, facilities=facilities)
        self._profile_reasons: dict[str, Refused | None] = {}
        self._pair_reasons: dict[tuple[str, str, WhenFull | None], Refused | None] = {}
        self._picks: dict[tuple[str, str | None, str | None], tuple[str, str] | None] = {}
        self._startable: dict[tuple[Part, str], Sequence[str]] = {}

    def pair_reason(self, profile: str, image: str, size: str) -> Refused | None:
        """Return why an image with a size is off in a profile, None when it is not.

        The profile itself is not judged.
        """
        key = (image, size, self.when_full(profile))
        if key not in self._pair_reasons:
            reason = self.part_reason(Part.IMAGE, image, profile)
            counted = image not in self.uncounted
            reason = reason or self.size_reason(size, profile, counted=counted)
            if reason is None and not self.goes_together(image, size):
                reason = mismatch(self.settings, image, size)
            self._pair_reasons[key] = reason
        return self._pair_reasons[key]

    def starts_together(self, profile: str, image: str, size: str) -> bool:
        """Return whether an image and a size, each of which is on, can be started together."""
        if not self.uncounted:
            return self.goes_together(image, size)
        return self.pair_reason(profile, image, size) is None

    def pick(
        self, profile: str, image: str | None = None, size: str | None = None
    ) -> tuple[str, str] | None:
        """Return the image and size that a start in a profile takes, None when there is none.

        What is given stays. What is left open is the profile's default, else the
        first that can be started, the image before the size. The profile itself
        is not judged.
        """
        if image is not None and size is not None:
            return None if self.pair_reason(profile, image, size) else (image, size)
        key = (self.alike(profile), image, size)
        if key not in self._picks:
            self._picks[key] = self._find(*key)
        return self._picks[key]

    def _find(self, profile: str, image: str | None, size: str | None) -> tuple[str, str] | None:
        sizes = self._candidates(Part.SIZE, profile, size)
        for candidate in self._candidates(Part.IMAGE, profile, image):
            for fitting in sizes:
                if self.starts_together(profile, candidate, fitting):
                    return candidate, fitting
        return None

    def _candidates(self, part: Part, profile: str, given: str | None) -> Sequence[str]:
        if given is None:
            return self.startable(part, profile)
        return () if self.part_reason(part, given, profile) else (given,)

    def startable(self, part: Part, profile: str) -> Sequence[str]:
        """Return the images or sizes of a profile that are on, the default one first."""
        key = (part, self.alike(profile))
        if key not in self._startable:
            defaults = self.settings.profiles[profile].defaults
            default = defaults.image if part is Part.IMAGE else defaults.size
            offered = self.offered(part, profile)
            on = [slug for slug in offered if not self.part_reason(part, slug, profile)]
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
            f"The profile {name} cannot be started now. {self._why_nothing(profile)}",
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
                return f"None of its {part}s is open to you. Choose another profile."
            if not self.startable(part, profile):
                reasons = [self.part_reason(part, slug, profile) for slug in offered]
                if full := why_full([each for each in reasons if each is not None]):
                    return full
                names = [quoted(self.entries(part)[slug].display_name) for slug in offered]
                return f"Every {part} of it is off: {joined(names)}. Choose another profile."
        return "None of its images that are on goes with a size that is on. Choose another profile."

    def why_not(self, profile: str, image: str | None, size: str | None) -> Refused:
        """Return why `pick` found nothing for the same arguments."""
        for part, given in ((Part.IMAGE, image), (Part.SIZE, size)):
            refusal = None if given is None else self.part_reason(part, given, profile)
            if refusal is not None:
                return refusal
        if image is not None and size is not None:
            return self.pair_reason(profile, image, size) or mismatch(self.settings, image, size)
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
