"""The keys of a hub whose servers are pods: everywhere but under `sandlot up`."""

from __future__ import annotations

import ipaddress
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from sandlot_hub.adapters.cluster_access import SURROUNDINGS, own_namespace
from sandlot_hub.adapters.managed_service import (
    MANAGED_ENV,
    Handover,
    SettingsTooLongError,
    encode_managed,
)
from sandlot_hub.adapters.service_config import LOOPBACK, ClusterPlace
from sandlot_hub.domain.capacity.placing_options import (
    PLACING_FOR_ALL,
    uncounted_images,
    uncounted_sizes,
)
from sandlot_hub.domain.settings.cluster import ClaimHome
from sandlot_hub.spawner.kube_overrides import unknown_options

from .dask import configure_dask
from .placement import KubeOptions
from .refusal import InstallRefusedError
from .rights import RightsCheck
from .services import service_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from traitlets import HasTraits

    from sandlot_hub.domain.settings.model import SandlotSettings

    from .editor import ConfigEditor

OFFERS = "offers"
OFFERS_PORT = 8089
"""Where the offers service listens when nothing else is said."""
HUB_PORT = 8081
"""JupyterHub's own default."""

_EVERY_ADDRESS = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 (what administrators write)
_LOOPBACKS = frozenset({"localhost", LOOPBACK, "::1"})
_IN_VARIABLE = "the hub hands them to its services in an environment variable, which is too short"


def configure_kubernetes(
    editor: ConfigEditor,
    settings: SandlotSettings,
    *,
    sections: tuple[str, ...],
    environment: Mapping[str, str],
) -> RightsCheck:
    """Write the defaults of such a hub, and the services that it starts.

    What an administrator set for KubeSpawner stays (`KubePlans` has the defaults of the rest),
    and so do the addresses: a hub in a cluster has its own.

    Parameters
    ----------
    editor
        The configuration.
    settings
        What the services work from.
    sections
        Sections of ``c`` that the spawner reads.
    environment
        The hub's: services get from it where the API server is.

    Returns
    -------
    RightsCheck
        What is to be asked of the cluster when the hub starts.

    Raises
    ------
    InstallRefusedError
        If the services cannot work with what is configured.
    """
    if editor.get("JupyterHub", "internal_ssl"):
        message = (
            "c.JupyterHub.internal_ssl is on, and Sandlot's services do not speak it. Next: "
            "remove it; a mesh of the cluster can encrypt what goes between pods."
        )
        raise InstallRefusedError(message)
    yes, no = True, False
    editor.offer(("JupyterHub",), "allow_named_servers", yes)
    # Servers are pods: they go on while the hub is away.
    editor.offer(("JupyterHub",), "cleanup_servers", no)
    # JupyterHub turns people away while 100 servers start. Here a start can wait an hour for a GPU,
    # and those who wait would keep everybody else from starting anything.
    editor.offer(("JupyterHub",), "concurrent_spawn_limit", 0)
    editor.offer(sections, "default_url", "/lab")
    place = _cluster(editor, settings, sections)
    # JupyterHub keeps from the services that it starts where the API server is.
    around = {name: environment[name] for name in SURROUNDINGS if environment.get(name)}
    services = _offers_service(editor, settings, place=place, around=around)
    editor.merge_named("JupyterHub", "services", services)
    configure_dask(editor, settings, sections=sections)
    homes = settings.kubernetes.homes
    return RightsCheck(sections=sections, has_claims=isinstance(homes, ClaimHome))


def refuse_unknown_options(settings: SandlotSettings, spawner: type[HasTraits]) -> None:
    """Refuse options of KubeSpawner in the settings that the installed one does not have.

    Raises
    ------
    InstallRefusedError
        If there are any.
    """
    unknown = list(unknown_options(settings, spawner))
    if unknown:
        message = (
            f"The settings set what KubeSpawner has no option for: {', '.join(unknown)}. Next: "
            "look for the name in KubeSpawner's reference, or remove it."
        )
        raise InstallRefusedError(message)


def _offers_service(
    editor: ConfigEditor,
    settings: SandlotSettings,
    *,
    place: ClusterPlace,
    around: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the service, and its process, which the hub starts.

    Two entries, because JupyterHub ends itself when it cannot reach a service that it has
    started. People must be able to log in and to start servers without this one, even where a
    port is missing in the hub's Service. Neither has a role.
    """
    url, token = _offers_url(editor), _token(editor, OFFERS)
    handover = Handover(
        name=OFFERS,
        listen=_listen_address(url),
        url=url,
        hub_url=_hub_beside(editor),
        token=SecretStr(token),
        cluster=place,
    )
    try:
        told = encode_managed(handover, settings)
    except SettingsTooLongError as error:
        message = f"The settings are too long ({error}): {_IN_VARIABLE}. Next: shorten the texts."
        raise InstallRefusedError(message) from error
    process = {
        "name": f"{OFFERS}-process",
        # Not from the working directory: nothing there may stand in for a module.
        "command": [sys.executable, "-P", "-m", "sandlot_hub.services.offers"],
        "environment": {MANAGED_ENV: told, **around},
        "display": False,
    }
    # The process first: for the service the hub waits a moment.
    return [process, service_entry(OFFERS, url, api_token=token)]


def _cluster(
    editor: ConfigEditor, settings: SandlotSettings, sections: tuple[str, ...]
) -> ClusterPlace:
    """Return where servers will be, and with whose credentials the service looks at it."""
    given = str(editor.get("Sandlot", "offers_kubeconfig", ""))
    credentials = Path(given) if given else None
    if credentials is not None and not credentials.is_absolute():
        message = (
            f"c.Sandlot.offers_kubeconfig is {given!r}. Next: write the path from the root, such "
            "as '/var/run/secrets/sandlot-offers'."
        )
        raise InstallRefusedError(message)
    if credentials is not None and not credentials.exists():
        # The hub starts: this service is not what people need most, and a Secret may still come.
        editor.notes.append(
            f"c.Sandlot.offers_kubeconfig names {given}, and nothing is there: people are not told "
            "what is free. Next: config/kubernetes/offers.yaml makes the account and its Secret; "
            "mount that there."
        )
    options = KubeOptions(editor, sections)
    each_user = options.option("enable_user_namespaces")
    return ClusterPlace(
        credentials=credentials,
        namespace="" if each_user else str(options.option("namespace") or own_namespace()),
        node_selector=options.node_selector(),
        tolerations=options.tolerations(),
        beside=options.beside(),
        uncounted=uncounted_sizes(
            settings, {name: options.option(name) for name in PLACING_FOR_ALL}
        ),
        uncounted_images=uncounted_images(settings),
    )


def _token(editor: ConfigEditor, name: str) -> str:
    """Return a new token; that of an earlier call of `install`, which changes nothing."""
    entries = editor.container("JupyterHub", "services", [])
    known = (str(each.get("api_token", "")) for each in entries if each.get("name") == name)
    return next(known, "") or secrets.token_hex(32)


def _offers_url(editor: ConfigEditor) -> str:
    """Return where the proxy reaches the service: beside the hub, however it reaches that."""
    given = str(editor.get("Sandlot", "offers_url", ""))
    if given:
        return _checked(given)
    connect = str(editor.get("JupyterHub", "hub_connect_url", ""))
    host = urlsplit(connect).hostname or str(editor.get("JupyterHub", "hub_connect_ip", ""))
    if not host:
        bound = _hub_bind(editor)[0]
        host = LOOPBACK if bound in _EVERY_ADDRESS else bound
    return f"http://{_host_in_url(host)}:{OFFERS_PORT}"


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        right = parts.scheme == "http" and bool(parts.hostname) and parts.port is not None
    except ValueError:  # a port that is no number
        right = False
    if not right or parts.path not in {"", "/"} or parts.query or parts.fragment:
        message = (
            f"c.Sandlot.offers_url is {url!r}. Write scheme, host and port, such as "
            f"'http://hub:{OFFERS_PORT}'."
        )
        raise InstallRefusedError(message)
    return url.rstrip("/")


def _listen_address(url: str) -> str:
    """Return where the service listens: there and nowhere else, if that is an address."""
    host = urlsplit(url).hostname or ""
    if host in _LOOPBACKS:
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:  # a name, such as that of a Service of the cluster
        return ""


def _hub_beside(editor: ConfigEditor) -> str:
    """Return the hub's address for a process of the same container."""
    host, port = _hub_bind(editor)
    beside = LOOPBACK if host in _EVERY_ADDRESS else host
    return f"http://{_host_in_url(beside)}:{port}"


def _hub_bind(editor: ConfigEditor) -> tuple[str, int]:
    """Return host and port that the hub listens at, with JupyterHub's own defaults."""
    bind = editor.get("JupyterHub", "hub_bind_url", "")
    if bind:
        parts = urlsplit(str(bind))
        return parts.hostname or "", parts.port or HUB_PORT
    host = str(editor.get("JupyterHub", "hub_ip", LOOPBACK))
    return host, int(editor.get("JupyterHub", "hub_port", HUB_PORT))


def _host_in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
