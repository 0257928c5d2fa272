"""What a hub service is told at start: one private file, `service.json`.

Everything else (profiles, images, sizes) is in the resolved settings that the hub reads too.
The file holds the service's token, so it stands in no argument list and no environment.
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sandlot_hub.domain.capacity.size_demand import HubPlacement, Toleration

from .files import replace_file
from .private_file import PrivateFileError, read_private

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
MIN_TOKEN_LENGTH = 16
MAX_TOKEN_LENGTH = 64
"""JupyterHub refuses longer ones."""


def _path_prefix(value: str) -> str:
    if not (value.startswith("/") and value.endswith("/")) or "//" in value:
        message = "must begin and end with a single slash"
        raise ValueError(message)
    return value


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        message = "must be an absolute path"
        raise ValueError(message)
    return value


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (
        MIN_TOKEN_LENGTH <= len(text) <= MAX_TOKEN_LENGTH and text.isalnum() and text.isascii()
    ):
        message = f"must be {MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} letters and digits"
        raise ValueError(message)
    return value


def _address(value: str) -> str:
    if value:
        ipaddress.ip_address(value)
    return value


Prefix = Annotated[str, StringConstraints(strict=True), AfterValidator(_path_prefix)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$", strict=True)]


class ClusterPlace(BaseModel):
    """The cluster in which servers are pods, for a service that looks at it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    credentials: AbsolutePath | None = None
    """Where the service's own credentials are, see `cluster_access`; never their content. Without,
    it comes with those of the hub's pod."""
    namespace: str = ""
    """The namespace of the servers; empty where each user has one."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes for all servers, by KubeSpawner's options."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that keep no server off, by KubeSpawner's options."""
    beside: dict[str, int] = {}
    """What each server takes of a node beside its size, by KubeSpawner's options, see
    `HubPlacement`."""
    uncounted: tuple[str, ...] = ()
    """Slugs of sizes of which KubeSpawner's options leave open what fits, see `uncounted_sizes`."""
    uncounted_images: tuple[str, ...] = ()
    """Slugs of images with which that is open whatever the size, see there."""

    @property
    def placement(self) -> HubPlacement:
        """What KubeSpawner's options ask for every server."""
        return HubPlacement(
            node_selector=self.node_selector, tolerations=self.tolerations, beside=self.beside
        )


class ServiceConfig(BaseModel):
    """Where a service listens, whom it asks, and which settings it reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z](?:-?[a-z0-9])*$", max_length=40)]
    """Name of the service, such as ``offers``."""
    listen: Annotated[str, StringConstraints(strict=True), AfterValidator(_address)] = LOOPBACK
    """The address that it listens at, every one when empty. On one machine loopback only: the
    proxy is the one way in. In a cluster the proxy may be in another pod."""
    url: Annotated[str, StringConstraints(pattern=r"^http://[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$")]
    """Where the proxy reaches it."""
    prefix: Prefix
    """Path under which the proxy serves it: ``{hub_base_url}services/{name}/``."""
    hub_api_url: HttpUrl
    """The hub's API, such as ``http://127.0.0.1:8081/hub/api``."""
    hub_base_url: Prefix
    """The hub's base URL, ``/`` unless the administrator chose another."""
    token: Annotated[SecretStr, AfterValidator(_token)]
    """The service's own API token; also its OAuth client secret."""
    oauth_client_id: Annotated[str, StringConstraints(pattern=r"^service-[a-z0-9-]+$")]
    """Its OAuth client, such as ``service-offers``; also the name of its login cookie."""
    settings_file: AbsolutePath | None = None
    """The resolved settings, which the hub reads too; none where the hub hands them over."""
    supervisor_socket: AbsolutePath | None = None
    """The supervisor's socket on one machine; none where servers are pods."""
    cluster: ClusterPlace | None = None
    """The cluster where servers are pods; none on one machine."""
    folder: AbsolutePath | None = None
    """Its own folder, for what it remembers; none where nothing is."""
    database: SecretStr | None = None
    """URL of its database, with the password; none where it keeps a file of its own."""
    ports: dict[str, Annotated[int, Field(ge=1, le=MAX_PORT)]] = {}
    """Further ports on 127.0.0.1 that it needs, by name."""
    port_held: bool = False
    """Whether the supervisor has bound the port, too; the service then sets SO_REUSEPORT."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much it logs."""
    public_url: HttpUrl | None = None
    """Address that browsers use, when a reverse proxy stands in front; https makes cookies secure."""
    stop_grace: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds that requests in progress have to finish when the service is stopped."""

    @field_validator("url")
    @classmethod
    def _reached(cls, url: str, info: ValidationInfo) -> str:
        if info.data.get("listen") == LOOPBACK and not url.startswith(f"http://{LOOPBACK}:"):
            message = f"must be http://{LOOPBACK}:PORT, because that is where it listens"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        expected = f"{self.hub_base_url}services/{self.name}/"
        if self.prefix != expected:
            message = f"prefix must be {expected!r} for this name and hub_base_url"
            raise ValueError(message)
        if not 1 <= self.port <= MAX_PORT:
            message = f"url has no usable port: {self.url}"
            raise ValueError(message)
        return self

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def hub_prefix(self) -> str:
        """Path of the hub's own pages, such as ``/hub/``."""
        return f"{self.hub_base_url}hub/"

    @property
    def secure(self) -> bool:
        """Whether browsers reach the service by https."""
        return self.public_url is not None and urlsplit(self.public_url).scheme == "https"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What never appears in a log."""
        if self.database is None:
            return (self.token.get_secret_value(),)
        url = self.database.get_secret_value()
        # In the URL some letters of a password are written otherwise.
        password = urlsplit(url).password or ""
        return self.token.get_secret_value(), url, password, unquote(password)

    @property
    def access_scope(self) -> str:
        """The scope that a token needs to be used with this service at all."""
        return f"access:services!service={self.name}"


class ServiceConfigError(Exception):
    """The file cannot be used; the text names file, field and what is wrong."""


def read_service_config(path: Path) -> ServiceConfig:
    """Read and check the file of one service.

    Raises
    ------
    ServiceConfigError
        The file is missing, open to other accounts, or wrong. Values are never quoted in the
        text, since one of them is the token.
    """
    try:
        return ServiceConfig.model_validate_json(read_private(path))
    except PrivateFileError as error:
        raise ServiceConfigError(str(error)) from error
    except ValidationError as error:
        message = "\n".join([f"{path} is not a service configuration:", *problem_lines(error)])
        # `from None`: the original error quotes the values, and with them the token.
        raise ServiceConfigError(message) from None


def problem_lines(error: ValidationError) -> list[str]:
    """Return where something is wrong and what, without any value."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return [f"  {'.'.join(map(str, item['loc'])) or '(file)'}: {item['msg']}" for item in problems]


def write_service_config(
    path: Path, config: ServiceConfig, *, uid: int | None = None, gid: int | None = None
) -> None:
    """Write the file of one service, mode 0600, owned by the service's account.

    Raises
    ------
    OSError
        The folder is missing, not writable or full.
    """
    document: dict[str, object] = {
        **config.model_dump(mode="json", exclude_none=True),
        "token": config.token.get_secret_value(),
    }
    if config.database is not None:
        document["database"] = config.database.get_secret_value()
    text = json.dumps(document, indent=2) + "\n"
    replace_file(path, text.encode(), mode=0o600, uid=uid, gid=gid)
