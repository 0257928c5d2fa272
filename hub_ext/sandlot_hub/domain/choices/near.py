"""What of one profile can be started in place of a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .likeness import unlikeness
from .sight import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .viewpoint import Viewpoint

MAXIMUM = 3
"""What is offered instead of one choice, at most."""
Pair = tuple[str, str]
"""Slugs of image and size."""


class Near:
    """Finds what lies near an entry of a profile, once for all that are alike."""

    def __init__(self, view: Viewpoint) -> None:
        self._view = view
        self._near: dict[tuple[Part, str, str | None], Sequence[str]] = {}
        self._found: dict[tuple[str, str | None, str | None], Sequence[Pair]] = {}

    def pairs(self, profile: str, image: str | None, size: str | None) -> Sequence[Pair]:
        """Return at most three pairs of a profile, those first that keep the image or the size."""
        key = (self._view.alike(profile), image, size)
        if key not in self._found:
            distinct: dict[Pair, None] = {}
            for pair in self._pairs(*key):
                distinct[pair] = None
                if len(distinct) == MAXIMUM:
                    break
            self._found[key] = tuple(distinct)
        return self._found[key]

    def fits_now(self, pair: Pair) -> bool:
        """Return whether a pair can be started without waiting."""
        return self._view.pair_room(*pair).rank == 0

    def _pairs(self, profile: str, image: str | None, size: str | None) -> Iterator[Pair]:
        view = self._view
        image = view.wanted(Part.IMAGE, profile, image)
        size = view.wanted(Part.SIZE, profile, size)
        if image is not None and view.part_reason(Part.IMAGE, image, profile) is None:
            for other in self.by_distance(Part.SIZE, profile, size):
                if view.starts_together(profile, image, other):
                    yield image, other
        if size is not None and view.part_reason(Part.SIZE, size, profile) is None:
            for other in self.by_distance(Part.IMAGE, profile, image):
                if view.starts_together(profile, other, size):
                    yield other, size
        # Neither can be kept, or nothing goes with it: what lies next to it.
        near_sizes = () if size is None else self.by_distance(Part.SIZE, profile, size)
        near_images = () if image is None else self.by_distance(Part.IMAGE, profile, image)
        yield from filter(None, (view.pick(profile, None, other) for other in near_sizes))
        yield from filter(None, (view.pick(profile, other, None) for other in near_images))
        yield from filter(None, (view.pick(profile),))

    def by_distance(self, part: Part, profile: str, wanted: str | None) -> Sequence[str]:
        """Return what is on, neighbours of the wanted one first: catalogues are in order.

        Of sizes, those that fit now come before those that would wait.
        """
        key = (part, self._view.alike(profile), wanted)
        if key not in self._near:
            on = self._view.startable(part, profile)
            places = {slug: n for n, slug in enumerate(self._view.offered(part, profile))}
            middle = None if wanted is None else places.get(wanted)
            if middle is not None:
                # By place within a distance: the earlier neighbour first, not the default.
                on = sorted(on, key=lambda s: (abs(places[s] - middle), places[s]))
            self._near[key] = self._soonest_first(on, wanted) if part is Part.SIZE else on
        return self._near[key]

    def _soonest_first(self, sizes: Sequence[str], wanted: str | None) -> Sequence[str]:
        """Return sizes that are served soonest first, then those of the accelerators wanted."""
        view = self._view
        entries = view.settings.sizes
        like = None if wanted is None else entries[wanted]
        # What is equal stays in its order.
        return sorted(sizes, key=lambda s: (view.room(s).rank, unlikeness(entries[s], like)))
