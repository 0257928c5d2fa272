"""Reply of every service's ``/health``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import WireModel


class Health(WireModel):
    """Whether a service works, and what it works from."""

    status: Literal["ok", "degraded"]
    service: str
    version: str = Field(description="Version of Sandlot.")
    settings_hash: str = Field(description="Hash of the resolved settings it has loaded.")
