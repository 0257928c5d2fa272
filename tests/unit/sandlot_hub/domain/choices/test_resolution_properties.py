"""What holds for every catalogue, person, place and request, whatever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sandlot_hub.domain.capacity.facilities import ImageReadiness, Mode
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.decision import decide_offers
from sandlot_hub.domain.offers.pages import audience_key, page_offers
from sandlot_hub.domain.offers.profiles import (
    VisibleChoice,
    VisibleProfile,
    resolve,
    resolve_start,
    visible,
)
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE
from sandlot_hub.domain.settings.model import CatalogueEntry, SandlotSettings
from sandlot_hub.domain.values.refusals import Refused
from support.any_catalogue import DOCUMENTS, NAMED, NOW, PEOPLE, PLACES, REQUESTS
from support.catalogue import EVERYTHING_HERE, catalogue, person

if TYPE_CHECKING:
    from sandlot_contracts.problem import Alternative
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.base import AllowSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]


class Unfriendly:
    """Raises whatever is done with it."""

    def _no(self, *_: object) -> Any:
        raise AssertionError

    __eq__ = __len__ = __iter__ = __str__ = __repr__ = __bool__ = __getitem__ = __format__ = _no
    __hash__ = object.__hash__


class UnfriendlyDict(dict[Any, Any]):
    """A mapping whose methods all raise."""

    def _no(self, *_: object) -> Any:
        raise AssertionError

    __getitem__ = __iter__ = __len__ = __contains__ = get = items = keys = values = _no


@dataclass(frozen=True)
class Hostile:
    """Stands for an object that the test makes, because hypothesis prints what it draws."""

    content: dict[Any, Any] | None = None


def _armed(value: object) -> object:
    match value:
        case Hostile(content=None):
            return Unfriendly()
        case Hostile(content=dict(content)):
            return UnfriendlyDict({key: _armed(inner) for key, inner in content.items()})
        case list():
            return [_armed(inner) for inner in value]
        case dict():
            return {key: _armed(inner) for key, inner in value.items()}
        case _:
            return value


# --- requests ---------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["cpu", "gpu", "vault", "cpu-old", "base", "scipy", "torch", "secret", "small", "large", "vip",
     "profile", "image", "size", "", "{0}", "\ud800", "x" * 100]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50) | WORDS
    | st.binary(max_size=9) | st.builds(Hostile)
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.integers() | st.tuples(WORDS), inner, max_size=4)
        | st.builds(Hostile, content=st.dictionaries(WORDS, inner, max_size=4))
    ),
    max_leaves=12,
)
NEARLY_RIGHT = st.fixed_dictionaries(
    {"profile": WORDS | ANYTHING}, optional={"image": WORDS | ANYTHING, "size": WORDS | ANYTHING}
)
REQUEST = NEARLY_RIGHT | ANYTHING


@settings(max_examples=600, suppress_health_check=SLOW)
@given(drawn=REQUEST, last=REQUEST, groups=st.sets(st.sampled_from(["staff", "cs101"])))
def test_any_request_is_answered(drawn: object, last: object, groups: set[str]) -> None:
    options, last = _armed(drawn), _armed(last)
    who, cat = person("ann", *groups), catalogue()
    outcome = resolve(options, entitlements=who, settings=cat, facilities=EVERYTHING_HERE)
    if isinstance(outcome, Refused):
        assert 400 <= outcome.status < 500
        assert outcome.message.isprintable()
        assert len(outcome.message) < 500
    else:
        again = resolve(outcome.options, entitlements=who, settings=cat, facilities=EVERYTHING_HERE)
        assert isinstance(again, Plan)
        assert again.options == outcome.options
    started = resolve_start(
        options, last, entitlements=who, settings=cat, facilities=EVERYTHING_HERE
    )
    assert isinstance(started, Plan | Refused)
    if type(options) is dict and options:
        assert started == outcome


# --- catalogues -------------------------------------------------------------------------------


def _may(allow: AllowSettings, who: Entitlements) -> bool:
    everybody = not (allow.groups or allow.users)
    return everybody or who.user in allow.users or bool(set(allow.groups) & who.groups)


def _assert_open(plan: Plan, who: Entitlements, place: Facilities) -> None:
    """The rules once more, in other words than the code's."""
    for entry in (plan.profile, plan.image, plan.size):
        assert _may(entry.allow, who)
        assert entry.deprecated is None
    if plan.image_slug == CUSTOM_IMAGE:
        assert plan.profile.custom_images is not None
        assert plan.image.reference == NAMED
    else:
        assert plan.image_slug in plan.profile.images
    assert plan.size_slug in plan.profile.sizes
    assert plan.image_slug not in plan.size.excludes_images
    assert plan.size.accelerator or not plan.image.requires_accelerator
    assert plan.image.local if place.mode is Mode.LOCAL else plan.image.reference
    assert place.images.get(plan.image_slug, ImageReadiness(ready=True)).ready
    assert (plan.accelerator is None) == (plan.size.accelerator is None)
    if plan.accelerator and place.flavors is not None:
        assert plan.accelerator.flavor_slug in place.flavors
    if plan.size.max_running is not None and place.running is not None:
        assert place.running.get(plan.size_slug, 0) < plan.size.max_running
    _assert_room(plan, place)
    assert place.cpus is None or plan.size.cpus <= place.cpus
    assert place.memory_bytes is None or plan.size.memory <= place.memory_bytes


def _assert_room(plan: Plan, place: Facilities) -> None:
    counted = None if place.capacity is None else place.capacity.sizes.get(plan.size_slug)
    if place.capacity is None or counted is None or counted.fits:
        return
    if plan.image_slug in place.capacity.uncounted_images:
        return  # nothing is refused that nobody counts
    waits = plan.profile.when_full
    if plan.accelerator is None:
        unknown = counted.fits_ever and counted.lacking[:1] in {(), ("unknown",)}
        assert unknown or (place.capacity.scope != "machine" and waits != "refuse")
        return
    flavor = place.capacity.flavors.get(plan.accelerator.flavor_slug)
    if flavor is None:
        return
    assert counted.fits_ever
    if counted.lacking[:1] not in {(), ("unknown",)} and not flavor.may_grow:
        assert waits == "wait"
        assert place.capacity.scope != "machine"


def _hidden_names(cat: SandlotSettings, who: Entitlements) -> list[str]:
    every: list[CatalogueEntry] = [
        *cat.profiles.values(), *cat.images.values(), *cat.sizes.values()
    ]  # fmt: skip
    return [entry.display_name for entry in every if entry.hidden and not _may(entry.allow, who)]


def _assert_matches_form(
    shown: dict[str, VisibleProfile], who: Entitlements, cat: SandlotSettings, place: Facilities
) -> None:
    for slug, profile in shown.items():
        parts: dict[str, tuple[VisibleChoice[Any], ...]]
        parts = {"image": profile.images, "size": profile.sizes}
        for name, choices in parts.items():
            for choice in choices:
                outcome = resolve(
                    {"profile": slug, name: choice.slug},
                    entitlements=who,
                    settings=cat,
                    facilities=place,
                )
                refusal = choice.refusal
                if profile.refusal is not None and profile.refusal.code == "profile-not-allowed":
                    refusal = profile.refusal
                if refusal is None:
                    assert isinstance(outcome, Plan)
                else:
                    assert isinstance(outcome, Refused)
                    assert (outcome.code, outcome.message) == (refusal.code, refusal.message)


@settings(max_examples=400, suppress_health_check=SLOW)
@given(document=DOCUMENTS, who=PEOPLE, place=PLACES, request=REQUESTS)
def test_every_catalogue(
    document: dict[str, Any], who: Entitlements, place: Facilities, request: dict[str, str]
) -> None:
    try:
        cat = SandlotSettings.model_validate(document)
    except ValidationError:
        return  # test_catalogue.py has the refused ones
    shown = {profile.slug: profile for profile in visible(who, cat, place)}
    outcome = resolve(request, entitlements=who, settings=cat, facilities=place)
    if isinstance(outcome, Plan):
        _assert_open(outcome, who, place)
        profile = shown[outcome.profile_slug]
        assert profile.refusal is None
        if outcome.image_slug == CUSTOM_IMAGE:
            assert profile.custom_images is not None
            assert profile.custom_images.refusal is None
        else:
            assert [c.refusal for c in profile.images if c.slug == outcome.image_slug] == [None]
        assert [c.refusal for c in profile.sizes if c.slug == outcome.size_slug] == [None]
    else:
        for alternative in outcome.alternatives:
            options = alternative.options
            instead = resolve(options, entitlements=who, settings=cat, facilities=place)
            assert isinstance(instead, Plan)
            assert instead.options == options
            assert instead.redirected == ()
        told = outcome.message + "".join(a.label for a in outcome.alternatives)
        assert not [name for name in _hidden_names(cat, who) if f"{name}”" in told]
    _assert_matches_form(shown, who, cat, place)
    _assert_default(shown, who, cat, place)


def _assert_default(
    shown: dict[str, VisibleProfile], who: Entitlements, cat: SandlotSettings, place: Facilities
) -> None:
    plan = resolve({}, entitlements=who, settings=cat, facilities=place)
    flagged = [
        {"profile": slug, "image": image.slug, "size": size.slug}
        for slug, profile in shown.items()
        for image in profile.images
        for size in profile.sizes
        if profile.default and image.default and size.default
    ]
    assert flagged == ([plan.options] if isinstance(plan, Plan) else [])


@settings(max_examples=150, suppress_health_check=SLOW)
@given(document=DOCUMENTS, who=PEOPLE, place=PLACES)
def test_offers_are_what_resolves(
    document: dict[str, Any], who: Entitlements, place: Facilities
) -> None:
    try:
        cat = SandlotSettings.model_validate(document)
    except ValidationError:
        return
    listed = decide_offers(entitlements=who, settings=cat, facilities=place, now=NOW)
    for offer in listed.offers:
        options = offer.model_dump(include={"profile", "image", "size"})
        outcome = resolve(options, entitlements=who, settings=cat, facilities=place)
        assert (offer.state == "unavailable") == isinstance(outcome, Refused)
        if isinstance(outcome, Refused):
            assert offer.reason is not None
            assert (offer.reason.code, offer.reason.message) == (outcome.code, outcome.message)


def _assert_startable_at_once(
    found: tuple[Alternative, ...], who: Entitlements, cat: SandlotSettings, place: Facilities
) -> None:
    for alternative in found:
        plan = resolve(alternative.options, entitlements=who, settings=cat, facilities=place)
        assert isinstance(plan, Plan)
        if place.capacity is not None and plan.image_slug in place.capacity.uncounted_images:
            continue
        counted = None if place.capacity is None else place.capacity.sizes.get(plan.size_slug)
        full = (
            counted is not None
            and counted.fits == 0
            and counted.lacking[:1]
            not in {
                (),
                ("unknown",),
            }
        )
        known = plan.accelerator is None or (
            place.capacity is not None and plan.accelerator.flavor_slug in place.capacity.flavors
        )
        assert not (full and known)


@settings(max_examples=300, suppress_health_check=SLOW)
@given(document=DOCUMENTS, one=PEOPLE, other=PEOPLE, place=PLACES)
def test_equal_keys_see_the_same(
    document: dict[str, Any], one: Entitlements, other: Entitlements, place: Facilities
) -> None:
    try:
        cat = SandlotSettings.model_validate(document)
    except ValidationError:
        return
    if audience_key(one, cat) == audience_key(other, cat):
        assert visible(one, cat, place) == visible(other, cat, place)
        assert page_offers(visible(one, cat, place)) == page_offers(visible(other, cat, place))


@settings(max_examples=150, suppress_health_check=SLOW)
@given(document=DOCUMENTS, who=PEOPLE, place=PLACES)
def test_what_is_off_offers_what_a_start_would_be_offered(
    document: dict[str, Any], who: Entitlements, place: Facilities
) -> None:
    try:
        cat = SandlotSettings.model_validate(document)
    except ValidationError:
        return
    for profile in visible(who, cat, place):
        parts: dict[str, tuple[VisibleChoice[Any], ...]]
        parts = {"image": profile.images, "size": profile.sizes}
        for name, choices in parts.items():
            for choice in choices:
                outcome = resolve(
                    {"profile": profile.slug, name: choice.slug},
                    entitlements=who,
                    settings=cat,
                    facilities=place,
                )
                if choice.waits is not None:
                    assert isinstance(outcome, Plan)
                    _assert_startable_at_once(profile.alternatives_to(choice), who, cat, place)
                elif choice.refusal is None:
                    assert choice.instead == ()
                else:
                    assert isinstance(outcome, Refused)
                    assert profile.alternatives_to(choice) == outcome.alternatives
