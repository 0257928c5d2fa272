"""A refusal is a value: what was refused, why, and what to do instead."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_contracts.problem import Alternative


class RefusalCode(StrEnum):
    """Stable codes. They never change meaning; new ones are added.

    Each also is the ``reason`` label of the hub's spawn metric, so they are bounded.
    """

    OPTIONS_TYPE = "options-type"
    """The options are not a mapping, or a value is not plain text."""
    OPTIONS_TOO_LARGE = "options-too-large"
    """A key or value is longer than any slug can be, or there are too many keys."""
    OPTION_UNKNOWN = "option-unknown"
    """A key that no profile has."""
    OPTION_REPEATED = "option-repeated"
    """The same key was given more than once (form or URL)."""
    PROFILE_REQUIRED = "profile-required"
    """Options were given without saying of which profile."""
    PROFILE_UNKNOWN = "profile-unknown"
    """No such profile, or one that this user may not know of."""
    PROFILE_NOT_ALLOWED = "profile-not-allowed"
    """The profile is shown to the user, but is for other groups."""
    PROFILE_REMOVED = "profile-removed"
    """Deprecated without a successor."""
    PROFILE_UNAVAILABLE = "profile-unavailable"
    """Open to the user, but no image × size of it can be started here and now."""
    PROFILE_NONE = "profile-none"
    """No profile at all is open to this user."""
    REFERENCE_INVALID = "reference-invalid"
    """The text is not the name of a container image."""
    REFERENCE_NOT_ALLOWED = "reference-not-allowed"
    """The profile does not let people name this image, or any."""
    REFERENCE_NOT_HERE = "reference-not-here"
    """Servers on one machine run no containers."""
    IMAGE_UNKNOWN = "image-unknown"
    IMAGE_OTHER_PROFILE = "image-other-profile"
    """The image exists, in another profile."""
    IMAGE_REMOVED = "image-removed"
    """Deprecated without a successor in this profile."""
    IMAGE_NOT_ALLOWED = "image-not-allowed"
    IMAGE_UNAVAILABLE = "image-unavailable"
    """The image has no part that this mode needs, or it is not built yet."""
    SIZE_UNKNOWN = "size-unknown"
    SIZE_OTHER_PROFILE = "size-other-profile"
    SIZE_REMOVED = "size-removed"
    SIZE_NOT_ALLOWED = "size-not-allowed"
    SIZE_UNAVAILABLE = "size-unavailable"
    """No accelerator of that flavor here, or larger than this machine."""
    SIZE_FULL = "size-full"
    """As many servers of this size run as may."""
    SIZE_NEVER_FITS = "size-never-fits"
    """No node of the cluster, or not this machine, could hold it if nobody else used any."""
    ACCELERATORS_BUSY = "accelerators-busy"
    """Too few accelerators of the flavor are free."""
    BLOCK_TOO_SMALL = "block-too-small"
    """Enough accelerators are free, but not on one node."""
    ROOM_TOO_SMALL = "room-too-small"
    """Too little CPU or memory is free in one place, or too few servers may run there."""
    NODES_DOWN = "nodes-down"
    """None of the nodes that it could run on can be used at the moment."""
    INCOMPATIBLE = "incompatible"
    """Image and size are each fine, but do not go together."""
    CLUSTER_LIMIT = "cluster-limit"
    """The user has as many Dask clusters as they may. Never of a start."""
    WORKER_LIMIT = "worker-limit"
    """The user's Dask clusters would have more workers than they may. Never of a start."""
    USER_NAME = "user-name"
    """No account can have this name. Never of a start."""
    GROUP_NAME = "group-name"
    """No group can have this name. Never of a start."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a request is refused, in words for people and in a code for programs.

    ``message`` says what is, why, and what next. It may quote what a user wrote,
    already shortened and made printable; it is plain text and must be escaped
    like any other text wherever it enters HTML.
    """

    code: RefusalCode
    message: str
    field: str | None = None
    """The offending option: ``profile``, ``image``, ``size``, ``reference`` or the key that was given."""
    params: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    alternatives: tuple[Alternative, ...] = ()
    status: int = 400
    """HTTP status, always 4xx: a user's mistake is never the hub's failure."""
