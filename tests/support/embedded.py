"""What `sandlot up` would tell a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandlot_hub.adapters.embedded import EmbeddedConfig

if TYPE_CHECKING:
    from pathlib import Path


def embedded_config(folder: Path, **changes: Any) -> EmbeddedConfig:
    """Return a complete configuration; every secret has a name that can be searched for."""
    document: dict[str, Any] = {
        "data_dir": folder,
        "socket": folder / "run/supervisor.sock",
        "public_port": 40000,
        "hub_port": 40001,
        "proxy_api_port": 40002,
        "dask_proxy_port": 40004,
        "base_url": "/pit/",
        "proxy_api_user": "hub",
        "proxy_api_password": "proxy-password",
        "proxy_rules_file": folder / "proxy/rules/rules.toml",
        "db_url": f"sqlite:///{folder}/hub/jupyterhub.sqlite",
        "cookie_secret_file": folder / "hub/cookie-secret",
        "admin": "root-of-all",
        "account_secret": "account-secret" * 3,
        "operator_token": "operator-token",
        "services": {
            "offers": {
                "url": "http://127.0.0.1:40003",
                "token": "offers-token",
                "oauth_client_id": "service-offers",
            }
        },
        "settings_file": folder / "run/settings.json",
        "settings_hash": "0" * 16,
        "isolation": "own-uid",
    }
    return EmbeddedConfig.model_validate({**document, **changes})
