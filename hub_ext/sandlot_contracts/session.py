"""What a user's server knows about itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import WireModel

SESSION_ENV = "SANDLOT_SESSION"
"""Environment variable of the user's server that holds a `Session` as JSON. No secrets."""

SERVICES_URL_ENV = "SANDLOT_SERVICES_URL"
"""Environment variable of the user's server: where the hub's services answer to it.

A whole URL that ends with ``/services/``; the service's name follows.
"""

IMAGE_ENV = "SANDLOT_IMAGE"
"""Environment variable of the user's server with the slug of its image."""

Isolation = Literal["own-uid", "shared-uid", "pod"]


class Named(WireModel):
    """A catalogue entry as people and programs know it."""

    slug: str
    display_name: str


class SessionAccelerator(WireModel):
    """Accelerators that this server was given."""

    flavor: str = Field(description="Slug of the accelerator flavor.")
    display_name: str
    count: int = Field(ge=1)


class SessionSize(Named):
    """The resources that the server was given."""

    cpus: float = Field(gt=0, description="CPU cores.")
    memory_bytes: int = Field(gt=0, description="Memory in bytes.")
    accelerator: SessionAccelerator | None = None
    cpu_enforced: bool = Field(description="Whether more CPU than that is refused here.")
    memory_enforced: bool = Field(description="Whether more memory than that is refused here.")


class Session(WireModel):
    """One running server: who owns it and what was chosen."""

    owner: str = Field(description="Name of the user that the server belongs to.")
    server_name: str = Field(default="", description="Empty for the default server.")
    spawn_id: str = Field(description="Unique for every start of every server.")
    profile: Named
    image: Named
    image_version: str = Field(default="", description="Version of the image, as people read it.")
    size: SessionSize
    isolation: Isolation = Field(description="What keeps this server apart from those of others.")
    settings_hash: str = Field(description="Hash of the settings that the plan was made from.")


class SessionView(WireModel):
    """Reply of ``GET …/sandlot/api/v1/session``: the session as the caller may see it."""

    session: Session | None = Field(description="None when the server was not started by Sandlot.")
    visitor: bool = Field(description="Whether the caller is not the owner.")
    viewer: str = Field(description="Name of the caller.")
    hub_home_url: str | None = Field(default=None, description="Path of the hub's home page.")


class Usage(WireModel):
    """What the server's processes use now; also the payload of the usage event."""

    memory_bytes: int = Field(ge=0, description="Resident memory of all processes, in bytes.")
    cpu_fraction: float = Field(ge=0, description="CPU in use: 1.0 is one core.")
    processes: int = Field(ge=0, description="Number of processes.")
