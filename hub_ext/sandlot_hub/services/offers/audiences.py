"""One decision for everybody who sees the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from sandlot_contracts.offers import ProfileOffer
from sandlot_hub.domain.offers.pages import audience_key, changed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from sandlot_hub.domain.values.entitlements import Entitlements

    from .availability import Edition, Offers, Snapshot
    from .metrics import OffersMetrics

_PROFILES = TypeAdapter(tuple[ProfileOffer, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What everybody of an audience sees, as JSON that all their streams share."""

    edition: Edition
    """Of the snapshot that it is decided from."""
    before: Edition | None
    """That of the view which `change` leads on from; None for the first."""
    profiles: tuple[ProfileOffer, ...]
    whole: bytes
    change: bytes
    """The profiles that have changed; empty when none has."""

    def since(self, edition: Edition | None) -> tuple[str, bytes]:
        """Return the event for a reader who knows this edition, and its profiles.

        Everything, for one who knows nothing yet or was too slow for what came in between.
        """
        if edition is None or edition != self.before:
            return "offers", self.whole
        return "change", self.change


class Audience:
    """Users who see exactly the same.

    Parameters
    ----------
    anyone
        One of them.
    offers
        Decides.
    metrics
        Counts decisions.
    """

    def __init__(self, *, anyone: Entitlements, offers: Offers, metrics: OffersMetrics) -> None:
        self._anyone = anyone
        self._offers = offers
        self._metrics = metrics
        self._view: View | None = None
        self.streams = 0
        """How many streams there are of them."""

    def view(self, snapshot: Snapshot) -> View:
        """Return what they see now; decided once for each edition."""
        known, edition = self._view, self._offers.edition(snapshot)
        if known is not None and known.edition == edition:
            return known
        profiles = self._offers.on_page(self._anyone, snapshot)
        self._metrics.count_computation()
        news = () if known is None else changed(known.profiles, profiles)
        self._view = View(
            edition=edition,
            before=None if known is None else known.edition,
            profiles=profiles,
            whole=_PROFILES.dump_json(profiles),
            change=_PROFILES.dump_json(news) if news else b"",
        )
        return self._view


class Audiences:
    """The audiences of which somebody looks at a page now."""

    def __init__(self, *, offers: Offers, metrics: OffersMetrics) -> None:
        self._offers = offers
        self._metrics = metrics
        self._audiences: dict[Hashable, Audience] = {}

    def __len__(self) -> int:
        return len(self._audiences)

    def join(self, entitlements: Entitlements) -> Audience:
        """Return a user's audience; to be left again."""
        key = audience_key(entitlements, self._offers.settings)
        audience = self._audiences.get(key)
        if audience is None:
            audience = Audience(anyone=entitlements, offers=self._offers, metrics=self._metrics)
            self._audiences[key] = audience
        audience.streams += 1
        return audience

    def leave(self, audience: Audience) -> None:
        """Forget an audience when nobody of it looks any more."""
        audience.streams -= 1
        if audience.streams == 0:
            self._audiences = {
                key: each for key, each in self._audiences.items() if each is not audience
            }
