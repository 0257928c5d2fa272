from __future__ import annotations

import pytest

from sandlot_contracts.session import SERVICES_URL_ENV, SESSION_ENV
from sandlot_server import environment
from support.user_server import SERVER_TOKEN, hub_environment


def test_names_are_those_of_the_contract() -> None:
    assert environment.SESSION_ENV == SESSION_ENV
    assert environment.SERVICES_URL_ENV == SERVICES_URL_ENV


def test_without_a_hub_everything_is_empty() -> None:
    assert environment.read_environment({}) == environment.ServerEnvironment()


@pytest.mark.parametrize(
    ("host", "base_url", "home"),
    [
        pytest.param("", "/", "/hub/home", id="at the root"),
        pytest.param("", "/lab-hub/", "/lab-hub/hub/home", id="below a prefix"),
        pytest.param(
            "https://hub.example", "/", "https://hub.example/hub/home", id="a host of its own"
        ),
        pytest.param("", "", None, id="no hub"),
    ],
)
def test_the_hubs_home(host: str, base_url: str, home: str | None) -> None:
    environ = {"JUPYTERHUB_HOST": host, "JUPYTERHUB_BASE_URL": base_url}

    assert environment.read_environment(environ).hub_home_url == home


def test_the_token_is_not_shown() -> None:
    read = environment.read_environment(hub_environment())

    assert read.hub_token == SERVER_TOKEN
    assert SERVER_TOKEN not in repr(read)


def test_clusters_are_there_when_peoples_code_is_told_where() -> None:
    told = {"DASK_GATEWAY__ADDRESS": "http://127.0.0.1:8000/services/dask-gateway/"}

    assert environment.read_environment(told).clusters
    assert not environment.read_environment({"DASK_GATEWAY__ADDRESS": ""}).clusters
