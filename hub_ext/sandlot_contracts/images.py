"""What is inside an image, for people who choose one."""

from __future__ import annotations

from pydantic import Field

from .base import WireModel


class Package(WireModel):
    """One package of an image's lock."""

    name: str
    version: str


class ImageContents(WireModel):
    """What is inside an image: from its lock, and from what was built of it."""

    packages: tuple[Package, ...] = Field(
        default=(), description="The packages that the image is made for, in its own order."
    )
    size_bytes: int | None = Field(
        default=None, ge=0, description="Bytes on disk; not known before it is built."
    )
    built_at: str | None = Field(
        default=None, description="When it was built: UTC, ISO 8601; not known before."
    )


NO_CONTENTS = ImageContents()
"""Of an image of which nothing is known."""
