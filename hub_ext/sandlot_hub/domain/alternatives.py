"""What would be accepted instead of a choice that was refused."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sandlot_contracts.problem import Alternative

from .catalogue import follow_redirects
from .viewpoint import Part, Viewpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .choice import Choice

MAXIMUM = 3
Combination = tuple[str, str, str]
"""Slugs of profile, image and size."""


def nearest(view: Viewpoint, choice: Choice) -> tuple[Alternative, ...]:
    """Return at most three combinations that this user can start, nearest first.

    First those of the chosen profile, which keep the image, then the size. One
    place is kept for another profile, which may be the one that was meant.
    """
    profile = _current(view, choice)
    within = [] if profile is None else list(islice(_within(view, profile, choice), MAXIMUM))
    others = list(islice(_elsewhere(view, profile, choice), MAXIMUM))
    kept = within[: MAXIMUM - bool(others)]
    return tuple(_label(view, combination) for combination in [*kept, *others][:MAXIMUM])


def nearest_within(view: Viewpoint, profile: str, choice: Choice) -> tuple[Alternative, ...]:
    """Return at most three combinations of one profile, nearest first."""
    found = islice(_within(view, profile, choice), MAXIMUM)
    return tuple(_label(view, combination) for combination in found)


def _current(view: Viewpoint, choice: Choice) -> str | None:
    """Return the chosen profile, or its successor, if it can be started.

    A slug that the user may not know of counts as if it did not exist: what is
    offered instead must not tell the two apart.
    """
    if choice.profile is None or not view.knows_profile(choice.profile):
        return None
    slug = follow_redirects(view.settings.profiles, choice.profile)
    return slug if slug is not None and view.profile_reason(slug) is None else None


def _within(view: Viewpoint, profile: str, choice: Choice) -> Iterator[Combination]:
    seen: set[Combination] = set()
    for image, size in _pairs(view, profile, choice):
        combination = (profile, image, size)
        if combination not in seen:
            seen.add(combination)
            yield combination


def _pairs(view: Viewpoint, profile: str, choice: Choice) -> Iterator[tuple[str, str]]:
    image = _wanted(view, Part.IMAGE, profile, choice.image)
    size = _wanted(view, Part.SIZE, profile, choice.size)
    if image is not None and view.part_reason(Part.IMAGE, image) is None:
        for other in _by_distance(view.offered(Part.SIZE, profile), size):
            if view.pick(profile, image, other) is not None:
                yield image, other
    if size is not None and view.part_reason(Part.SIZE, size) is None:
        for other in _by_distance(view.offered(Part.IMAGE, profile), image):
            if view.pick(profile, other, size) is not None:
                yield other, size
    picked = view.pick(profile)
    if picked is not None:
        yield picked


def _wanted(view: Viewpoint, part: Part, profile: str, slug: str | None) -> str | None:
    """Return the chosen image or size, or its successor, if the profile shows it."""
    if slug is None or not view.is_in_sight(part, slug):
        return None
    current = follow_redirects(view.entries(part), slug)
    return current if current in view.offered(part, profile) else None


def _by_distance(slugs: Sequence[str], wanted: str | None) -> Sequence[str]:
    """Return the slugs, neighbours of the wanted one first: catalogues are written in order."""
    if wanted is None:
        return slugs
    middle = slugs.index(wanted)
    order = sorted(range(len(slugs)), key=lambda index: abs(index - middle))
    return [slugs[index] for index in order]


def _elsewhere(view: Viewpoint, profile: str | None, choice: Choice) -> Iterator[Combination]:
    """Yield one combination of each other profile; those that keep most of the choice first."""
    ranked: list[tuple[int, Combination]] = []
    for other in view.profiles():
        if other != profile and view.profile_reason(other) is None:
            image = _wanted(view, Part.IMAGE, other, choice.image)
            size = _wanted(view, Part.SIZE, other, choice.size)
            tries = (
                view.pick(other, i, s) for i, s in ((image, size), (image, None), (None, size))
            )
            picked = next(filter(None, tries), None) or view.pick(other)
            if picked is not None:
                lost = 2 * (picked[0] != image) + (picked[1] != size)
                ranked.append((lost, (other, *picked)))
    ranked.sort(key=lambda entry: entry[0])
    return (combination for _, combination in ranked)


def _label(view: Viewpoint, combination: Combination) -> Alternative:
    profile, image, size = combination
    settings = view.settings
    names = (settings.profiles[profile], settings.images[image], settings.sizes[size])
    label = " · ".join(entry.display_name for entry in names)
    return Alternative(profile=profile, image=image, size=size, label=label)
