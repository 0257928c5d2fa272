from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from sandlot_hub.adapters.service_config import ServiceConfigError
from sandlot_hub.services.dask_gateway.kube_config import read_gateway
from support.house import ROOT
from support.kube_catalogue import cluster_catalogue

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "t" * 32


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(cluster_catalogue()))
    return {
        "JUPYTERHUB_API_URL": "http://hub:8081/hub/api/",
        "JUPYTERHUB_API_TOKEN": TOKEN,
        "DASK_GATEWAY_PROXY_TOKEN": "p" * 32,
        "SANDLOT_DASK_URL": "http://sandlot-dask-gateway:8090",
        "SANDLOT_DASK_DOOR_URL": "http://sandlot-dask-gateway:8091",
        "SANDLOT_SETTINGS": str(settings),
        "SANDLOT_NAMESPACE": "lab",
    }


def test_it_is_told_all_that_it_needs(environment: dict[str, str]) -> None:
    config, loaded, place = read_gateway({**environment, "JUPYTERHUB_BASE_URL": "/lab/"})

    assert config.prefix == "/lab/services/dask-gateway/"
    assert config.hub_api_url == "http://hub:8081/hub/api"
    assert (config.port, place.door_port) == (8090, 8091)
    assert place.namespace == "lab"
    assert "base" in loaded.settings.images


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPYTERHUB_API_TOKEN", ""),
        ("JUPYTERHUB_API_TOKEN", "short"),
        ("JUPYTERHUB_BASE_URL", "lab"),
        ("SANDLOT_DASK_URL", "sandlot-dask-gateway"),
        ("SANDLOT_DASK_DOOR_URL", "https://sandlot-dask-gateway"),
        ("SANDLOT_SETTINGS", ""),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_no_value_is(
    environment: dict[str, str], name: str, value: str
) -> None:
    with pytest.raises(ServiceConfigError) as error:
        read_gateway({**environment, name: value})

    assert TOKEN not in str(error.value)
    assert "short" not in str(error.value)


def test_the_manifest_sets_all_of_it(environment: dict[str, str]) -> None:
    found = yaml.safe_load_all((ROOT / "config/kubernetes/dask-gateway.yaml").read_text())
    deployments = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]
        for each in found
        if each["kind"] == "Deployment"
    }
    told = {each["name"]: each for each in deployments["sandlot-dask-gateway"]["env"]}

    assert environment.keys() <= told.keys()
    for name in ("JUPYTERHUB_API_TOKEN", "DASK_GATEWAY_PROXY_TOKEN"):
        assert told[name]["valueFrom"]["secretKeyRef"]["name"] == "sandlot-dask-gateway"
