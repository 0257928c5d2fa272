"""The one base of every wire type."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """A frozen message that tolerates keys it does not know.

    Unknown keys are ignored, because the two ends of a wire may be one version
    apart (see the package docstring). What an administrator writes is parsed by
    the settings models instead, where an unknown key is an error.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class StrictWireModel(BaseModel):
    """A frozen message from a less trusted end: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
