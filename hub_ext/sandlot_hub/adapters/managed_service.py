"""What a hub service is told that the hub itself starts: in its environment, and nowhere else.

Nothing is written, so a read-only container is enough, and a hub that starts again leaves nothing
behind. The environment is read by nobody but the hub's own account.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from .service_config import ClusterPlace, ServiceConfig, ServiceConfigError, problem_lines
from .settings_file import LoadedSettings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.settings.model import SandlotSettings

MANAGED_ENV = "SANDLOT_SERVICE"
"""Environment variable with what `encode_managed` returned."""
LONGEST = 120 * 1024
"""Characters that it may have: Linux takes no variable of 128 KiB."""

_MOST = 32 << 20
"""Bytes of what is unpacked; the hub packed it, but whoever starts the program by hand may err."""


class SettingsTooLongError(Exception):
    """The settings do not fit into an environment variable."""


class Handover(BaseModel):
    """What the hub's configuration says, and JupyterHub does not pass on."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """The service."""
    listen: str
    """The address that it listens at."""
    url: str
    """Where the proxy reaches it."""
    hub_url: Annotated[str, Field(pattern=r"^http://[^\s?#/]+$")]
    """Where the hub answers a process beside it, such as ``http://127.0.0.1:8081``: its name in
    the cluster may lead through a network policy that does not let it talk to itself."""
    token: SecretStr
    """The service's own, not that of its process."""
    cluster: ClusterPlace
    """Where servers are, and where the credentials for it are."""


def encode_managed(handover: Handover, settings: SandlotSettings) -> str:
    """Return the value of `MANAGED_ENV`.

    Raises
    ------
    SettingsTooLongError
        If it would be longer than `LONGEST`.
    """
    document = {
        **handover.model_dump(mode="json"),
        "token": handover.token.get_secret_value(),
        "settings": settings.model_dump(mode="json"),
    }
    packed = zlib.compress(json.dumps(document, separators=(",", ":")).encode(), level=9)
    text = base64.b64encode(packed).decode()
    if len(text) > LONGEST:
        message = f"{len(text)} of at most {LONGEST} characters"
        raise SettingsTooLongError(message)
    return text


def managed_config(environment: Mapping[str, str]) -> tuple[ServiceConfig, LoadedSettings]:
    """Return what a service was told by the hub that started it.

    Raises
    ------
    ServiceConfigError
        Something is missing or wrong. Values are never quoted, since one is the token.
    SettingsError
        The settings are not of this version.
    """
    document = _decode(_variable(environment, MANAGED_ENV))
    settings = load_settings(document.pop("settings", {}), name=MANAGED_ENV)
    try:
        handover = Handover.model_validate(document)
        base_url = _variable(environment, "JUPYTERHUB_BASE_URL")
        config = ServiceConfig(
            name=handover.name,
            listen=handover.listen,
            url=handover.url,
            prefix=f"{base_url}services/{handover.name}/",
            hub_api_url=f"{handover.hub_url}{base_url}hub/api",
            hub_base_url=base_url,
            token=handover.token,
            cluster=handover.cluster,
            oauth_client_id=f"service-{handover.name}",
            public_url=environment.get("JUPYTERHUB_PUBLIC_HUB_URL") or None,
        )
    except ValidationError as error:
        lines = ["The hub's environment is not that of a service:", *problem_lines(error)]
        # `from None`: the original error quotes the values, and with them the token.
        raise ServiceConfigError("\n".join(lines)) from None
    return config, settings


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        message = (
            f"The variable {name} is missing. The hub starts this service; to start it by hand, "
            "name its file with --config."
        )
        raise ServiceConfigError(message)
    return value


def _decode(text: str) -> dict[str, object]:
    try:
        unpacker = zlib.decompressobj()
        document = json.loads(unpacker.decompress(base64.b64decode(text, validate=True), _MOST))
    except (binascii.Error, zlib.error, ValueError) as error:
        message = f"The variable {MANAGED_ENV} was not written by this version of Sandlot."
        raise ServiceConfigError(message) from error
    return dict(document) if isinstance(document, dict) else {}
