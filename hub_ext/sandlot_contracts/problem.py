"""Errors as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import WireModel

PROBLEM_MEDIA_TYPE = "application/problem+json"


class Alternative(WireModel):
    """A choice that would have been accepted in place of the refused one."""

    profile: str = Field(description="Slug of the profile.")
    image: str = Field(description="Slug of the image.")
    size: str = Field(description="Slug of the size.")
    label: str = Field(description="The choice as a person reads it.")
    reference: str | None = Field(
        default=None,
        description="Container image that the person has named; it is started in place of `image`.",
    )

    @property
    def options(self) -> dict[str, str]:
        """The options that start it."""
        image = {"image": self.image} if self.reference is None else {"reference": self.reference}
        return {"profile": self.profile, **image, "size": self.size}


class Problem(WireModel):
    """One refusal or failure, the same on every transport.

    ``message`` repeats ``detail`` because Jupyter clients read that key.
    """

    type: str = Field(default="about:blank", description="URI that identifies the kind of problem.")
    title: str = Field(description="Short summary of the kind of problem.")
    status: int = Field(ge=400, le=599, description="The HTTP status.")
    detail: str = Field(description="What happened, why, and what to do next.")
    message: str = Field(description="The same as `detail`.")
    code: str = Field(description="Stable code, for clients and translations.")
    field: str | None = Field(default=None, description="The offending field, dotted.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="Values that the sentence names."
    )
    alternatives: tuple[Alternative, ...] = Field(
        default=(), description="What would be accepted instead, best first."
    )
    retry_at: str | None = Field(
        default=None, description="When to try again: UTC, ISO 8601 (RFC 3339)."
    )
