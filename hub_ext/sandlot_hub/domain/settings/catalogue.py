"""What the parts of the settings promise one another: references, defaults, redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from .cluster import ClaimHome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .model import (
        CatalogueEntry,
        ImageSettings,
        ProfileSettings,
        SandlotSettings,
        SizeSettings,
    )


CUSTOM_IMAGE = "custom"
"""Slug that stands for an image which somebody names; no image of the settings has it."""

UNLISTED_CHOICE = "unlisted-choice"
"""What KubeSpawner's form posts for an image which somebody names."""


class Flaw(NamedTuple):
    """One broken promise: where it is, what is wrong and what is allowed."""

    path: tuple[str | int, ...]
    kind: str
    problem: str
    allowed: str
    value: object


def is_compatible(image_slug: str, image: ImageSettings, size: SizeSettings) -> bool:
    """Return whether a size can run an image."""
    if image.requires_accelerator and size.accelerator is None:
        return False
    return image_slug not in size.excludes_images


def follow_redirects(entries: Mapping[str, CatalogueEntry], slug: str) -> str | None:
    """Return the slug of the entry that stands for `slug` now.

    That is `slug` itself unless it is deprecated, else the end of its redirects;
    None when they end at an entry that was removed without a successor.
    """
    for _ in entries:  # bounded: a chain longer than the catalogue would be a cycle
        deprecated = entries[slug].deprecated
        if deprecated is None:
            return slug
        if deprecated.redirect is None:
            return None
        slug = deprecated.redirect
    return None


def check_catalogue(settings: SandlotSettings) -> None:
    """Refuse settings whose parts do not fit together.

    Raises
    ------
    pydantic.ValidationError
        One error a flaw, each with the path of the offending value as its ``loc``
        and with ``problem`` and ``allowed`` apart in its ``ctx``.
    """
    flaws = [
        *_reserved_flaws(settings),
        *_redirect_flaws(settings),
        *_size_flaws(settings),
        *_profile_flaws(settings),
        *_reference_flaws(("dask", "sizes"), "size", settings.dask.sizes, settings.sizes),
        *_dask_home_flaws(settings),
    ]
    if flaws:
        errors = [_as_error(flaw) for flaw in flaws]
        raise ValidationError.from_exception_data(type(settings).__name__, errors)


def _as_error(flaw: Flaw) -> InitErrorDetails:
    # Problem and allowed hold slugs only, which the models have checked: no braces.
    error = PydanticCustomError(
        flaw.kind,
        "{problem}; allowed: {allowed}",
        {"problem": flaw.problem, "allowed": flaw.allowed},
    )
    return InitErrorDetails(type=error, loc=flaw.path, input=flaw.value)


def _listed(slugs: Collection[str]) -> str:
    return ", ".join(slugs) if slugs else "nothing, because none is defined"


def _reference_flaws(
    path: tuple[str | int, ...], what: str, slugs: Sequence[str], known: Collection[str]
) -> Iterator[Flaw]:
    """Yield what is wrong in a list of slugs: unknown ones and repeated ones."""
    for index, slug in enumerate(slugs):
        if slug not in known:
            problem = f"there is no {what} '{slug}'"
            yield Flaw((*path, index), "unknown_slug", problem, _listed(known), slug)
        elif slug in slugs[:index]:
            problem = f"the {what} '{slug}' is listed twice"
            yield Flaw((*path, index), "repeated_slug", problem, "each slug once", slug)


def _dask_home_flaws(settings: SandlotSettings) -> Iterator[Flaw]:
    homes = settings.kubernetes.homes
    if not (settings.dask.mount_home and isinstance(homes, ClaimHome)):
        return
    if homes.access_mode != "ReadWriteMany":
        problem = "workers run on several nodes, and homes on claims are mounted on one at a time"
        allowed = "false, or `access_mode: ReadWriteMany` of `kubernetes.homes`"
        yield Flaw(("dask", "mount_home"), "home_of_one_node", problem, allowed, value=True)


def _reserved_flaws(settings: SandlotSettings) -> Iterator[Flaw]:
    for slug in (CUSTOM_IMAGE, UNLISTED_CHOICE):
        if slug in settings.images:
            problem = f"'{slug}' stands for an image that people name themselves"
            yield Flaw(("images", slug), "reserved_slug", problem, "any other slug", slug)


def _redirect_flaws(settings: SandlotSettings) -> Iterator[Flaw]:
    catalogues: tuple[tuple[str, str, Mapping[str, CatalogueEntry]], ...] = (
        ("images", "image", settings.images),
        ("sizes", "size", settings.sizes),
        ("profiles", "profile", settings.profiles),
    )
    for section, what, entries in catalogues:
        for slug, entry in entries.items():
            if entry.deprecated is None or entry.deprecated.redirect is None:
                continue
            target = entry.deprecated.redirect
            path = (section, slug, "deprecated", "redirect")
            others = [other for other in entries if other != slug]
            if target not in entries:
                problem = f"there is no {what} '{target}'"
                yield Flaw(path, "unknown_slug", problem, _listed(others), target)
            elif target == slug or _is_in_cycle(entries, slug):
                problem = f"the redirect of '{slug}' leads back to '{slug}'"
                allowed = f"the slug of another {what} whose redirects end"
                yield Flaw(path, "redirect_cycle", problem, allowed, target)


def _is_in_cycle(entries: Mapping[str, CatalogueEntry], start: str) -> bool:
    slug = start
    for _ in entries:
        entry = entries.get(slug)
        if entry is None or entry.deprecated is None or entry.deprecated.redirect is None:
            return False
        slug = entry.deprecated.redirect
        if slug == start:
            return True
    return False


def _size_flaws(settings: SandlotSettings) -> Iterator[Flaw]:
    for slug, size in settings.sizes.items():
        path = ("sizes", slug)
        if size.accelerator and size.accelerator.flavor not in settings.accelerators:
            flavor = size.accelerator.flavor
            yield Flaw(
                (*path, "accelerator", "flavor"),
                "unknown_slug",
                f"there is no accelerator flavor '{flavor}'",
                _listed(settings.accelerators),
                flavor,
            )
        yield from _reference_flaws(
            (*path, "excludes_images"),
            "image",
            size.excludes_images,
            [*settings.images, CUSTOM_IMAGE],
        )


def _profile_flaws(settings: SandlotSettings) -> Iterator[Flaw]:
    flagged = [slug for slug, profile in settings.profiles.items() if profile.default]
    for slug in flagged[1:]:
        problem = f"'{slug}' is a second default profile, after '{flagged[0]}'"
        yield Flaw(
            ("profiles", slug, "default"),
            "second_default",
            problem,
            "true in at most one profile",
            slug,
        )
    for slug, profile in settings.profiles.items():
        path = ("profiles", slug)
        if profile.default and profile.deprecated:
            problem = f"the default profile '{slug}' is deprecated"
            allowed = "a default that is still offered"
            yield Flaw((*path, "default"), "deprecated_default", problem, allowed, slug)
        flaws = [
            *_reference_flaws((*path, "images"), "image", profile.images, settings.images),
            *_reference_flaws((*path, "sizes"), "size", profile.sizes, settings.sizes),
        ]
        yield from flaws
        yield from _default_flaws(settings, slug, profile)
        if not flaws and not profile.deprecated:
            yield from _combination_flaws(settings, slug, profile)


def _default_flaws(
    settings: SandlotSettings, slug: str, profile: ProfileSettings
) -> Iterator[Flaw]:
    choices: tuple[tuple[str, str | None, Sequence[str], Mapping[str, CatalogueEntry]], ...] = (
        ("image", profile.defaults.image, profile.images, settings.images),
        ("size", profile.defaults.size, profile.sizes, settings.sizes),
    )
    for what, default, members, entries in choices:
        known = (member for member in dict.fromkeys(members) if member in entries)
        offered = [member for member in known if not entries[member].deprecated]
        if default in members and default not in entries:
            continue  # told already, where the list names it
        if default is not None and default not in offered:
            state = "is deprecated" if default in members else f"is no {what} of '{slug}'"
            problem = f"the default {what} '{default}' {state}"
            path = ("profiles", slug, "defaults", what)
            yield Flaw(path, "default_not_offered", problem, _listed(offered), default)


def _combination_flaws(
    settings: SandlotSettings, slug: str, profile: ProfileSettings
) -> Iterator[Flaw]:
    images = [i for i in profile.images if not settings.images[i].deprecated]
    sizes = [s for s in profile.sizes if not settings.sizes[s].deprecated]
    for section, what, left in (("images", "image", images), ("sizes", "size", sizes)):
        if not left:
            problem = f"every {what} of the profile '{slug}' is deprecated"
            allowed = f"at least one {what} that is still offered"
            yield Flaw(("profiles", slug, section), "nothing_offered", problem, allowed, slug)
    pairs = [(image, size) for image in images for size in sizes]
    if pairs and not any(
        is_compatible(image, settings.images[image], settings.sizes[size]) for image, size in pairs
    ):
        problem = f"no image of the profile '{slug}' can run with any of its sizes"
        allowed = "at least one image and size that go together (see `requires_accelerator` "
        allowed += "and `excludes_images`)"
        yield Flaw(("profiles", slug), "no_combination", problem, allowed, slug)
