"""Images and sizes as one user meets them, here and now: each judged by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.catalogue import is_compatible

from .capacity_reasons import find_room, may_start, uncounted_room
from .reasons import image_reason, size_reason
from .room_reasons import room_reason
from .sight import Part, Sight

if TYPE_CHECKING:
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import SandlotSettings, WhenFull
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.refusals import Refused

    from .capacity_reasons import SizeRoom

_COUNTED = frozenset({False})


class Parts(Sight):
    """The images and sizes that one user may know of, each with why it is off.

    Each is judged when it is asked for, and once: twenty profiles name the same few.
    """

    def __init__(
        self, *, entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
    ) -> None:
        super().__init__(entitlements=entitlements, settings=settings)
        self.facilities = facilities
        capacity = facilities.capacity
        self.uncounted = frozenset(() if capacity is None else capacity.uncounted_images)
        """Images of which nobody counts what fits."""
        self._reasons: dict[tuple[Part, str, WhenFull | None, bool], Refused | None] = {}
        self._rooms: dict[str, SizeRoom] = {}
        self._partners: dict[tuple[str, str], frozenset[bool]] = {}

    def part_reason(self, part: Part, slug: str, profile: str) -> Refused | None:
        """Return why an image or a size is off in a profile, None when it is not.

        Of the profile only counts what becomes of starts without room, and whether it has an
        image of which nobody counts what fits: that makes each size one that may fit.
        """
        is_size = part is Part.SIZE
        counted = is_size and not (self.uncounted and True in self._ways(profile, slug))
        return self._reason(part, slug, profile, counted=counted)

    def size_reason(self, slug: str, profile: str, *, counted: bool = True) -> Refused | None:
        """Return why a size is off in a profile for images of which it is `counted` what fits."""
        return self._reason(Part.SIZE, slug, profile, counted=counted)

    def _reason(self, part: Part, slug: str, profile: str, *, counted: bool) -> Refused | None:
        when_full = self.when_full(profile)
        key = (part, slug, when_full, counted)
        if key not in self._reasons:
            reason = self._judge(part, slug)
            if reason is None and counted:
                size = self.settings.sizes[slug]
                reason = room_reason(slug, size, self.room(slug), when_full)
            self._reasons[key] = reason
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

    def when_full(self, profile: str) -> WhenFull | None:
        """Return what becomes of starts without room in a profile."""
        return self.settings.profiles[profile].when_full

    def room(self, slug: str) -> SizeRoom:
        """Return whether there is room for one more server of a size."""
        if slug not in self._rooms:
            size = self.settings.sizes[slug]
            self._rooms[slug] = find_room(
                slug, size, settings=self.settings, facilities=self.facilities
            )
        return self._rooms[slug]

    def pair_room(self, image: str, size: str) -> SizeRoom:
        """Return whether there is room for one more server of an image in a size."""
        if image in self.uncounted:
            return uncounted_room(self.settings.sizes[size], self.settings)
        return self.room(size)

    def room_in(self, profile: str, size: str) -> SizeRoom:
        """Return what a page says of the room for a size in a profile, whatever the image.

        Nothing where that is counted for no image, or where only what nobody counts may fit.
        """
        room, ways = self.room(size), self._ways(profile, size)
        entry = self.settings.sizes[size]
        if True not in ways or (False in ways and may_start(room, entry, self.when_full(profile))):
            return room
        return uncounted_room(entry, self.settings)

    def _ways(self, profile: str, size: str) -> frozenset[bool]:
        """Return whether what fits is uncounted for the images that run a size in a profile."""
        if not self.uncounted:
            return _COUNTED
        key = (self.alike(profile), size)
        if key not in self._partners:
            self._partners[key] = frozenset(
                image in self.uncounted
                for image in self.offered(Part.IMAGE, profile)
                if self.goes_together(image, size)
                and self.part_reason(Part.IMAGE, image, profile) is None
            )
        return self._partners[key]

    def goes_together(self, image: str, size: str) -> bool:
        """Return whether a size can run an image, wherever they are on or off."""
        return is_compatible(image, self.settings.images[image], self.settings.sizes[size])
