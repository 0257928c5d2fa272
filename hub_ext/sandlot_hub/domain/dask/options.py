"""What one user may make a Dask cluster of: images × worker sizes, and what they chose."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.choices.capacity_reasons import RoomState, find_room
from sandlot_hub.domain.choices.reasons import CONFLICT, mismatch, refuse
from sandlot_hub.domain.choices.sight import Part
from sandlot_hub.domain.choices.viewpoint import Viewpoint
from sandlot_hub.domain.values.names import describe_kind, joined, printable, quoted
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .admission import WorkerSize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandlot_contracts.images import ImageContents
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.settings.model import ImageSettings, SandlotSettings, SizeSettings
    from sandlot_hub.domain.values.entitlements import Entitlements

IMAGE = "image"
SIZE = "worker_size"
FIELDS = (IMAGE, SIZE)
"""The options of a cluster, as people's code names them."""

_ABSENT = (RefusalCode.SIZE_UNAVAILABLE, RefusalCode.SIZE_NEVER_FITS)
UNPROCESSABLE = 422
"""What dask-gateway's client shows as the text of a `ValueError`."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DaskOffers:
    """What a user may choose from, in the order of the settings."""

    images: Mapping[str, ImageSettings]
    sizes: Mapping[str, SizeSettings]
    """Of a worker; the first is the default."""
    profiles: Mapping[tuple[str, str], str]
    """Image and size that go together, with the first profile of the user's that has both."""
    contents: Mapping[str, ImageContents]
    """What is inside the images, where that is known."""
    absent: Mapping[str, Refused]
    """Sizes that the user could have, if there was here what they need; and why there is not."""

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Image and size that go together."""
        return frozenset(self.profiles)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DaskPlan:
    """What a cluster is made of."""

    profile_slug: str
    image_slug: str
    size_slug: str
    size: SizeSettings

    @property
    def worker_size(self) -> WorkerSize:
        """What each worker has."""
        wanted = self.size.accelerator
        return WorkerSize(
            cpus=self.size.cpus,
            memory=self.size.memory,
            accelerators=0 if wanted is None else wanted.count,
        )

    @property
    def options(self) -> dict[str, str]:
        """The options that make the same again."""
        return {IMAGE: self.image_slug, SIZE: self.size_slug}


def dask_offers(
    entitlements: Entitlements, settings: SandlotSettings, facilities: Facilities
) -> DaskOffers:
    """Return what a user may make a cluster of.

    That is every image and size which they could start as a server in some profile, as long as
    the size is one for workers. The places of a size (``max_running``) are for servers, and
    whether accelerators are free now plays no part: a worker waits for them.
    """
    sizes = settings.dask.sizes or tuple(settings.sizes)
    view = Viewpoint(
        entitlements=entitlements,
        settings=settings,
        facilities=dataclasses.replace(facilities, running=None, capacity=None),
    )
    profiles = [slug for slug in view.profiles() if view.access_reason(slug) is None]
    absent = _absent(view, profiles, sizes, facilities)
    taken: dict[tuple[str, str], str] = {}
    for profile, pair in _pairs(view, profiles):
        if pair[1] in sizes and pair[1] not in absent:
            taken.setdefault(pair, profile)
    images = {image for image, _ in taken}
    offered = {size for _, size in taken}
    return DaskOffers(
        images={slug: entry for slug, entry in settings.images.items() if slug in images},
        sizes={slug: settings.sizes[slug] for slug in sizes if slug in offered},
        profiles=taken,
        contents={
            slug: readiness.contents
            for slug, readiness in facilities.images.items()
            if slug in images
        },
        absent=absent,
    )


def _pairs(view: Viewpoint, profiles: Sequence[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    for profile in profiles:
        sizes = view.startable(Part.SIZE, profile)
        for image in view.startable(Part.IMAGE, profile):
            yield from (
                (profile, (image, size)) for size in sizes if view.goes_together(image, size)
            )


def _absent(
    view: Viewpoint, profiles: Sequence[str], sizes: Sequence[str], facilities: Facilities
) -> dict[str, Refused]:
    found: dict[str, Refused] = {}
    for profile in profiles:
        for slug in view.offered(Part.SIZE, profile):
            reason = view.part_reason(Part.SIZE, slug, profile)
            reason = reason or _never_fits(slug, view.settings, facilities)
            if slug in sizes and reason is not None and reason.code in _ABSENT:
                found[slug] = dataclasses.replace(reason, field=SIZE, status=UNPROCESSABLE)
    return found


def _never_fits(slug: str, settings: SandlotSettings, facilities: Facilities) -> Refused | None:
    size = settings.sizes[slug]
    room = find_room(slug, size, settings=settings, facilities=facilities)
    # Nodes without accelerators may be added by whoever runs the cluster, who tells nobody.
    if size.accelerator is None or room.state is not RoomState.NEVER:
        return None
    return refuse(
        room.code,
        f"{room.what} Choose another worker size.",
        params={"size": slug},
        status=UNPROCESSABLE,
    )


def choose_dask(
    options: Mapping[str, Any], offers: DaskOffers, settings: SandlotSettings
) -> DaskPlan | Refused:
    """Return the cluster that `options` ask for, or why there is none.

    What is left open is the first that goes with the rest. What a user may not use is
    answered like what does not exist.
    """
    refusal = _check(options)
    if refusal is not None:
        return refusal
    if not offers.pairs:
        return _nothing()
    image, size = options.get(IMAGE), options.get(SIZE)
    for field, given, entries, code in (
        (IMAGE, image, offers.images, RefusalCode.IMAGE_UNKNOWN),
        (SIZE, size, offers.sizes, RefusalCode.SIZE_UNKNOWN),
    ):
        if given is not None and given not in entries:
            if field == SIZE and given in offers.absent:
                return offers.absent[given]
            return _unknown(field, given, list(entries), code)
    found = _first_pair(image, size, offers)
    if found is None:
        # Both exist, or one of the two would have been found with something.
        assert image is not None  # noqa: S101 (this tells the type)
        assert size is not None  # noqa: S101 (this tells the type)
        return dataclasses.replace(
            mismatch(settings, image, size), field=SIZE, status=UNPROCESSABLE
        )
    return DaskPlan(
        profile_slug=offers.profiles[found],
        image_slug=found[0],
        size_slug=found[1],
        size=offers.sizes[found[1]],
    )


def _first_pair(image: str | None, size: str | None, offers: DaskOffers) -> tuple[str, str] | None:
    images = list(offers.images) if image is None else [image]
    sizes = list(offers.sizes) if size is None else [size]
    return next(
        (pair for pair in ((i, s) for s in sizes for i in images) if pair in offers.pairs), None
    )


def _check(options: Mapping[str, Any]) -> Refused | None:
    for name, value in options.items():
        if name not in FIELDS:
            return refuse(
                RefusalCode.OPTION_UNKNOWN,
                f"A cluster has no option {quoted(name)}. It has {joined(FIELDS)}.",
                field=printable(name),
                status=UNPROCESSABLE,
            )
        if not isinstance(value, str):
            return refuse(
                RefusalCode.OPTIONS_TYPE,
                f"The option `{name}` is {describe_kind(value)}, not text. "
                "Give the short name of a choice.",
                field=name,
                status=UNPROCESSABLE,
            )
    return None


def _unknown(field: str, given: str, known: Sequence[str], code: RefusalCode) -> Refused:
    what = "image" if field == IMAGE else "worker size"
    return refuse(
        code,
        f"There is no {what} {quoted(given)} for your clusters. Choose {joined(known)}.",
        field=field,
        params={field: printable(given), "choices": tuple(known)},
        status=UNPROCESSABLE,
    )


def _nothing() -> Refused:
    return refuse(
        RefusalCode.PROFILE_NONE,
        "Nothing that you may use can run in a cluster at the moment: no image is ready, or no "
        "profile is open to you. Try again later, or ask an administrator.",
        status=CONFLICT,
    )
