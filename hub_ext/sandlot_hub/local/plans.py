"""What the parts of a stack are, made from what it stands on and from the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandlot_hub.adapters.derived_secret import ROUTES_PURPOSE, derived_secret
from sandlot_hub.adapters.embedded import EmbeddedConfig, EmbeddedService

from .dask_proxy import DaskProxyPlan
from .foundation import HUB, PROXY_API
from .hub import HubPlan, HubSetup
from .layout import DASK_GATEWAY, DASK_PROXY, DASK_ROUTES, wanted_services
from .ports import PUBLIC
from .proxy import ProxyPlan
from .service_part import ServicePlan

if TYPE_CHECKING:
    from pydantic import SecretStr

    from sandlot_hub.adapters.settings_file import LoadedSettings

    from .foundation import Foundation
    from .health import Health
    from .parts import Plan

PROXY_API_USER = "sandlot"


def hub_setup(foundation: Foundation) -> HubSetup:
    """Return where the hub's configuration and state are, and whom it runs as."""
    return HubSetup(
        config=foundation.config,
        settings=foundation.options.settings,
        folder=foundation.directory.hub,
        identity=foundation.who.hub,
        surroundings=os.environ,
    )


def proxy_plan(foundation: Foundation, health: Health) -> ProxyPlan:
    """Return the proxy."""
    return ProxyPlan(
        directory=foundation.directory,
        who=foundation.who,
        health=health,
        public_port=foundation.ports[PUBLIC],
        api_port=foundation.ports[PROXY_API],
        base_url=foundation.options.base_url,
        behind_tls=foundation.options.public_url is not None,
        port_held=foundation.own_uids,
    )


def hub_plan(foundation: Foundation, health: Health, embedded: EmbeddedConfig) -> HubPlan:
    """Return the hub."""
    return HubPlan(
        setup=hub_setup(foundation),
        embedded_file=foundation.directory.embedded_file,
        embedded=embedded,
        health=health,
        port_held=foundation.own_uids,
    )


def service_plans(
    foundation: Foundation,
    health: Health,
    embedded: EmbeddedConfig,
    *,
    dask_database: SecretStr | None = None,
) -> dict[str, Plan]:
    """Return the services and what they need, by name."""
    plans: dict[str, Plan] = {
        name: ServicePlan(
            name=name,
            folder=foundation.directory.service(name),
            identity=foundation.who.services[name],
            health=health,
            embedded=embedded,
            ports=_further_ports(foundation, name),
            database=dask_database if name == DASK_GATEWAY else None,
            port_held=foundation.own_uids,
        )
        for name in embedded.services
    }
    if DASK_GATEWAY in plans:
        plans[DASK_PROXY] = DaskProxyPlan(
            port=foundation.ports[DASK_PROXY],
            routes_port=foundation.ports[DASK_ROUTES],
            token=derived_secret(embedded.services[DASK_GATEWAY].token, ROUTES_PURPOSE),
            identity=foundation.who.dask_proxy,
            health=health,
        )
    return plans


def _further_ports(foundation: Foundation, name: str) -> dict[str, int]:
    if name != DASK_GATEWAY:
        return {}
    return {port: foundation.ports[port] for port in (DASK_ROUTES,)}


def embedded_config(foundation: Foundation, loaded: LoadedSettings) -> EmbeddedConfig:
    """Return what the hub is told."""
    directory, secrets = foundation.directory, foundation.secrets
    return EmbeddedConfig(
        data_dir=directory.root,
        socket=directory.socket,
        public_port=foundation.ports[PUBLIC],
        hub_port=foundation.ports[HUB],
        proxy_api_port=foundation.ports[PROXY_API],
        base_url=foundation.options.base_url,
        public_url=foundation.options.public_url,
        proxy_api_user=PROXY_API_USER,
        proxy_api_password=secrets.proxy_password,
        proxy_rules_file=directory.rules_file,
        db_url=f"sqlite:///{hub_setup(foundation).database}",
        cookie_secret_file=directory.hub / "cookie-secret",
        admin=foundation.options.admin,
        account_secret=secrets.account_secret,
        operator_token=secrets.operator_token,
        services={
            name: EmbeddedService(
                url=f"http://127.0.0.1:{foundation.ports[name]}",
                token=secrets.service_tokens[name],
                oauth_client_id=f"service-{name}",
            )
            for name in wanted_services(loaded.settings)
        },
        dask_proxy_port=foundation.ports[DASK_PROXY],
        settings_file=directory.settings_file,
        settings_hash=loaded.hash,
        isolation=foundation.isolation,
    )
