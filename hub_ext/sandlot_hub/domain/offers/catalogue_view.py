"""Every entry of the catalogue as one user meets it, for administrators: with what is hidden too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.settings.access import is_known
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE
from sandlot_hub.domain.values.names import joined, quoted, shorten

from .visibility import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import CatalogueEntry, ProfileSettings, SandlotSettings
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.refusals import Refused

    from .shown import VisibleChoice, VisibleProfile

_NAMES_MAXIMUM = 10


class ViewState(StrEnum):
    """How a user meets an entry."""

    SHOWN = "shown"
    """It can be started."""
    DISABLED = "disabled"
    """It is shown, and cannot be started."""
    HIDDEN = "hidden"
    """It is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewReason:
    """Why an entry is disabled or hidden."""

    code: str
    """A refusal's code when it is disabled; ``hidden``, ``deprecated`` or ``profile-hidden``."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewedChoice:
    """An image or a size of one profile."""

    slug: str
    display_name: str
    state: ViewState
    reason: ViewReason | None
    """Set unless it is shown."""
    access: str
    """For whom the settings have it, one sentence."""
    facts: tuple[str, ...] = ()
    default: bool = False
    """Whether it is preselected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewedProfile:
    """A profile with all that the settings name in it."""

    slug: str
    display_name: str
    description: str
    state: ViewState
    reason: ViewReason | None
    """Set unless it is shown."""
    access: str
    """For whom the settings have it, one sentence."""
    default: bool
    """Whether it is preselected."""
    images: tuple[ViewedChoice, ...]
    """At their end the line where people name one themselves, if there is one."""
    sizes: tuple[ViewedChoice, ...]


_PROFILE_HIDDEN = ViewReason(
    code="profile-hidden", message="It is open to this person, but the profile is not shown."
)


def view_catalogue(
    entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
) -> tuple[ViewedProfile, ...]:
    """Return every profile of the settings, in their order, as this user meets it now.

    What is shown or disabled, and why, is what `visible` says; the rest is hidden, with
    the reason for that.
    """
    shown = {each.slug: each for each in visible(entitlements, settings, facilities)}
    view = _View(entitlements, settings)
    return tuple(view.profile(slug, shown.get(slug)) for slug in settings.profiles)


class _View:
    """Puts together what one user meets."""

    def __init__(self, entitlements: Entitlements, settings: SandlotSettings) -> None:
        self._entitlements = entitlements
        self._settings = settings

    def profile(self, slug: str, shown: VisibleProfile | None) -> ViewedProfile:
        settings = self._settings
        entry = settings.profiles[slug]
        reason = (
            self._why_hidden("profile", entry, settings.profiles)
            if shown is None
            else _disabled(shown.refusal)
        )
        images = () if shown is None else shown.images
        sizes = () if shown is None else shown.sizes
        return ViewedProfile(
            slug=slug,
            display_name=entry.display_name,
            description=entry.description,
            state=_state(reason, hidden=shown is None),
            reason=reason,
            access=_access(entry),
            default=shown is not None and shown.default,
            images=(
                *self._choices("image", entry.images, settings.images, images),
                *_custom_images(entry, shown),
            ),
            sizes=self._choices("size", entry.sizes, settings.sizes, sizes),
        )

    def _choices(
        self,
        kind: str,
        members: Sequence[str],
        entries: Mapping[str, CatalogueEntry],
        shown: Sequence[VisibleChoice[Any]],
    ) -> tuple[ViewedChoice, ...]:
        seen = {each.slug: each for each in shown}
        return tuple(
            self._hidden_choice(kind, slug, entries)
            if slug not in seen
            else _shown_choice(seen[slug])
            for slug in members
        )

    def _hidden_choice(
        self, kind: str, slug: str, entries: Mapping[str, CatalogueEntry]
    ) -> ViewedChoice:
        entry = entries[slug]
        return ViewedChoice(
            slug=slug,
            display_name=entry.display_name,
            state=ViewState.HIDDEN,
            reason=self._why_hidden(kind, entry, entries) or _PROFILE_HIDDEN,
            access=_access(entry),
        )

    def _why_hidden(
        self, kind: str, entry: CatalogueEntry, entries: Mapping[str, CatalogueEntry]
    ) -> ViewReason | None:
        if entry.deprecated is not None:
            successor = entry.deprecated.redirect
            instead = (
                "Whoever asks for it is refused."
                if successor is None
                else f"Whoever asks for it gets {quoted(entries[successor].display_name)}."
            )
            return ViewReason(code="deprecated", message=f"This {kind} is deprecated. {instead}")
        if is_known(entry, self._entitlements):
            return None
        return ViewReason(
            code="hidden", message=f"This {kind} is hidden from everybody whom it is not for."
        )


def _custom_images(entry: ProfileSettings, shown: VisibleProfile | None) -> Iterator[ViewedChoice]:
    """Yield the line where people name an image themselves, if the profile has it."""
    if entry.custom_images is None:
        return
    line = None if shown is None else shown.custom_images
    reason = _PROFILE_HIDDEN if line is None else _disabled(line.refusal)
    yield ViewedChoice(
        slug=CUSTOM_IMAGE,
        display_name=entry.custom_images.display_name,
        state=_state(reason, hidden=line is None),
        reason=reason,
        access="For everybody who may use the profile.",
        facts=() if line is None else (line.hint,),
    )


def _shown_choice(choice: VisibleChoice[Any]) -> ViewedChoice:
    reason = _disabled(choice.refusal)
    return ViewedChoice(
        slug=choice.slug,
        display_name=choice.entry.display_name,
        state=_state(reason, hidden=False),
        reason=reason,
        access=_access(choice.entry),
        facts=choice.facts,
        default=choice.default,
    )


def _disabled(refusal: Refused | None) -> ViewReason | None:
    return None if refusal is None else ViewReason(code=refusal.code, message=refusal.message)


def _state(reason: ViewReason | None, *, hidden: bool) -> ViewState:
    if hidden:
        return ViewState.HIDDEN
    return ViewState.SHOWN if reason is None else ViewState.DISABLED


def _access(entry: CatalogueEntry) -> str:
    """Return for whom an entry is; unlike users, administrators are told names."""
    allow = entry.allow
    groups = [f"members of {shorten(group)}" for group in allow.groups]
    users = [shorten(user) for user in allow.users]
    if not groups and not users:
        return "For everybody."
    rest = " Hidden from everybody else." if entry.hidden else ""
    return f"For {joined([*groups, *users], maximum=_NAMES_MAXIMUM)}.{rest}"
