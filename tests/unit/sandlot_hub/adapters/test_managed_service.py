from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.managed_service import (
    LONGEST,
    MANAGED_ENV,
    Handover,
    encode_managed,
    managed_config,
)
from sandlot_hub.adapters.service_config import ClusterPlace, ServiceConfigError
from sandlot_hub.adapters.settings_file import SettingsError
from sandlot_hub.domain.settings.fingerprint import settings_hash
from support.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "0123456789abcdef0123456789abcdef"


def handover(**changes: object) -> Handover:
    values = {
        "name": "offers",
        "listen": "",
        "url": "http://hub:8089",
        "hub_url": "http://127.0.0.1:8081",
        "token": TOKEN,
        "cluster": {"credentials": "/run/offers", "namespace": "people"},
        **changes,
    }
    return Handover.model_validate(values)


def environment(told: str | None = None, **changes: str) -> Mapping[str, str]:
    """What the hub gives the process."""
    return {
        MANAGED_ENV: encode_managed(handover(), catalogue()) if told is None else told,
        "JUPYTERHUB_BASE_URL": "/lab/",
        # Those of the entry that has the process, which is another one.
        "JUPYTERHUB_SERVICE_NAME": "offers-process",
        "JUPYTERHUB_API_TOKEN": "0" * 64,
        "JUPYTERHUB_CLIENT_ID": "service-offers-process",
        **changes,
    }


def packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


def test_the_service_gets_what_the_hub_was_configured_with() -> None:
    config, loaded = managed_config(
        environment(JUPYTERHUB_PUBLIC_HUB_URL="https://hub.example.org/lab/hub/")
    )

    assert loaded.hash == settings_hash(catalogue())
    assert (config.name, config.listen, config.port) == ("offers", "", 8089)
    assert config.hub_api_url == "http://127.0.0.1:8081/lab/hub/api"
    assert config.prefix == "/lab/services/offers/"
    assert config.oauth_client_id == "service-offers"
    assert config.token.get_secret_value() == TOKEN
    assert config.settings_file is None
    assert config.supervisor_socket is None
    assert config.cluster == ClusterPlace(credentials=Path("/run/offers"), namespace="people")
    assert config.secure


def test_the_same_settings_are_packed_the_same_way() -> None:
    first = encode_managed(handover(), catalogue())

    assert encode_managed(handover(), catalogue()) == first
    assert len(first) < LONGEST
    assert first.isascii()


@pytest.mark.parametrize("name", [MANAGED_ENV, "JUPYTERHUB_BASE_URL"])
def test_a_variable_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(ServiceConfigError, match=f"The variable {name} is missing"):
        managed_config(environment(**{name: ""}))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("%%%", id="no base64"),
        pytest.param(base64.b64encode(b"plain").decode(), id="not packed"),
        pytest.param(packed("{"), id="no JSON"),
    ],
)
def test_what_somebody_else_wrote_is_a_sentence(text: str) -> None:
    with pytest.raises(ServiceConfigError, match="was not written by this version"):
        managed_config(environment(text))


@pytest.mark.parametrize("text", ["[]", "{}", '{"settings": {"version": 2}}'])
def test_settings_that_are_none_are_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError):
        managed_config(environment(packed(text)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"token": "secret!"}, "token", id="token"),
        pytest.param({"url": "http://hub:8089/x"}, "url", id="url"),
        pytest.param({"listen": "hub"}, "listen", id="listen"),
    ],
)
def test_a_wrong_value_is_named_and_not_quoted(changes: dict[str, object], field: str) -> None:
    told = encode_managed(handover(**changes), catalogue())
    with pytest.raises(ServiceConfigError) as caught:
        managed_config(environment(told))

    text = str(caught.value)
    assert f"\n  {field}: " in text
    assert TOKEN not in text
    assert "secret!" not in text
    assert caught.value.__cause__ is None


def test_the_token_stays_out_of_what_is_printed() -> None:
    assert TOKEN not in f"{handover()!r} {handover()} {handover().model_dump_json()}"
