"""What other profiles have in place of a choice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .likeness import NONE_OF_THEM, unlikeness
from .near import MAXIMUM
from .sight import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .instead import Combination
    from .near import Near, Pair
    from .viewpoint import Viewpoint


class Elsewhere:
    """Ranks the profiles by what they have in place of a choice."""

    def __init__(self, view: Viewpoint, near: Near) -> None:
        self._view = view
        self._near = near
        self._ranked: dict[tuple[str | None, str | None], Sequence[Combination]] = {}
        self._kept: dict[tuple[str, str | None, str | None], tuple[int, Pair] | None] = {}
        self._open: list[str] | None = None

    def ranked(self, image: str | None, size: str | None) -> Sequence[Combination]:
        """Return one combination of each profile: the soonest first, then what keeps most."""
        if (image, size) not in self._ranked:
            found = [
                (kept[0], (slug, *kept[1]))
                for slug in self._first_of_alike()
                for kept in [self._keep_most(slug, image, size)]
                if kept is not None
            ]
            found.sort(key=lambda entry: entry[0])
            # One more than is asked for, which may be of the chosen profile.
            self._ranked[image, size] = [other for _, other in found[: MAXIMUM + 1]]
        return self._ranked[image, size]

    def _first_of_alike(self) -> Sequence[str]:
        """Return the profiles that can be started, of those that are alike no more than count."""
        if self._open is None:
            seen: Counter[str] = Counter()
            self._open = []
            for slug in self._view.profiles():
                alike = self._view.alike(slug)
                if seen[alike] <= MAXIMUM and self._view.profile_reason(slug) is None:
                    seen[alike] += 1
                    self._open.append(slug)
        return self._open

    def _keep_most(
        self, profile: str, image: str | None, size: str | None
    ) -> tuple[int, Pair] | None:
        """Return how bad a profile is in place of a choice, and what can be started there."""
        key = (self._view.alike(profile), image, size)
        if key not in self._kept:
            like = self._view.current(Part.SIZE, size)
            image = self._view.wanted(Part.IMAGE, profile, image)
            size = self._view.wanted(Part.SIZE, profile, size)
            tries = ((image, size), (image, None), (None, size), (None, None))
            picks = (self._view.pick(profile, *wanted) for wanted in tries)
            pair = next((picked for picked in picks if picked is not None), None)
            if pair is not None and (pair[1] != size or not self._near.fits_now(pair)):
                pair = self._nearer(profile, pair, like)
            self._kept[key] = pair and (self._loss(pair, image, like), pair)
        return self._kept[key]

    def _nearer(self, profile: str, pair: Pair, size: str | None) -> Pair:
        """Return a pair of the same image, whose size is served sooner or more like another."""
        near = self._near.by_distance(Part.SIZE, profile, size)
        view = self._view
        fitting = (other for other in near if view.starts_together(profile, pair[0], other))
        return pair[0], next(fitting, pair[1])

    def _loss(self, pair: Pair, image: str | None, size: str | None) -> int:
        """Return how bad a pair is in place of another: to wait is worse than all else."""
        sizes = self._view.settings.sizes
        like = None if size is None else sizes[size]
        has_none = unlikeness(sizes[pair[1]], like)[0] == NONE_OF_THEM
        waits = self._view.pair_room(*pair).rank
        return 8 * waits + 4 * has_none + 2 * (pair[0] != image) + (pair[1] != size)
