"""What a user is shown: every profile, image and size, with the reason when it is off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from sandlot_contracts.images import NO_CONTENTS, ImageContents
from sandlot_hub.domain.choices.alternatives import Alternatives
from sandlot_hub.domain.choices.choice import Choice
from sandlot_hub.domain.choices.custom_image import examples, permitted_images
from sandlot_hub.domain.choices.reasons import taken_places
from sandlot_hub.domain.choices.room_reasons import wait_reason
from sandlot_hub.domain.choices.sight import Part
from sandlot_hub.domain.choices.viewpoint import Viewpoint
from sandlot_hub.domain.settings.model import ImageSettings, ProfileSettings, SizeSettings
from sandlot_hub.domain.values.refusals import Refused
from sandlot_hub.domain.values.units import format_cpus, format_memory

from .summary import ProfileSummary, summarize
from .words import NOTHING, image_words, profile_words, size_words

if TYPE_CHECKING:
    from sandlot_contracts.offers import OfferWords
    from sandlot_contracts.problem import Alternative
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.choices.capacity_reasons import SizeRoom
    from sandlot_hub.domain.settings.model import SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

EntryT = TypeVar("EntryT", ImageSettings, SizeSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleChoice(Generic[EntryT]):
    """An image or a size as one user sees it in one profile."""

    slug: str
    entry: EntryT
    default: bool
    """Whether it is preselected; exactly one image and one size of a startable profile are."""
    facts: tuple[str, ...] = ()
    """What sets it apart, in few words: ``4 CPU``, ``16 GiB memory``, ``2 × NVIDIA L4``."""
    refusal: Refused | None = None
    """Set when it is shown disabled, with this reason."""
    alternatives: tuple[Alternative, ...] = ()
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


def visible(
    entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
) -> tuple[VisibleProfile, ...]:
    """Return the profiles that a user is shown, in the order of the settings.

    Left out are deprecated entries, and hidden ones that the user may not use.
    Everything else is there; what cannot be started carries the refusal that
    `resolve` would answer, with the same alternatives. The preselected image and
    size go together and can be started.

    It depends on who the user is only through `audience_key`.
    """
    view = Viewpoint(entitlements=entitlements, settings=settings, facilities=facilities)
    return _Page(view).profiles()


class _Page:
    """What one user is shown, put together; lives as long as its viewpoint."""

    def __init__(self, view: Viewpoint) -> None:
        self._view = view
        self._alternatives = Alternatives(view)
        settings = view.settings
        # Once for all profiles: twenty of them name the same few images and sizes.
        self._image_facts = {slug: _image_facts(image) for slug, image in settings.images.items()}
        self._size_facts = {
            slug: _size_facts(settings, size) for slug, size in settings.sizes.items()
        }

    def profiles(self) -> tuple[VisibleProfile, ...]:
        default = self._view.default_profile()
        return tuple(
            self._profile(slug, is_default=slug == default) for slug in self._view.profiles()
        )

    def _profile(self, slug: str, *, is_default: bool) -> VisibleProfile:
        view = self._view
        refusal = view.profile_reason(slug)
        image, size = (None, None) if refusal else view.pick(slug) or (None, None)
        images = view.offered(Part.IMAGE, slug)
        sizes = tuple(
            self._size(slug, other, is_default=other == size)
            for other in view.offered(Part.SIZE, slug)
        )
        summary = summarize(view.settings, sizes)
        return VisibleProfile(
            slug=slug,
            profile=view.settings.profiles[slug],
            default=is_default,
            images=tuple(self._image(slug, other, is_default=other == image) for other in images),
            sizes=sizes,
            custom_images=self._custom_images(slug),
            refusal=refusal,
            alternatives=self._instead(refusal, slug),
            summary=summary,
            words=profile_words(refusal, sizes, summary),
        )

    def _image(self, profile: str, slug: str, *, is_default: bool) -> VisibleChoice[ImageSettings]:
        view = self._view
        refusal = view.choice_reason(profile, Part.IMAGE, slug)
        readiness = view.facilities.images.get(slug)
        return VisibleChoice(
            slug=slug,
            entry=view.settings.images[slug],
            default=is_default,
            facts=self._image_facts[slug],
            refusal=refusal,
            alternatives=self._instead(refusal, profile, image=slug),
            words=image_words(refusal),
            contents=NO_CONTENTS if readiness is None else readiness.contents,
        )

    def _size(self, profile: str, slug: str, *, is_default: bool) -> VisibleChoice[SizeSettings]:
        view = self._view
        refusal = view.choice_reason(profile, Part.SIZE, slug)
        size, room = view.settings.sizes[slug], view.room(slug)
        # Nobody waits in a profile that is closed to them.
        is_off = refusal is not None or view.access_reason(profile) is not None
        waits = None if is_off else wait_reason(slug, room)
        alternatives = self._instead(refusal, profile, size=slug)
        if waits is not None:
            alternatives = self._alternatives.sooner(Choice(profile=profile, size=slug))
        choice = VisibleChoice(
            slug=slug,
            entry=size,
            default=is_default,
            facts=self._size_facts[slug],
            refusal=refusal,
            alternatives=alternatives,
            waits=waits,
            room=room,
            places=size.max_running,
            taken=taken_places(slug, size, view.facilities),
            price_unit=view.settings.price_unit,
        )
        return replace(choice, words=size_words(choice))

    def _custom_images(self, profile: str) -> VisibleCustomImages | None:
        entry = self._view.settings.profiles[profile]
        if entry.custom_images is None:
            return None
        permitted = permitted_images(profile, entry, self._view.facilities.mode)
        return VisibleCustomImages(
            display_name=entry.custom_images.display_name,
            hint=examples(entry.custom_images),
            refusal=permitted if isinstance(permitted, Refused) else None,
        )

    def _instead(
        self, refusal: Refused | None, profile: str, **part: str
    ) -> tuple[Alternative, ...]:
        if refusal is None:
            return ()
        return self._alternatives.nearest(Choice(profile=profile, **part))


def _image_facts(image: ImageSettings) -> tuple[str, ...]:
    return (image.version,) if image.version else ()


def _size_facts(settings: SandlotSettings, size: SizeSettings) -> tuple[str, ...]:
    facts = (f"{format_cpus(size.cpus)} CPU", f"{format_memory(size.memory)} memory")
    wanted = size.accelerator
    if wanted is None:
        return facts
    return (*facts, f"{wanted.count} × {settings.accelerators[wanted.flavor].display_name}")
