"""What the models of the settings have in common: their base, and the kinds of text."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import override

from sandlot_hub.domain.values.image_reference import Malformed, parse_reference

Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z](?:-?[a-z0-9])*$", max_length=40, strict=True)
]
"""Stable name in options, URLs and labels: lower case, digits, single hyphens; never changed."""

Text = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$",
        strip_whitespace=True,
        strict=True,
    ),
]
"""One line without control characters."""

ShortText = Annotated[
    str, StringConstraints(max_length=40, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", strict=True)
]
"""A few words without control characters; may be empty."""

LongText = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$", strict=True),
]
"""Text that may have several lines."""


def _is_reference(text: str) -> str:
    found = parse_reference(text)
    if isinstance(found, Malformed):
        msg = f"this is not the name of a container image. {found.reason}"
        raise ValueError(msg)  # noqa: TRY004 (what pydantic takes for a refusal)
    return text


ImageReference = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=255, strict=True),
    AfterValidator(_is_reference),
]
"""Registry, repository, tag and digest, as a container runtime takes them."""

RegistryPattern = Annotated[
    str,
    StringConstraints(
        pattern=r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9][0-9]{0,4})?$",
        max_length=255,
        strict=True,
    ),
    Field(examples=["quay.io", "*.example.org:5000"]),
]
"""Registries; see `image_rules`."""

RepositoryPattern = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9._*-]+)(/[a-z0-9._*-]+)*$", max_length=255, strict=True),
    Field(examples=["our-lab/notebook", "our-lab/*", "our-lab/**"]),
]
"""Repositories; see `image_rules`."""

TagPattern = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_*][A-Za-z0-9._*-]*$", max_length=128, strict=True),
    Field(examples=["2026-11", "2026-*", "*"]),
]
"""Tags; see `image_rules`."""

DigestRule = Annotated[
    str,
    StringConstraints(
        pattern=r"^(optional|required|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$", strict=True
    ),
    Field(examples=["optional", "required", "sha256:6b86b273…"]),
]
"""Digests; see `image_rules`."""


class SettingsModel(BaseModel):
    """Base of all settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Nothing of it changes, and traitlets copies every option for every spawner: of a
        # large catalogue that takes longer than all the rest of a start.
        return self


class AllowSettings(SettingsModel):
    """Who may use an entry. Empty lists mean everybody."""

    groups: tuple[Text, ...] = ()
    """Members of any of these groups may use it."""
    users: tuple[Text, ...] = ()
    """These users may use it, whatever their groups; names as the hub writes them."""
