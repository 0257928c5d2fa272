"""What would be accepted instead of a choice that was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.problem import Alternative
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE, follow_redirects
from sandlot_hub.domain.values.refusals import Refused

from .custom_image import find_custom, fitting_sizes
from .elsewhere import Elsewhere
from .instead import label
from .near import MAXIMUM, Near
from .sight import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .choice import Choice
    from .instead import Combination
    from .viewpoint import Viewpoint


class Alternatives:
    """Finds what one user can start instead; lives as long as its viewpoint.

    A page asks for every choice that is off, and most questions are alike: what
    lies near an entry of a profile, and what other profiles have, is found once.
    """

    def __init__(self, view: Viewpoint) -> None:
        self._view = view
        self._near = Near(view)
        self._elsewhere = Elsewhere(view, self._near)
        self._currents: dict[str | None, str | None] = {}
        self._labelled: dict[Combination, Alternative] = {}
        self._leading: set[str] = set()

    def nearest(self, choice: Choice) -> tuple[Alternative, ...]:
        """Return at most three combinations that this user can start, nearest first.

        As `near`, with one place for a listed image in place of one that the user has named.
        """
        listed = tuple(self._label(combination) for combination in self.near(choice))
        profile = self._current(choice.profile)
        if profile is None or choice.reference is None:
            return listed
        named = self._named(profile, choice.reference, choice.size)
        return (*named[: MAXIMUM - bool(listed)], *listed)[:MAXIMUM]

    def near(self, choice: Choice) -> Sequence[Combination]:
        """Return at most three combinations that this user can start, nearest first.

        First those of the chosen profile, which keep the image, then the size. One
        place is kept for another profile, which may be the one that was meant.
        """
        profile = self._current(choice.profile)
        elsewhere = self._elsewhere.ranked(choice.image, choice.size)
        others = [other for other in elsewhere if other[0] != profile][:MAXIMUM]
        # No place is kept for what would wait.
        places = MAXIMUM - (bool(others) and self._fits_now(others[0]))
        kept = self._within(profile, choice)[:places]
        used = others[: MAXIMUM - len(kept)]
        # One more: whether a profile is passed over depends on it, too.
        self._leading.update(other[0] for other in elsewhere[: len(used) + 1])
        return [*kept, *used]

    def sooner(self, choice: Choice) -> Sequence[Combination]:
        """Return at most three that can be started without waiting, for what would wait."""
        profile = self._current(choice.profile)
        elsewhere = self._elsewhere.ranked(choice.image, choice.size)
        self._leading.update(other[0] for other in elsewhere)
        near = [found for found in self._within(profile, choice) if self._fits_now(found)]
        others = [found for found in elsewhere if found[0] != profile and self._fits_now(found)]
        kept = near[: MAXIMUM - bool(others)]
        return [*kept, *others][:MAXIMUM]

    def leads_to(self, profile: str) -> bool:
        """Return whether anything asked for so far may have been answered with a profile.

        To others that are alike, and that nothing leads to, the answers are the same.
        """
        return profile in self._leading

    def _within(self, profile: str | None, choice: Choice) -> list[Combination]:
        if profile is None:
            return []
        return [(profile, *pair) for pair in self._near.pairs(profile, choice.image, choice.size)]

    def _fits_now(self, combination: Combination) -> bool:
        return self._near.fits_now(combination[1:])

    def sooner_within(self, profile: str, choice: Choice) -> tuple[Alternative, ...]:
        """Return those of one profile, nearest first, that can be started without waiting."""
        nearest = self._within(profile, choice)
        return tuple(self._label(found) for found in nearest if self._fits_now(found))

    def nearest_within(self, profile: str, choice: Choice) -> tuple[Alternative, ...]:
        """Return at most three combinations of one profile, nearest first."""
        return tuple(self._label(found) for found in self._within(profile, choice))

    def _current(self, profile: str | None) -> str | None:
        """Return the chosen profile, or its successor, if it can be started.

        A slug that the user may not know of counts as if it did not exist: what is
        offered instead must not tell the two apart.
        """
        if profile not in self._currents:
            self._currents[profile] = self._find_current(profile)
        return self._currents[profile]

    def _find_current(self, profile: str | None) -> str | None:
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
        wanted = self._view.wanted(Part.SIZE, profile, size)
        names = (self._view.settings.profiles[profile].display_name, image.display_name)
        return tuple(
            Alternative(
                profile=profile,
                image=CUSTOM_IMAGE,
                size=slug,
                label=" · ".join((*names, self._view.settings.sizes[slug].display_name)),
                reference=image.reference,
            )
            for slug in self._near.by_distance(Part.SIZE, profile, wanted)
            if slug in fitting
        )

    def _label(self, combination: Combination) -> Alternative:
        if combination not in self._labelled:
            profile, image, size = combination
            text = label(profile, image, size, self._view.settings)
            alternative = Alternative(profile=profile, image=image, size=size, label=text)
            self._labelled[combination] = alternative
        return self._labelled[combination]
