"""What the hub and the spawner told this server: read once, here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The contracts hold these names too, and a test compares them: importing them from there
# would bring pydantic into every start of a server.
SESSION_ENV = "SANDLOT_SESSION"
SERVICES_URL_ENV = "SANDLOT_SERVICES_URL"
_DASK_ENV = "DASK_GATEWAY__ADDRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEnvironment:
    """The environment of a server as its spawner set it; empty texts without a hub."""

    session: str = ""
    """The `Session` as JSON, unparsed."""
    owner: str = ""
    """Name of the user that the server belongs to."""
    hub_api_url: str = ""
    hub_token: str = field(default="", repr=False)
    """The server's own token. It goes into one request header and nowhere else."""
    hub_home_url: str | None = None
    """The hub's home page: a path, or a whole URL when the hub has a host of its own."""
    services_url: str = ""
    """Address below which the hub's services answer to this server; ends with ``/``."""
    clusters: bool = False
    """Whether there are Dask clusters: spawners tell people's code where, when there are."""


def read_environment(environ: Mapping[str, str]) -> ServerEnvironment:
    """Return what `environ` tells about this server."""
    base_url = environ.get("JUPYTERHUB_BASE_URL", "")
    home = f"{environ.get('JUPYTERHUB_HOST', '')}{base_url}hub/home" if base_url else None
    return ServerEnvironment(
        session=environ.get(SESSION_ENV, ""),
        owner=environ.get("JUPYTERHUB_USER", ""),
        hub_api_url=environ.get("JUPYTERHUB_API_URL", ""),
        hub_token=environ.get("JUPYTERHUB_API_TOKEN", ""),
        hub_home_url=home,
        services_url=environ.get(SERVICES_URL_ENV, ""),
        clusters=bool(environ.get(_DASK_ENV)),
    )
