"""What `sandlot up` tells the hub that it starts: one private file, named in the environment.

The file holds every secret of the embedded stack that the hub needs, so that none
of them is in an environment or on a command line, where other users could see it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandlot_contracts.session import Isolation

from .files import replace_file
from .private_file import PrivateFileError, read_private

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED_ENV = "SANDLOT_EMBEDDED"
"""Environment variable of the hub that names the file."""

Port = Annotated[int, Field(ge=1, le=65535)]
Secret = Annotated[str, Field(min_length=1, repr=False)]


class EmbeddedConfigError(Exception):
    """The file cannot be used; the text is a sentence for the log."""


class _Private(BaseModel):
    """Base of the models of this file: exact, because both ends are one installation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class EmbeddedService(_Private):
    """A hub service that the supervisor runs."""

    url: str
    """Where it listens, such as ``http://127.0.0.1:40003``."""
    token: Secret
    """Its API token."""
    oauth_client_id: str
    """``service-<name>``."""


class EmbeddedConfig(_Private):
    """What the supervisor decided for the hub."""

    data_dir: Path
    """Absolute path of the data directory."""
    socket: Path
    """The supervisor's unix socket."""
    public_port: Port
    """Where the proxy listens, on 127.0.0.1."""
    hub_port: Port
    """Where the hub listens, on 127.0.0.1."""
    proxy_api_port: Port
    """Where the proxy answers about its routes, on 127.0.0.1."""
    base_url: Annotated[str, Field(pattern=r"^/(?:.*/)?$")]
    """Begins and ends with a slash."""
    public_url: str | None = None
    """How people reach the hub, when that is not ``http://127.0.0.1:{public_port}``."""
    proxy_api_user: str
    """Name for the proxy's API."""
    proxy_api_password: Secret
    """Password for the proxy's API."""
    proxy_rules_file: Path
    """Routes: written by the hub, read by the proxy."""
    db_url: str
    """SQLAlchemy URL of the hub's database."""
    cookie_secret_file: Path
    """The hub's cookie secret."""
    admin: str
    """Name of the first administrator."""
    account_secret: Secret
    """Key from which the passwords of accounts are made."""
    operator_token: Secret
    """Token of the ``sandlot`` command for the hub's REST API."""
    services: dict[str, EmbeddedService] = {}
    """By name."""
    dask_proxy_port: Port
    """Where clients reach the schedulers of Dask clusters, on 127.0.0.1."""
    settings_file: Path
    """The resolved settings that hub and services read."""
    settings_hash: str
    """Hash of the resolved settings."""
    isolation: Isolation
    """What keeps users apart."""


def read_embedded(path: Path) -> EmbeddedConfig:
    """Return what the supervisor wrote.

    Raises
    ------
    EmbeddedConfigError
        If the file is missing, open to other users, too large or not of this version.
    """
    try:
        return EmbeddedConfig.model_validate_json(read_private(path))
    except PrivateFileError as error:
        message = f"{error} `sandlot up` writes this file; run it again."
        raise EmbeddedConfigError(message) from error
    except ValidationError as error:
        # The values are secrets: name the fields only, and drop the error that quotes them.
        fields = ", ".join(".".join(map(str, item["loc"])) or "the file" for item in error.errors())
        message = f"{path} is not of this version of Sandlot ({fields}); run `sandlot up` again."
        raise EmbeddedConfigError(message) from None


def write_embedded(
    path: Path, config: EmbeddedConfig, uid: int | None = None, gid: int | None = None
) -> None:
    """Write the file with mode 0600, owned by `uid` and `gid` where they are given.

    Raises
    ------
    OSError
        If the folder is missing, not writable or full.
    """
    replace_file(path, config.model_dump_json(indent=2).encode(), mode=0o600, uid=uid, gid=gid)


def embedded_from_environment(environment: Mapping[str, str]) -> EmbeddedConfig | None:
    """Return the configuration that the environment names; None outside `sandlot up`.

    Raises
    ------
    EmbeddedConfigError
        As in `read_embedded`.
    """
    name = environment.get(EMBEDDED_ENV)
    return read_embedded(Path(name)) if name else None
