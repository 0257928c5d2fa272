"""Options of a start, read from whatever was sent: their form, not yet their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sandlot_hub.domain.values.image_reference import MAXIMUM as REFERENCE_MAXIMUM
from sandlot_hub.domain.values.names import describe_kind, printable, quoted
from sandlot_hub.domain.values.refusals import RefusalCode, Refused

from .reasons import refuse

OPTION_NAMES = frozenset({"profile", "image", "size", "reference"})
_KEYS_MAXIMUM = 16
_NAME_MAXIMUM = 200
_VALUE_MAXIMUM = 40
"""Length of the longest slug, in characters."""
_HINT = (
    "The options are `profile`, `image` and `size`, each the short name of a choice; "
    "`reference` in place of `image` names a container image."
)
_SHORT_NAME = "Give the short name of a choice."
_REFERENCE = "Give the name of a container image."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for, by slug. None is left open."""

    profile: str | None = None
    image: str | None = None
    size: str | None = None
    reference: str | None = None
    """What was written as the name of a container image, in place of `image`."""


def read_choice(options: object) -> Choice | Refused:
    """Return what `options` ask for, or why they cannot be read.

    None and an empty mapping leave everything open. Nothing of `options` is
    called, compared or formatted before its exact type is known, and no more of it
    is looked at than the longest valid options have: the answer is as quick for
    10 MB or a hostile object as for three slugs.
    """
    if options is None:
        return Choice()
    if not issubclass(type(options), dict):  # `isinstance` would believe a lying `__class__`
        kind = describe_kind(options)
        return refuse(RefusalCode.OPTIONS_TYPE, f"The options are {kind}, not an object. {_HINT}")
    mapping = cast("dict[object, object]", options)
    count = dict.__len__(mapping)
    if count > _KEYS_MAXIMUM:
        return refuse(
            RefusalCode.OPTIONS_TOO_LARGE, f"There are {count} options, which is too many. {_HINT}"
        )
    items = list(dict.items(mapping))  # past the methods that a subclass may have replaced
    for name, _ in items:
        refusal = _check_name(name)
        if refusal is not None:
            return refusal
    return _read_values(dict(cast("list[tuple[str, object]]", items)))


def _check_name(name: object) -> Refused | None:
    if type(name) is not str:
        kind = describe_kind(name)
        return refuse(RefusalCode.OPTIONS_TYPE, f"The name of an option is {kind}. {_HINT}")
    if len(name) > _NAME_MAXIMUM:
        return refuse(
            RefusalCode.OPTIONS_TOO_LARGE,
            f"The name of an option is {len(name)} characters long. {_HINT}",
            field=printable(name),
        )
    if name not in OPTION_NAMES:
        return refuse(
            RefusalCode.OPTION_UNKNOWN,
            f"There is no option {quoted(name)}. {_HINT}",
            field=printable(name),
        )
    return None


def _read_values(options: dict[str, object]) -> Choice | Refused:
    if options and "profile" not in options:
        return _without_profile()
    for name, value in options.items():
        refusal = _check_value(name, value)
        if refusal is not None:
            return refusal
    choice = Choice(**cast("dict[str, str]", options))
    if choice.image is not None and choice.reference is not None:
        return refuse(
            RefusalCode.OPTION_REPEATED,
            "The options `image` and `reference` both say which image. Give one of them.",
            field="reference",
        )
    return _without_profile() if choice.profile == "" else choice


def _without_profile() -> Refused:
    return refuse(
        RefusalCode.PROFILE_REQUIRED,
        "The options name no profile, and images and sizes belong to one. Choose a profile.",
        field="profile",
    )


def _check_value(name: str, value: object) -> Refused | None:
    maximum, hint = _VALUE_MAXIMUM, _SHORT_NAME
    if name == "reference":
        maximum, hint = REFERENCE_MAXIMUM, _REFERENCE
    if type(value) is list and len(value) > 1 and all(type(item) is str for item in value[:2]):
        return refuse(
            RefusalCode.OPTION_REPEATED,
            f"The option `{name}` was given {len(value)} times. Give it once.",
            field=name,
        )
    if type(value) is not str:
        return refuse(
            RefusalCode.OPTIONS_TYPE,
            f"The option `{name}` is {describe_kind(value)}, not text. {hint}",
            field=name,
        )
    if len(value) > maximum:
        return refuse(
            RefusalCode.OPTIONS_TOO_LARGE,
            f"The option `{name}` is {len(value)} characters long. {hint}",
            field=name,
        )
    return None
