"""What a request starts: the only validator of options, whatever way they came."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .alternatives import Alternatives
from .choice import Choice, read_choice
from .custom_image import find_custom, pick_size
from .lookup import find_part, find_profile
from .plan import AcceleratorPlan, Plan
from .reasons import FORBIDDEN, refuse
from .sight import Part
from .viewpoint import Viewpoint

if TYPE_CHECKING:
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import ImageSettings, SandlotSettings, SizeSettings
    from sandlot_hub.domain.values.entitlements import Entitlements


def resolve(
    options: object,
    *,
    entitlements: Entitlements,
    settings: SandlotSettings,
    facilities: Facilities,
) -> Plan | Refused:
    """Return what `options` start for this user, here and now, or why they do not.

    Parameters
    ----------
    options
        ``{"profile": slug, "image": slug, "size": slug}``. Image and size may be
        left out for the profile's defaults; None and an empty mapping take the
        default profile. ``reference`` in place of ``image`` names a container
        image, where the profile permits it. Anything at all may be passed: it
        never raises.

    Returns
    -------
    Plan | Refused
        A plan only has what the user is shown and what can be started; its
        ``options`` resolve to it again. What is hidden from the user is refused
        exactly like what does not exist.
    """
    view = Viewpoint(entitlements=entitlements, settings=settings, facilities=facilities)
    choice = read_choice(options)
    if isinstance(choice, Refused):
        return _with_alternatives(view, choice, Choice())
    outcome = _decide(view, choice)
    return _with_alternatives(view, outcome, choice) if isinstance(outcome, Refused) else outcome


def resolve_start(
    requested: object,
    last: object,
    *,
    entitlements: Entitlements,
    settings: SandlotSettings,
    facilities: Facilities,
) -> Plan | Refused:
    """Return what a start with `requested` options starts.

    Without options (None, or an empty mapping) that is the `last` choice if it
    still resolves, else the default. `last` is what an earlier plan's ``options``
    were, as they come out of a store (None when there is nothing): whatever it is,
    it is judged like any other options. The plan's `redirected`
    says when the last choice had to be given up, and why.
    """
    view = Viewpoint(entitlements=entitlements, settings=settings, facilities=facilities)
    choice = read_choice(requested)
    if choice != Choice() or last is None:
        return resolve(
            requested, entitlements=entitlements, settings=settings, facilities=facilities
        )
    remembered = read_choice(last)
    again = remembered if isinstance(remembered, Refused) else _decide(view, remembered)
    if isinstance(again, Plan):
        return again
    default = _decide(view, Choice())
    if isinstance(default, Refused):
        return _with_alternatives(view, default, Choice())
    note = f"Your last choice could not be used again, so the default was started. {again.message}"
    return dataclasses.replace(default, redirected=(note,))


def _with_alternatives(view: Viewpoint, refusal: Refused, choice: Choice) -> Refused:
    return dataclasses.replace(refusal, alternatives=Alternatives(view).nearest(choice))


def _decide(view: Viewpoint, choice: Choice) -> Plan | Refused:
    notes: list[str] = []
    if choice.profile is None:
        profile: str | Refused = view.default_profile() or _nothing_to_start(view)
    else:
        profile = find_profile(view, choice.profile, notes)
    if isinstance(profile, Refused):
        return profile
    if choice.reference is not None:
        return _decide_custom(view, choice.reference, choice.size, profile, notes)
    image = find_part(view, Part.IMAGE, choice.image, profile, notes)
    if isinstance(image, Refused):
        return image
    size = find_part(view, Part.SIZE, choice.size, profile, notes)
    if isinstance(size, Refused):
        return size
    picked = view.pick(profile, image, size)
    if picked is None:
        return view.why_not(profile, image, size)
    image, size = picked
    return _plan(view, profile, (image, view.settings.images[image]), size, notes)


def _decide_custom(
    view: Viewpoint, reference: str, size: str | None, profile: str, notes: list[str]
) -> Plan | Refused:
    image = find_custom(view, profile, reference)
    if isinstance(image, Refused):
        return image
    found = find_part(view, Part.SIZE, size, profile, notes)
    if isinstance(found, Refused):
        return found
    picked = pick_size(view, profile, image, found)
    if isinstance(picked, Refused):
        return picked
    return _plan(view, profile, (CUSTOM_IMAGE, image), picked, notes)


def _plan(
    view: Viewpoint, profile: str, image: tuple[str, ImageSettings], size: str, notes: list[str]
) -> Plan:
    settings = view.settings
    return Plan(
        owner=view.entitlements.user,
        profile_slug=profile,
        profile=settings.profiles[profile],
        image_slug=image[0],
        image=image[1],
        size_slug=size,
        size=settings.sizes[size],
        accelerator=accelerator_plan(settings, settings.sizes[size]),
        redirected=tuple(notes),
    )


def accelerator_plan(settings: SandlotSettings, size: SizeSettings) -> AcceleratorPlan | None:
    """Return the accelerators that a size has; None without."""
    wanted = size.accelerator
    if wanted is None:
        return None
    flavor = settings.accelerators[wanted.flavor]
    return AcceleratorPlan(flavor_slug=wanted.flavor, flavor=flavor, count=wanted.count)


def _nothing_to_start(view: Viewpoint) -> Refused:
    """Return why there is no default: the profile that is nearest to being startable tells."""
    reasons = [view.profile_reason(slug) for slug in view.profiles()]
    for reason in reasons:
        if reason is not None and reason.code is not RefusalCode.PROFILE_NOT_ALLOWED:
            return reason
    return refuse(
        RefusalCode.PROFILE_NONE,
        "No profile is open to you. Ask an administrator to add you to a group that has one.",
        field="profile",
        status=FORBIDDEN,
    )
