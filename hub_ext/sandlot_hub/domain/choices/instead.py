"""What fits instead of a choice, said so that profiles that are alike can share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandlot_contracts.problem import Alternative

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandlot_hub.domain.settings.model import SandlotSettings

Combination = tuple[str, str, str]
"""Slugs of profile, image and size."""
Nearby = tuple[str | None, str, str]
"""The same, without the profile where it is that of the choice."""


class Instead(NamedTuple):
    """What can be started in place of a choice, as seen from the profile of that choice."""

    profile: str | None
    """None where it is of the same profile, whichever that is."""
    image: str
    size: str
    label: str
    """As a person reads it; without the name of the profile where that is the same."""


def seen_from(profile: str, combinations: Iterable[Combination]) -> tuple[Nearby, ...]:
    """Return combinations as they are for every profile that has the same beside it."""
    return tuple(
        (None if other == profile else other, image, size) for other, image, size in combinations
    )


def named(near: Iterable[Nearby], settings: SandlotSettings) -> tuple[Instead, ...]:
    """Return combinations with their names."""
    return tuple(
        Instead(profile, image, size, label(profile, image, size, settings))
        for profile, image, size in near
    )


def label(profile: str | None, image: str, size: str, settings: SandlotSettings) -> str:
    """Return the name of a combination; without a profile, that within one."""
    names = [settings.images[image].display_name, settings.sizes[size].display_name]
    if profile is not None:
        names.insert(0, settings.profiles[profile].display_name)
    return " · ".join(names)


def alternative(instead: Instead, *, slug: str, name: str) -> Alternative:
    """Return what fits instead on its own.

    Parameters
    ----------
    instead
        As seen from a profile.
    slug
        That profile.
    name
        How people read it.
    """
    profile, image, size, text = instead
    if profile is not None:
        return Alternative(profile=profile, image=image, size=size, label=text)
    return Alternative(profile=slug, image=image, size=size, label=f"{name} · {text}")
