"""The keys of the embedded stack: what `sandlot up` decided for the hub that it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_contracts.session import SERVICES_URL_ENV

from .dask import DASK_GATEWAY, dask_environment
from .services import service_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.adapters.embedded import EmbeddedConfig

    from .editor import ConfigEditor

OPERATOR = "sandlot-operator"
"""Service, without a process, whose token the ``sandlot`` command uses."""
OPERATOR_ROLE: Mapping[str, Any] = {
    "name": OPERATOR,
    "description": "`sandlot user add`, `list` and `remove`",
    "scopes": ["admin:groups", "admin:users", "read:servers"],
    "services": [OPERATOR],
}
"""The only role that Sandlot adds. Making accounts needs ``admin:users``, nothing narrower does."""

ACCOUNTS = "sandlot_hub.auth.accounts.AccountsAuthenticator"
_ACCOUNTS_NAMES = frozenset({ACCOUNTS, "sandlot-accounts"})

PROXY = "sandlot_hub.adapters.traefik.EmbeddedProxy"
_PROXY_SECTIONS = ("EmbeddedProxy", "TraefikFileProviderProxy", "TraefikProxy", "Proxy")

_ADDRESS = (
    "`sandlot up` decides where people reach the hub; use its --port, --base-url, --public-url"
)
_PRIVATE = "hub, proxy and services of `sandlot up` talk on 127.0.0.1, on ports that it keeps"
_TLS = "`sandlot up` listens on loopback only; put a reverse proxy with TLS in front"
_STATE = "`sandlot up` keeps the hub's state in its data directory"
_PROXY = "`sandlot up` runs the proxy"
_STAYS = "`sandlot up` keeps servers and proxy while the hub restarts"
_COMMAND = "`sandlot up` starts servers with a command and an address of its own"

_CLEARED: Mapping[str, str] = {
    "ip": _ADDRESS,
    "port": _ADDRESS,
    "base_url": _ADDRESS,
    "subdomain_host": _ADDRESS,
    "hub_bind_url": _PRIVATE,
    "hub_connect_ip": _PRIVATE,
    "hub_connect_port": _PRIVATE,
    "hub_connect_url": _PRIVATE,
    "internal_ssl": _PRIVATE,
    "ssl_cert": _TLS,
    "ssl_key": _TLS,
}
"""Keys of ``c.JupyterHub`` that would contradict the ones below."""


def configure_embedded(
    editor: ConfigEditor,
    embedded: EmbeddedConfig,
    *,
    sections: tuple[str, ...],
) -> None:
    """Write the addresses, the state, the proxy, the accounts and the services.

    Parameters
    ----------
    editor
        The configuration.
    embedded
        What `sandlot up` decided.
    sections
        Sections of ``c`` that the spawner reads.
    """
    _configure_hub(editor, embedded)
    _configure_proxy(editor, embedded)
    _configure_accounts(editor, embedded)
    _configure_services(editor, embedded)
    _configure_servers(editor, embedded, sections)


def _configure_hub(editor: ConfigEditor, embedded: EmbeddedConfig) -> None:
    for key, why in _CLEARED.items():
        editor.forbid("JupyterHub", key, why)
    bind_url = f"http://127.0.0.1:{embedded.public_port}{embedded.base_url}"
    taken = {
        "bind_url": (bind_url, _ADDRESS),
        "hub_ip": ("127.0.0.1", _PRIVATE),
        "hub_port": (embedded.hub_port, _PRIVATE),
        "db_url": (embedded.db_url, _STATE),
        "cookie_secret_file": (str(embedded.cookie_secret_file), _STATE),
        "cleanup_servers": (False, _STAYS),
        "cleanup_proxy": (False, _STAYS),
    }
    for key, (value, why) in taken.items():
        editor.take(("JupyterHub",), key, value, why)
    if embedded.public_url is not None:
        editor.take(("JupyterHub",), "public_url", embedded.public_url, _ADDRESS)
    # The login page and the spawn page say so when users are not kept apart.
    editor.merge_mapping("JupyterHub", "template_vars", {"sandlot_isolation": embedded.isolation})
    editor.offer(("JupyterHub",), "allow_named_servers", True)  # noqa: FBT003 (the option's value)


def _configure_proxy(editor: ConfigEditor, embedded: EmbeddedConfig) -> None:
    editor.take(("JupyterHub",), "proxy_class", PROXY, _PROXY)
    taken = {
        "should_start": False,
        "traefik_api_url": f"http://127.0.0.1:{embedded.proxy_api_port}",
        "traefik_api_username": embedded.proxy_api_user,
        "traefik_api_password": embedded.proxy_api_password,
        "traefik_entrypoint": "http",
        "dynamic_config_file": str(embedded.proxy_rules_file),
    }
    for key, value in taken.items():
        # Written to the most specific section: a value in `c.Proxy` must not win over ours.
        editor.clear(_PROXY_SECTIONS[1:], key, _PROXY)
        editor.take(_PROXY_SECTIONS[:1], key, value, _PROXY)


def _configure_accounts(editor: ConfigEditor, embedded: EmbeddedConfig) -> None:
    editor.offer(("JupyterHub",), "authenticator_class", ACCOUNTS)
    if editor.get("JupyterHub", "authenticator_class") not in _ACCOUNTS_NAMES:
        editor.notes.append(
            "c.JupyterHub.authenticator_class is not Sandlot's: the passwords that "
            "`sandlot up` and `sandlot user add` print are of no use."
        )
        return
    why = "`sandlot up` made it, and the passwords of all accounts come from it"
    editor.take(("AccountsAuthenticator",), "secret_key", embedded.account_secret, why)
    editor.merge_set("Authenticator", "admin_users", {embedded.admin})


def _configure_services(editor: ConfigEditor, embedded: EmbeddedConfig) -> None:
    services = [
        service_entry(
            name,
            service.url,
            api_token=service.token,
            oauth_client_id=service.oauth_client_id,
        )
        for name, service in embedded.services.items()
    ]
    operator = operator_service(embedded.operator_token)
    editor.merge_named("JupyterHub", "services", [*services, operator])
    editor.merge_named("JupyterHub", "load_roles", [OPERATOR_ROLE])


def operator_service(token: str) -> dict[str, Any]:
    """Return the hub's entry for the operator.

    ``admin``, because the hub lets nobody else make an administrator, whatever their
    scopes. A service list in an admin's own ``admin`` role overrides the flag; its role
    (`OPERATOR_ROLE`) then still is enough for everything but ``user add --admin``.
    """
    return {"name": OPERATOR, "api_token": token, "admin": True, "display": False}


def _configure_servers(
    editor: ConfigEditor, embedded: EmbeddedConfig, sections: tuple[str, ...]
) -> None:
    for key in ("cmd", "args", "ip", "port", "notebook_dir"):
        editor.clear(sections, key, _COMMAND)
    socket = str(embedded.socket)
    editor.take(sections[:1], "supervisor_socket", socket, "`sandlot up` decides where it is")
    editor.offer(sections, "default_url", "/lab")
    # Through the proxy: it stays while a service is restarted, and its port is the one kept.
    services = f"http://127.0.0.1:{embedded.public_port}{embedded.base_url}services/"
    told = {SERVICES_URL_ENV: services}
    if DASK_GATEWAY in embedded.services:
        proxy = f"127.0.0.1:{embedded.dask_proxy_port}"
        told |= dask_environment(services_url=services, proxy_address=proxy)
    editor.merge_mapping("Spawner", "environment", told)
