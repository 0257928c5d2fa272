"""Decides what a user is shown: every profile, image and size, with the reason when it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sandlot_contracts.images import NO_CONTENTS
from sandlot_hub.domain.choices.alternatives import Alternatives
from sandlot_hub.domain.choices.choice import Choice
from sandlot_hub.domain.choices.custom_image import examples, permitted_images
from sandlot_hub.domain.choices.instead import named, seen_from
from sandlot_hub.domain.choices.reasons import taken_places
from sandlot_hub.domain.choices.room_reasons import wait_reason
from sandlot_hub.domain.choices.sight import Part
from sandlot_hub.domain.choices.viewpoint import Viewpoint
from sandlot_hub.domain.values.refusals import Refused
from sandlot_hub.domain.values.units import format_cpus, format_memory

from .shown import VisibleChoice, VisibleCustomImages, VisibleProfile
from .summary import summarize
from .words import image_words, profile_words, size_words

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from sandlot_contracts.offers import OfferWords
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.choices.instead import Nearby
    from sandlot_hub.domain.settings.model import ImageSettings, SandlotSettings, SizeSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

    from .shown import ProfileSummary


class _Sizes(NamedTuple):
    """The sizes of a profile, and what they make of it."""

    sizes: tuple[VisibleChoice[SizeSettings], ...]
    summary: ProfileSummary
    words: OfferWords


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
    """What one user is shown, put together; lives as long as its viewpoint.

    Twenty profiles name the same few images and sizes, and what is said of these is the same in
    most: each is made once, so that whoever renders them can tell by identity.
    """

    def __init__(self, view: Viewpoint) -> None:
        self._view = view
        self._alternatives = Alternatives(view)
        settings = view.settings
        self._image_facts = {
            slug: _image_facts(image, counted=slug not in view.uncounted)
            for slug, image in settings.images.items()
        }
        self._size_facts = {
            slug: _size_facts(settings, size) for slug, size in settings.sizes.items()
        }
        self._image_lists: dict[Hashable, tuple[VisibleChoice[ImageSettings], ...]] = {}
        self._size_lists: dict[Hashable, _Sizes] = {}
        self._images: dict[Hashable, VisibleChoice[ImageSettings]] = {}
        self._sizes: dict[Hashable, VisibleChoice[SizeSettings]] = {}

    def profiles(self) -> tuple[VisibleProfile, ...]:
        default = self._view.default_profile()
        return tuple(
            self._profile(slug, is_default=slug == default) for slug in self._view.profiles()
        )

    def _profile(self, slug: str, *, is_default: bool) -> VisibleProfile:
        view = self._view
        refusal = view.profile_reason(slug)
        sizes, summary, words = self._sizes_of(slug)
        instead = () if refusal is None else self._alternatives.nearest(Choice(profile=slug))
        return VisibleProfile(
            slug=slug,
            profile=view.settings.profiles[slug],
            default=is_default,
            images=self._images_of(slug),
            sizes=sizes,
            custom_images=self._custom_images(slug),
            refusal=refusal,
            alternatives=instead,
            summary=summary,
            words=words,
        )

    def _images_of(self, profile: str) -> tuple[VisibleChoice[ImageSettings], ...]:
        """Return the images of a profile, found once for those that are alike."""
        key = self._view.alike(profile)
        known = self._image_lists.get(key)
        if known is None or self._may_differ(profile, known):
            default = self._picked(profile)[0]
            slugs = self._view.offered(Part.IMAGE, profile)
            known = tuple(self._image(profile, s, is_default=s == default) for s in slugs)
            if not self._may_differ(profile, known):
                self._image_lists[key] = known
        return known

    def _sizes_of(self, profile: str) -> _Sizes:
        """Return the sizes of a profile, found once for those that are alike."""
        key = self._view.alike(profile)
        known = self._size_lists.get(key)
        if known is None or self._may_differ(profile, known.sizes):
            known = self._find_sizes(profile)
            if not self._may_differ(profile, known.sizes):
                self._size_lists[key] = known
        return known

    def _find_sizes(self, profile: str) -> _Sizes:
        view = self._view
        default = self._picked(profile)[1]
        slugs = view.offered(Part.SIZE, profile)
        sizes = tuple(self._size(profile, s, is_default=s == default) for s in slugs)
        summary = summarize(view.settings, sizes)
        return _Sizes(sizes, summary, profile_words(view.profile_reason(profile), sizes, summary))

    def _may_differ(self, profile: str, choices: Sequence[VisibleChoice[Any]]) -> bool:
        """Return whether choices may read otherwise in a profile than in others that are alike.

        Where nothing can be started, the reason may name the profile; and where others are sent
        to it, it is not offered in place of itself.
        """
        if self._view.profile_reason(profile) is not None:
            return True
        is_offering = any(choice.instead for choice in choices)
        return is_offering and self._alternatives.leads_to(profile)

    def _picked(self, profile: str) -> tuple[str, str] | tuple[None, None]:
        refusal = self._view.profile_reason(profile)
        return (None, None) if refusal else self._view.pick(profile) or (None, None)

    def _whose(self, profile: str) -> str | None:
        """Return the profile where a reason may name it."""
        return None if self._view.profile_reason(profile) is None else profile

    def _image(self, profile: str, slug: str, *, is_default: bool) -> VisibleChoice[ImageSettings]:
        view = self._view
        refusal = view.choice_reason(profile, Part.IMAGE, slug)
        near: tuple[Nearby, ...] = ()
        if refusal is not None:
            choice = Choice(profile=profile, image=slug)
            near = seen_from(profile, self._alternatives.near(choice))
        key = (slug, is_default, refusal and refusal.message, near, self._whose(profile))
        if key not in self._images:
            readiness = view.facilities.images.get(slug)
            self._images[key] = VisibleChoice(
                slug=slug,
                entry=view.settings.images[slug],
                default=is_default,
                facts=self._image_facts[slug],
                refusal=refusal,
                instead=named(near, view.settings),
                words=image_words(refusal),
                contents=NO_CONTENTS if readiness is None else readiness.contents,
            )
        return self._images[key]

    def _size(self, profile: str, slug: str, *, is_default: bool) -> VisibleChoice[SizeSettings]:
        view = self._view
        refusal = view.choice_reason(profile, Part.SIZE, slug)
        # Nobody waits in a profile that is closed to them.
        is_off = refusal is not None or view.access_reason(profile) is not None
        room = view.room_in(profile, slug)
        waits = None if is_off else wait_reason(slug, room)
        choice = Choice(profile=profile, size=slug)
        near: tuple[Nearby, ...] = ()
        if refusal is not None:
            near = seen_from(profile, self._alternatives.near(choice))
        elif waits is not None:
            near = seen_from(profile, self._alternatives.sooner(choice))
        said = (refusal and refusal.message, waits and waits.message, room.state)
        key = (slug, is_default, said, near, self._whose(profile))
        if key not in self._sizes:
            size = view.settings.sizes[slug]
            taken = taken_places(slug, size, view.facilities)
            self._sizes[key] = VisibleChoice(
                slug=slug,
                entry=size,
                default=is_default,
                facts=self._size_facts[slug],
                refusal=refusal,
                instead=named(near, view.settings),
                waits=waits,
                room=room,
                places=size.max_running,
                taken=taken,
                price_unit=view.settings.price_unit,
                words=size_words(size, refusal, room, taken=taken),
            )
        return self._sizes[key]

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


def _image_facts(image: ImageSettings, *, counted: bool) -> tuple[str, ...]:
    version = (image.version,) if image.version else ()
    return version if counted else (*version, "free places not counted")


def _size_facts(settings: SandlotSettings, size: SizeSettings) -> tuple[str, ...]:
    facts = (f"{format_cpus(size.cpus)} CPU", f"{format_memory(size.memory)} memory")
    wanted = size.accelerator
    if wanted is None:
        return facts
    return (*facts, f"{wanted.count} × {settings.accelerators[wanted.flavor].display_name}")
