from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.embedded import configure_embedded
from support.embedded import embedded_config

if TYPE_CHECKING:
    from pathlib import Path

    from traitlets.config import Config

    from sandlot_hub.adapters.embedded import EmbeddedConfig

SECTIONS = ("SandlotLocalSpawner", "Spawner")


def _configure(c: Config, embedded: EmbeddedConfig) -> ConfigEditor:
    editor = ConfigEditor(config=c)
    configure_embedded(editor, embedded, sections=SECTIONS)
    return editor


def test_everything_listens_on_loopback(c: Config, embedded: EmbeddedConfig) -> None:
    _configure(c, embedded)

    assert c.JupyterHub.bind_url == "http://127.0.0.1:40000/pit/"
    assert (c.JupyterHub.hub_ip, c.JupyterHub.hub_port) == ("127.0.0.1", 40001)
    assert c.EmbeddedProxy.traefik_api_url == "http://127.0.0.1:40002"
    assert "public_url" not in c.JupyterHub


def test_servers_and_proxy_outlive_the_hub(c: Config, embedded: EmbeddedConfig) -> None:
    _configure(c, embedded)

    assert c.JupyterHub.cleanup_servers is False
    assert c.JupyterHub.cleanup_proxy is False
    assert c.EmbeddedProxy.should_start is False


def test_the_shipped_services_and_roles_are_these(c: Config, embedded: EmbeddedConfig) -> None:
    """Golden: only the operator has administrative scopes, and it has no process."""
    _configure(c, embedded)

    assert c.JupyterHub.services == [
        {
            "name": "offers",
            "url": "http://127.0.0.1:40003",
            "api_token": "offers-token",
            "oauth_client_id": "service-offers",
            "oauth_client_allowed_scopes": ["custom:sandlot-offers:read"],
            "oauth_no_confirm": True,
            "display": False,
            "info": {
                "sandlot": {
                    "title": "Availability",
                    "description": "What you can start at the moment, and why the rest is off.",
                }
            },
            "timeout": 5,
        },
        {
            "name": "sandlot-operator",
            "api_token": "operator-token",
            "admin": True,
            "display": False,
        },
    ]
    assert c.JupyterHub.load_roles == [
        {
            "name": "sandlot-operator",
            "description": "`sandlot user add`, `list` and `remove`",
            "scopes": ["admin:groups", "admin:users", "read:servers"],
            "services": ["sandlot-operator"],
        }
    ]


def test_accounts_have_sandlots_passwords(c: Config, embedded: EmbeddedConfig) -> None:
    c.Authenticator.admin_users = {"theirs"}

    editor = _configure(c, embedded)

    assert c.JupyterHub.authenticator_class.endswith("AccountsAuthenticator")
    assert c.AccountsAuthenticator.secret_key == embedded.account_secret
    assert c.Authenticator.admin_users == {"theirs", "root-of-all"}
    assert not editor.notes


def test_another_authenticator_stays_and_makes_nobody_an_administrator(
    c: Config, embedded: EmbeddedConfig
) -> None:
    c.JupyterHub.authenticator_class = "github"

    editor = _configure(c, embedded)

    assert c.JupyterHub.authenticator_class == "github"
    assert "admin_users" not in c.Authenticator
    assert "AccountsAuthenticator" not in c
    assert "`sandlot user add`" in editor.notes[0]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("JupyterHub", "bind_url", "http://:8000/"),
        ("JupyterHub", "ip", "0.0.0.0"),  # noqa: S104 (what must not come through)
        ("JupyterHub", "port", 8000),
        ("JupyterHub", "base_url", "/x/"),
        ("JupyterHub", "subdomain_host", "https://hub.example.org"),
        ("JupyterHub", "hub_ip", ""),
        ("JupyterHub", "hub_port", 8081),
        ("JupyterHub", "hub_bind_url", "http://:8081"),
        ("JupyterHub", "hub_connect_ip", "hub"),
        ("JupyterHub", "hub_connect_url", "http://hub:8081"),
        ("JupyterHub", "internal_ssl", True),
        ("JupyterHub", "ssl_key", "/etc/key"),
        ("JupyterHub", "ssl_cert", "/etc/cert"),
        ("JupyterHub", "db_url", "postgresql://u:secret-of-theirs@db/hub"),
        ("JupyterHub", "cookie_secret_file", "/etc/cookie"),
        ("JupyterHub", "cleanup_servers", True),
        ("JupyterHub", "cleanup_proxy", True),
        ("JupyterHub", "proxy_class", "configurable-http-proxy"),
        ("Proxy", "should_start", True),
        ("TraefikProxy", "traefik_api_password", "secret-of-theirs"),
        ("TraefikFileProviderProxy", "dynamic_config_file", "rules.toml"),
        ("AccountsAuthenticator", "secret_key", "secret-of-theirs"),
        ("Spawner", "cmd", ["jupyter"]),
        ("SandlotLocalSpawner", "args", ["--x"]),
        ("SandlotLocalSpawner", "supervisor_socket", "/run/sock"),
    ],
)
def test_what_the_embedded_stack_cannot_work_with_is_named(
    c: Config, embedded: EmbeddedConfig, section: str, key: str, value: Any
) -> None:
    c[section][key] = value

    editor = _configure(c, embedded)

    assert len(editor.notes) == 1
    assert editor.notes[0].startswith(f"c.{section}.{key} is set, but not used: ")
    assert "secret-of-theirs" not in editor.notes[0]
    assert c.get(section, {}).get(key) != value


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("JupyterHub", "allow_named_servers", False),
        ("SandlotLocalSpawner", "default_url", "/tree"),
        ("JupyterHub", "concurrent_spawn_limit", 3),
        ("JupyterHub", "public_url", "https://hub.example.org/pit/"),
        ("Authenticator", "allow_all", True),
    ],
)
def test_everything_else_is_the_administrators(
    c: Config, embedded: EmbeddedConfig, section: str, key: str, value: Any
) -> None:
    c[section][key] = value

    editor = _configure(c, embedded)

    assert c[section][key] == value
    assert not editor.notes


def test_the_command_lines_public_url_counts(c: Config, embedded: EmbeddedConfig) -> None:
    url = "https://hub.example.org/pit/"

    _configure(c, embedded.model_copy(update={"public_url": url}))

    assert c.JupyterHub.public_url == url


def test_defaults_of_servers(c: Config, embedded: EmbeddedConfig) -> None:
    _configure(c, embedded)

    assert c.JupyterHub.allow_named_servers is True
    assert c.Spawner.default_url == "/lab"
    assert c.SandlotLocalSpawner.supervisor_socket == str(embedded.socket)
    assert c.JupyterHub.template_vars == {"sandlot_isolation": "own-uid"}


def test_a_service_of_the_same_name_is_refused(c: Config, embedded: EmbeddedConfig) -> None:
    c.JupyterHub.services = [{"name": "offers", "url": "http://127.0.0.1:1"}]

    with pytest.raises(Exception, match="'offers'"):
        _configure(c, embedded)


def test_clusters_need_no_arguments_in_servers(c: Config, tmp_path: Path) -> None:
    service = {"url": "http://127.0.0.1:40005", "token": "t" * 32, "oauth_client_id": "service-d"}
    _configure(c, embedded_config(tmp_path, services={"dask-gateway": service}))

    told = {n: v for n, v in c.Spawner.environment.items() if n.startswith("DASK_GATEWAY__")}
    assert told == {
        "DASK_GATEWAY__ADDRESS": "http://127.0.0.1:40000/pit/services/dask-gateway",
        "DASK_GATEWAY__PROXY_ADDRESS": "gateway://127.0.0.1:40004",
        "DASK_GATEWAY__PUBLIC_ADDRESS": "{JUPYTERHUB_SERVICE_PREFIX}sandlot/api/v1/clusters",
        "DASK_GATEWAY__AUTH__TYPE": "jupyterhub",
        "DASK_GATEWAY__HTTP_CLIENT__PROXY": "False",
        "DASK_GATEWAY__CLUSTER__OPTIONS__IMAGE": "{SANDLOT_IMAGE}",
    }


def test_servers_are_told_where_the_services_are(c: Config, embedded: EmbeddedConfig) -> None:
    c.Spawner.environment = {"LANG": "C.UTF-8"}
    _configure(c, embedded)

    assert c.Spawner.environment == {
        "LANG": "C.UTF-8",
        "SANDLOT_SERVICES_URL": "http://127.0.0.1:40000/pit/services/",
    }
