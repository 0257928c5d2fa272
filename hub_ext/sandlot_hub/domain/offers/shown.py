"""What a user is shown, as it stands: every profile, image and size, decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sandlot_contracts.images import NO_CONTENTS, ImageContents
from sandlot_contracts.offers import OfferWords
from sandlot_hub.domain.choices.instead import alternative
from sandlot_hub.domain.settings.model import ImageSettings, ProfileSettings, SizeSettings

if TYPE_CHECKING:
    from sandlot_contracts.problem import Alternative
    from sandlot_hub.domain.choices.capacity_reasons import SizeRoom
    from sandlot_hub.domain.choices.instead import Instead
    from sandlot_hub.domain.values.refusals import Refused

EntryT = TypeVar("EntryT", ImageSettings, SizeSettings)

NOTHING = OfferWords(mark="", text="")
"""Where nothing is said beside a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleChoice(Generic[EntryT]):
    """An image or a size as one user sees it; one object for all profiles where that is the same.

    So it does not name the profile that it is in: of the thousands that a page shows, few differ.
    """

    slug: str
    entry: EntryT
    default: bool
    """Whether it is preselected; exactly one image and one size of a startable profile are."""
    facts: tuple[str, ...] = ()
    """What sets it apart, in few words: ``4 CPU``, ``16 GiB memory``, ``2 × NVIDIA L4``."""
    refusal: Refused | None = None
    """Set when it is shown disabled, with this reason."""
    instead: tuple[Instead, ...] = ()
    """What fits instead, best first; set when it is shown disabled, or would wait."""
    waits: Refused | None = None
    """Set when it can be started, and would wait: for what. Never a reason to refuse."""
    room: SizeRoom | None = None
    """Whether there is room for one more server of this size; None for images."""
    places: int | None = None
    """Servers of this size that may run at once; None for images and without a limit."""
    taken: int | None = None
    """Servers of this size that run; None for images, without a limit, and when not known."""
    price_unit: str = ""
    """What the size's price is counted in; empty for images."""
    contents: ImageContents = NO_CONTENTS
    """What is inside an image."""
    words: OfferWords = NOTHING
    """What stands beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleCustomImages:
    """That images can be named in a profile, as one user sees it."""

    display_name: str
    hint: str
    """What may be named, one sentence."""
    refusal: Refused | None = None
    """Set when it is shown disabled, with this reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSummary:
    """What the sizes of a profile that are on, or only full, have in common."""

    accelerators: tuple[str, ...] = ()
    """``1 × NVIDIA L4``, ``1–8 × NVIDIA A100``; by flavor, in the order of the sizes."""
    places: int | None = None
    """Servers of all its sizes that may run at once; None when one of them has no limit."""
    taken: int | None = None
    """Servers of all its sizes that run; None without `places`, and when not known."""
    price_from: float | None = None
    """What the cheapest of them costs an hour; None when one of them has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleProfile:
    """A profile as one user sees it."""

    slug: str
    profile: ProfileSettings
    default: bool
    """Whether it is preselected; exactly one is, if any can be started."""
    images: tuple[VisibleChoice[ImageSettings], ...]
    sizes: tuple[VisibleChoice[SizeSettings], ...]
    summary: ProfileSummary
    custom_images: VisibleCustomImages | None = None
    """None when no image can be named, wherever servers run."""
    refusal: Refused | None = None
    """Set when the whole profile is shown disabled, with this reason."""
    alternatives: tuple[Alternative, ...] = ()
    """What other profiles have instead, best first; set when it is shown disabled."""
    words: OfferWords = NOTHING
    """What stands beside it."""

    def alternatives_to(self, choice: VisibleChoice[Any]) -> tuple[Alternative, ...]:
        """Return what fits instead of an image or a size of this profile, best first."""
        name = self.profile.display_name
        return tuple(alternative(each, slug=self.slug, name=name) for each in choice.instead)
