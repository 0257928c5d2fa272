"""What would be accepted instead of a choice that was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.problem import Alternative
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE, follow_redirects
from sandlot_hub.domain.values.refusals import Refused

from .custom_image import find_custom, fitting_sizes
from .likeness import NONE_OF_THEM, unlikeness
from .sight import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .choice import Choice
    from .viewpoint import Viewpoint

MAXIMUM = 3
Pair = tuple[str, str]
"""Slugs of image and size."""
Combination = tuple[str, str, str]
"""Slugs of profile, image and size."""


class Alternatives:
    """Finds what one user can start instead; lives as long as its viewpoint.

    A page asks for every choice that is off, and most questions are alike: what
    lies near an entry of a profile, and what other profiles have, is found once.
    """

    def __init__(self, view: Viewpoint) -> None:
        self._view = view
        self._near: dict[tuple[Part, str, str | None], Sequence[str]] = {}
        self._ranked: dict[tuple[str | None, str | None], Sequence[Combination]] = {}
        self._found: dict[tuple[str, str | None, str | None], tuple[Pair, ...]] = {}
        self._currents: dict[str | None, str | None] = {}
        self._kept: dict[tuple[str, str | None, str | None], tuple[int, Pair] | None] = {}
        self._labelled: dict[Combination, Alternative] = {}

    def nearest(self, choice: Choice) -> tuple[Alternative, ...]:
        """Return at most three combinations that this user can start, nearest first.

        First those of the chosen profile, which keep the image, then the size. One
        place is kept for another profile, which may be the one that was meant, and
        one for a listed image in place of one that the user has named.
        """
        if choice.profile not in self._currents:
            self._currents[choice.profile] = self._current(choice.profile)
        profile = self._currents[choice.profile]
        elsewhere = self._elsewhere(choice.image, choice.size)
        others = [other for other in elsewhere if other[0] != profile][:MAXIMUM]
        # No place is kept for what would wait.
        places = MAXIMUM - (bool(others) and self._fits_now(others[0]))
        kept = [] if profile is None else self._within(profile, choice, places)
        listed = tuple(self._label(combination) for combination in [*kept, *others])
        if profile is None or choice.reference is None:
            return listed[:MAXIMUM]
        named = self._named(profile, choice.reference, choice.size)
        return (*named[: MAXIMUM - bool(listed)], *listed)[:MAXIMUM]

    def sooner(self, choice: Choice) -> tuple[Alternative, ...]:
        """Return at most three that can be started without waiting, for what would wait."""
        profile = self._current(choice.profile)
        within = [] if profile is None else self._within(profile, choice, MAXIMUM)
        elsewhere = self._elsewhere(choice.image, choice.size)
        near = [found for found in within if self._fits_now(found)]
        others = [found for found in elsewhere if found[0] != profile and self._fits_now(found)]
        kept = near[: MAXIMUM - bool(others)]
        return tuple(self._label(found) for found in [*kept, *others][:MAXIMUM])

    def _fits_now(self, combination: Combination) -> bool:
        return self._view.room(combination[2]).rank == 0

    def sooner_within(self, profile: str, choice: Choice) -> tuple[Alternative, ...]:
        """Return those of one profile, nearest first, that can be started without waiting."""
        nearest = self._within(profile, choice, MAXIMUM)
        return tuple(self._label(found) for found in nearest if self._fits_now(found))

    def nearest_within(self, profile: str, choice: Choice) -> tuple[Alternative, ...]:
        """Return at most three combinations of one profile, nearest first."""
        return tuple(
            self._label(combination) for combination in self._within(profile, choice, MAXIMUM)
        )

    def _current(self, profile: str | None) -> str | None:
        """Return the chosen profile, or its successor, if it can be started.

        A slug that the user may not know of counts as if it did not exist: what is
        offered instead must not tell the two apart.
        """
        view = self._view
        if profile is None or not view.knows_profile(profile):
            return None
        slug = follow_redirects(view.settings.profiles, profile)
        return slug if slug is not None and view.profile_reason(slug) is None else None

    def _named(self, profile: str, reference: str, size: str | None) -> tuple[Alternative, ...]:
        """Return what keeps an image that the user has named, if it may be named here."""
        image = find_custom(self._view, profile, reference)
        if isinstance(image, Refused):
            return ()
        fitting = frozenset(fitting_sizes(self._view, profile, image))
        wanted = self._wanted(Part.SIZE, profile, size)
        names = (self._view.settings.profiles[profile].display_name, image.display_name)
        return tuple(
            Alternative(
                profile=profile,
                image=CUSTOM_IMAGE,
                size=slug,
                label=" · ".join((*names, self._view.settings.sizes[slug].display_name)),
                reference=image.reference,
            )
            for slug in self._by_distance(Part.SIZE, profile, wanted)
            if slug in fitting
        )

    def _within(self, profile: str, choice: Choice, maximum: int) -> list[Combination]:
        key = (self._view.alike(profile), choice.image, choice.size)
        if key not in self._found:
            distinct: dict[Pair, None] = {}
            for pair in self._pairs(*key):
                distinct[pair] = None
                if len(distinct) == MAXIMUM:
                    break
            self._found[key] = tuple(distinct)
        return [(profile, *pair) for pair in self._found[key][:maximum]]

    def _pairs(self, profile: str, image: str | None, size: str | None) -> Iterator[Pair]:
        view = self._view
        image = self._wanted(Part.IMAGE, profile, image)
        size = self._wanted(Part.SIZE, profile, size)
        if image is not None and view.part_reason(Part.IMAGE, image, profile) is None:
            for other in self._by_distance(Part.SIZE, profile, size):
                if view.goes_together(image, other):
                    yield image, other
        if size is not None and view.part_reason(Part.SIZE, size, profile) is None:
            for other in self._by_distance(Part.IMAGE, profile, image):
                if view.goes_together(other, size):
                    yield other, size
        # Neither can be kept, or nothing goes with it: what lies next to it.
        near_sizes = () if size is None else self._by_distance(Part.SIZE, profile, size)
        near_images = () if image is None else self._by_distance(Part.IMAGE, profile, image)
        yield from filter(None, (view.pick(profile, None, other) for other in near_sizes))
        yield from filter(None, (view.pick(profile, other, None) for other in near_images))
        yield from filter(None, (view.pick(profile),))

    def _wanted(self, part: Part, profile: str, slug: str | None) -> str | None:
        """Return the chosen image or size, or its successor, if the profile shows it."""
        view = self._view
        if slug is None or not view.is_in_sight(part, slug):
            return None
        current = follow_redirects(view.entries(part), slug)
        return current if current in view.offered(part, profile) else None

    def _by_distance(self, part: Part, profile: str, wanted: str | None) -> Sequence[str]:
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

    def _elsewhere(self, image: str | None, size: str | None) -> Sequence[Combination]:
        """Return one combination of each profile: the soonest first, then what keeps most."""
        if (image, size) not in self._ranked:
            view = self._view
            found = [
                (kept[0], (slug, *kept[1]))
                for slug in view.profiles()
                if view.profile_reason(slug) is None
                for kept in [self._keep_most(slug, image, size)]
                if kept is not None
            ]
            found.sort(key=lambda entry: entry[0])
            # One more than is asked for, which may be of the chosen profile.
            self._ranked[image, size] = [other for _, other in found[: MAXIMUM + 1]]
        return self._ranked[image, size]

    def _keep_most(
        self, profile: str, image: str | None, size: str | None
    ) -> tuple[int, Pair] | None:
        """Return how bad a profile is in place of a choice, and what can be started there."""
        key = (self._view.alike(profile), image, size)
        if key not in self._kept:
            like = self._known(size)
            image = self._wanted(Part.IMAGE, profile, image)
            size = self._wanted(Part.SIZE, profile, size)
            tries = ((image, size), (image, None), (None, size), (None, None))
            picks = (self._view.pick(profile, *wanted) for wanted in tries)
            pair = next((picked for picked in picks if picked is not None), None)
            if pair is not None and (pair[1] != size or not self._fits_now((profile, *pair))):
                pair = self._nearer(profile, pair, like)
            self._kept[key] = pair and (self._loss(pair, image, like), pair)
        return self._kept[key]

    def _known(self, size: str | None) -> str | None:
        """Return a size, or its successor, if the user may know of it, in whatever profile."""
        view = self._view
        if size is None or not view.is_in_sight(Part.SIZE, size):
            return None
        current = follow_redirects(view.settings.sizes, size)
        return current if current and view.is_in_sight(Part.SIZE, current) else None

    def _nearer(self, profile: str, pair: Pair, size: str | None) -> Pair:
        """Return a pair of the same image, whose size is served sooner or more like another."""
        near = self._by_distance(Part.SIZE, profile, size)
        fitting = (other for other in near if self._view.goes_together(pair[0], other))
        return pair[0], next(fitting, pair[1])

    def _loss(self, pair: Pair, image: str | None, size: str | None) -> int:
        """Return how bad a pair is in place of another: to wait is worse than all else."""
        sizes = self._view.settings.sizes
        like = None if size is None else sizes[size]
        has_none = unlikeness(sizes[pair[1]], like)[0] == NONE_OF_THEM
        waits = self._view.room(pair[1]).rank
        return 8 * waits + 4 * has_none + 2 * (pair[0] != image) + (pair[1] != size)

    def _label(self, combination: Combination) -> Alternative:
        if combination not in self._labelled:
            profile, image, size = combination
            settings = self._view.settings
            names = (settings.profiles[profile], settings.images[image], settings.sizes[size])
            label = " · ".join(entry.display_name for entry in names)
            alternative = Alternative(profile=profile, image=image, size=size, label=label)
            self._labelled[combination] = alternative
        return self._labelled[combination]
