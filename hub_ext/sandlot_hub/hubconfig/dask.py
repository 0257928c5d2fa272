"""Dask clusters, as users' servers are told of them; and the gateway of a hub on Kubernetes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandlot_contracts.session import IMAGE_ENV, SERVICES_URL_ENV
from sandlot_hub.adapters.service_config import MAX_TOKEN_LENGTH, MIN_TOKEN_LENGTH

from .refusal import InstallRefusedError
from .services import service_entry

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import SandlotSettings

    from .editor import ConfigEditor

DASK_GATEWAY = "dask-gateway"
DASHBOARDS = "sandlot/api/v1/clusters"
"""Where a user's server shows the dashboards of their clusters, below its own address."""
PROXY_ADDRESS = "sandlot-dask-proxy:8786"
"""Where the shipped manifest has the way to schedulers."""
HUB_PROXY_URL = "http://proxy-public"
"""Where Zero to JupyterHub has the hub's proxy."""

_URL = re.compile(r"http://[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}")
_ADDRESS = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}")
_PROXY_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
_DOCS = "docs/dask.md tells how"


def dask_environment(*, services_url: str, proxy_address: str) -> dict[str, str]:
    """Return what makes `dask_gateway.GatewayCluster()` work without arguments.

    Texts in braces are variables of the server's environment, which the client looks up.

    Parameters
    ----------
    services_url
        Where servers reach the hub's services, ending in ``/``.
    proxy_address
        Host and port at which they reach schedulers.
    """
    told = {
        "ADDRESS": f"{services_url}{DASK_GATEWAY}",
        "PROXY_ADDRESS": f"gateway://{proxy_address}",
        "PUBLIC_ADDRESS": f"{{JUPYTERHUB_SERVICE_PREFIX}}{DASHBOARDS}",
        "AUTH__TYPE": "jupyterhub",
        # All of it is near, whatever proxy leads out of here.
        "HTTP_CLIENT__PROXY": "False",
        "CLUSTER__OPTIONS__IMAGE": f"{{{IMAGE_ENV}}}",
    }
    return {f"DASK_GATEWAY__{name}": value for name, value in told.items()}


def configure_dask(
    editor: ConfigEditor, settings: SandlotSettings, *, sections: tuple[str, ...]
) -> None:
    """Register the gateway of a hub on Kubernetes, and tell servers of it; nothing without its URL.

    Parameters
    ----------
    editor
        The configuration.
    settings
        Whether there are to be clusters.
    sections
        Sections of ``c`` that the spawner reads.

    Raises
    ------
    InstallRefusedError
        If the half of it is missing, or wrong.
    """
    url = str(editor.get("Sandlot", "dask_gateway_url", ""))
    if not (url and settings.dask.enabled):
        return
    services = f"{_hub_proxy(editor)}{_base_url(editor)}services/"
    proxy = _checked(editor, "dask_proxy_address", _ADDRESS, otherwise=PROXY_ADDRESS)
    url = _checked(editor, "dask_gateway_url", _URL)
    section = next((name for name in sections if editor.has(name, "environment")), "Spawner")
    told = dask_environment(services_url=services, proxy_address=proxy)
    written = {name: _past_templates(value) for name, value in told.items()}
    editor.merge_mapping(section, "environment", {SERVICES_URL_ENV: services, **written})
    _register(editor, service_entry(DASK_GATEWAY, url, api_token=_token(editor)))


def _past_templates(value: str) -> str:
    """Return a value that is as it was once KubeSpawner has formatted it as a template."""
    return value.replace("{", "{{").replace("}", "}}")


def _register(editor: ConfigEditor, entry: dict[str, Any]) -> None:
    theirs = _listed(editor)
    # A chart lists it with its token and nothing else; what else there is to say is ours.
    theirs.update(entry)
    editor.merge_named("JupyterHub", "services", [theirs])


def _listed(editor: ConfigEditor) -> dict[str, Any]:
    """Return the service as it is listed; an empty entry when it is not."""
    entries: list[dict[str, Any]] = editor.container("JupyterHub", "services", [])
    return next((each for each in entries if each.get("name") == DASK_GATEWAY), {})


def _token(editor: ConfigEditor) -> str:
    given = str(editor.get("Sandlot", "dask_gateway_token", ""))
    token = given or str(_listed(editor).get("api_token", ""))
    if not (
        MIN_TOKEN_LENGTH <= len(token) <= MAX_TOKEN_LENGTH and token.isalnum() and token.isascii()
    ):
        message = (
            "c.Sandlot.dask_gateway_url is set, and there is no token that the gateway could have: "
            f"{MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} letters and digits. Next: set "
            "c.Sandlot.dask_gateway_token to the one of the gateway's Secret, from a variable of "
            f"the hub's environment; {_DOCS}."
        )
        raise InstallRefusedError(message)
    return token


def _hub_proxy(editor: ConfigEditor) -> str:
    return _checked(editor, "servers_proxy_url", _PROXY_URL, otherwise=HUB_PROXY_URL).rstrip("/")


def _base_url(editor: ConfigEditor) -> str:
    base = str(editor.get("JupyterHub", "base_url", ""))
    if not base:
        base = urlsplit(str(editor.get("JupyterHub", "bind_url", ""))).path
    return f"/{base.strip('/')}/".replace("//", "/")


def _checked(
    editor: ConfigEditor, option: str, pattern: re.Pattern[str], *, otherwise: str = ""
) -> str:
    value = str(editor.get("Sandlot", option, "")) or otherwise
    if not pattern.fullmatch(value.rstrip("/")):
        message = (
            f"c.Sandlot.{option} is {value!r}, which is no address of that kind. Next: {_DOCS}."
        )
        raise InstallRefusedError(message)
    return value.rstrip("/")
