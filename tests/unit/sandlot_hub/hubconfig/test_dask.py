from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.hubconfig.dask import configure_dask
from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.refusal import InstallRefusedError
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from traitlets.config import Config

SECTIONS = ("SandlotKubeSpawner", "KubeSpawner", "Spawner")
URL = "http://sandlot-dask-gateway:8090"
TOKEN = "t" * 32


def configured(c: Config, *, enabled: bool = True) -> None:
    document = {**cluster_catalogue(), "dask": {"enabled": enabled}}
    settings = SandlotSettings.model_validate(document)
    configure_dask(ConfigEditor(config=c), settings, sections=SECTIONS)


def entry(c: Config) -> dict[str, Any]:
    (found,) = c.JupyterHub.services
    only: dict[str, Any] = found
    return only


def test_without_a_url_there_is_nothing(c: Config) -> None:
    configured(c)

    assert not c.JupyterHub
    assert not c.Spawner


def test_without_clusters_in_the_settings_there_is_nothing(c: Config) -> None:
    c.Sandlot.dask_gateway_url = URL
    configured(c, enabled=False)

    assert not c.JupyterHub


def test_the_gateway_is_a_service_and_servers_know_where(c: Config) -> None:
    c.Sandlot.dask_gateway_url = URL
    c.Sandlot.dask_gateway_token = TOKEN
    c.JupyterHub.base_url = "/lab"
    for _ in range(2):  # a second call of `install` changes nothing
        configured(c)

    assert entry(c)["url"] == URL
    assert entry(c)["api_token"] == TOKEN
    told = c.Spawner.environment
    assert told["SANDLOT_SERVICES_URL"] == "http://proxy-public/lab/services/"
    assert told["DASK_GATEWAY__ADDRESS"] == "http://proxy-public/lab/services/dask-gateway"
    assert told["DASK_GATEWAY__PROXY_ADDRESS"] == "gateway://sandlot-dask-proxy:8786"
    # KubeSpawner takes values for templates.
    assert told["DASK_GATEWAY__CLUSTER__OPTIONS__IMAGE"] == "{{SANDLOT_IMAGE}}"
    assert TOKEN not in str(told)


def test_the_token_can_be_that_of_a_listed_service(c: Config) -> None:
    c.Sandlot.dask_gateway_url = URL
    c.JupyterHub.services = [{"name": "dask-gateway", "api_token": TOKEN}]
    configured(c)

    assert entry(c)["api_token"] == TOKEN
    assert entry(c)["url"] == URL


def test_what_administrators_give_to_servers_stays_where_it_is(c: Config) -> None:
    c.Sandlot.dask_gateway_url = URL
    c.Sandlot.dask_gateway_token = TOKEN
    c.KubeSpawner.environment = {"DASK_GATEWAY__AUTH__TYPE": "theirs", "X": "1"}
    configured(c)

    assert c.KubeSpawner.environment["DASK_GATEWAY__AUTH__TYPE"] == "theirs"
    assert c.KubeSpawner.environment["X"] == "1"
    assert "DASK_GATEWAY__ADDRESS" in c.KubeSpawner.environment


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("dask_gateway_url", "sandlot-dask-gateway:8090"),
        ("dask_gateway_url", "http://sandlot-dask-gateway"),
        ("dask_gateway_url", f"{URL}/path"),
        ("dask_gateway_token", ""),
        ("dask_gateway_token", "short"),
        ("dask_proxy_address", "tls://proxy:8786"),
        ("servers_proxy_url", "proxy-public"),
    ],
)
def test_a_half_or_a_wrong_one_keeps_the_hub_from_starting(
    c: Config, option: str, value: str
) -> None:
    c.Sandlot.dask_gateway_url = URL
    c.Sandlot.dask_gateway_token = TOKEN
    c.Sandlot[option] = value

    with pytest.raises(InstallRefusedError, match=f"c.Sandlot.{option}|no token") as error:
        configured(c)
    assert TOKEN not in str(error.value)
