"""What the gateway's processes in a cluster are told: by the environment of their containers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr, ValidationError

from sandlot_hub.adapters.cluster_access import own_namespace
from sandlot_hub.adapters.derived_secret import DATABASE_PURPOSE, derived_secret
from sandlot_hub.adapters.service_config import (
    ServiceConfig,
    ServiceConfigError,
    problem_lines,
)
from sandlot_hub.adapters.settings_file import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.adapters.settings_file import LoadedSettings

NAME = "dask-gateway"
SETTINGS = "SANDLOT_SETTINGS"
NAMESPACE = "SANDLOT_NAMESPACE"
HUB_API = "JUPYTERHUB_API_URL"
BASE_URL = "JUPYTERHUB_BASE_URL"
PUBLIC_URL = "JUPYTERHUB_PUBLIC_HUB_URL"
URL = "SANDLOT_DASK_URL"
DOOR_URL = "SANDLOT_DASK_DOOR_URL"
TOKEN, PROXY_TOKEN = "JUPYTERHUB_API_TOKEN", "DASK_GATEWAY_PROXY_TOKEN"
INSTANCE = "sandlot"
"""Which gateway it is, of several in a namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlace:
    """Where the gateway is."""

    namespace: str
    """Where its clusters are."""
    door_url: str
    """Where schedulers reach it."""
    proxy_token: str
    """What the proxy to schedulers shows."""
    seal_key: bytes

    @property
    def door_port(self) -> int:
        """Where it listens to schedulers."""
        return int(self.door_url.rpartition(":")[2])


def read_gateway(
    environment: Mapping[str, str],
) -> tuple[ServiceConfig, LoadedSettings, GatewayPlace]:
    """Return what the gateway is told.

    Raises
    ------
    ServiceConfigError
        Something is missing or wrong. Values are never quoted, since one is the token.
    SettingsError
        The settings are wrong.
    """
    base_url = environment.get(BASE_URL) or "/"
    token = _required(environment, TOKEN)
    try:
        config = ServiceConfig(
            name=NAME,
            listen="",
            url=_required(environment, URL),
            prefix=f"{base_url}services/{NAME}/",
            hub_api_url=_required(environment, HUB_API).rstrip("/"),
            hub_base_url=base_url,
            token=SecretStr(token),
            oauth_client_id=f"service-{NAME}",
            public_url=environment.get(PUBLIC_URL) or None,
        )
    except ValidationError as error:
        lines = ["The environment is not that of the gateway:", *problem_lines(error)]
        # `from None`: the original error quotes the values, and with them the token.
        raise ServiceConfigError("\n".join(lines)) from None
    place = GatewayPlace(
        namespace=read_namespace(environment),
        door_url=_with_port(environment, DOOR_URL),
        proxy_token=_required(environment, PROXY_TOKEN),
        seal_key=bytes.fromhex(derived_secret(token, DATABASE_PURPOSE)),
    )
    return config, read_settings(environment), place


def read_settings(environment: Mapping[str, str]) -> LoadedSettings:
    """Return the settings: the file that the hub has, too.

    Raises
    ------
    ServiceConfigError
        The file is not named.
    SettingsError
        The settings are wrong.
    """
    return load_settings(Path(_required(environment, SETTINGS)), name=SETTINGS)


def read_namespace(environment: Mapping[str, str]) -> str:
    """Return where clusters are: where it is said, else where this process is."""
    return environment.get(NAMESPACE) or own_namespace()


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        message = f"The variable {name} is missing. config/kubernetes/dask-gateway.yaml sets it."
        raise ServiceConfigError(message)
    return value


def _with_port(environment: Mapping[str, str], name: str) -> str:
    url = _required(environment, name).rstrip("/")
    if not (url.startswith("http://") and url.rpartition(":")[2].isdecimal()):
        message = f"The variable {name} is not http://HOST:PORT."
        raise ServiceConfigError(message)
    return url
