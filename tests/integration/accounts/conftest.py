"""A real hub whose accounts are Sandlot's; one for all tests, each with accounts of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from sandlot_hub.adapters.hub_api import HubApi
from sandlot_hub.adapters.hub_client import HubClient
from sandlot_hub.adapters.passwords import new_secret
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.hubconfig.embedded import ACCOUNTS, OPERATOR_ROLE, operator_service
from support.hub_app import Hub, running_hub
from support.local_catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = new_secret()
TOKEN = new_secret()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    config: dict[str, dict[str, Any]] = {
        "JupyterHub": {
            "authenticator_class": ACCOUNTS,
            "services": [operator_service(TOKEN)],
            "load_roles": [dict(OPERATOR_ROLE)],
        },
        "AccountsAuthenticator": {"secret_key": SECRET},
        "Authenticator": {"admin_users": {"admin"}},
    }
    settings = SandlotSettings.model_validate(CATALOGUE)
    database = folder / "hub.sqlite"
    async with running_hub(settings, folder / "s.sock", database=database, config=config) as run:
        yield run


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(hub: Hub) -> AsyncIterator[HubApi]:
    async with HubClient() as client:
        yield HubApi(client=client, api_url=str(hub.url / "api"), token=TOKEN)


@pytest.fixture(scope="module")
def secret() -> str:
    return SECRET
