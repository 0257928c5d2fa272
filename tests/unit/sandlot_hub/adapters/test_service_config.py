from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.adapters.service_config import (
    ServiceConfigError,
    read_service_config,
    write_service_config,
)
from support.service_process import TOKEN, service_config

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "valid.json"
    write_service_config(path, service_config())
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    config = service_config(hub_base_url="/lab/", public_url="https://hub.example.org/lab/")
    path = tmp_path / "service.json"
    write_service_config(path, config)
    assert read_service_config(path) == config
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_token_stays_out_of_what_is_printed() -> None:
    config = service_config()
    assert TOKEN not in f"{config!r} {config} {config.model_dump_json()}"
    assert config.token.get_secret_value() == TOKEN


def test_the_url_of_a_database_is_written_and_never_printed(tmp_path: Path) -> None:
    url = "postgresql://sandlot:p%40ss@db/clusters"
    config = service_config(database=url)
    path = tmp_path / "service.json"
    write_service_config(path, config)
    assert read_service_config(path) == config
    assert "p%40ss" not in f"{config!r} {config} {config.model_dump_json()}"
    assert set(config.secrets) == {TOKEN, url, "p%40ss", "p@ss"}
    assert service_config().secrets == (TOKEN,)


def test_what_follows_from_it() -> None:
    config = service_config(hub_base_url="/lab/", port=40123)
    assert config.port == 40123
    assert config.hub_prefix == "/lab/hub/"
    assert config.access_scope == "access:services!service=offers"
    assert not config.secure
    assert service_config(public_url="https://hub.example.org/").secure


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"url": "http://0.0.0.0:40000"}, "url", id="listens-to-all"),
        pytest.param({"url": "http://127.0.0.1.example.org:1"}, "url", id="other-host"),
        pytest.param({"url": "http://hub:40000"}, "url", id="elsewhere-than-it-listens"),
        pytest.param({"listen": "hub"}, "listen", id="listens-at-a-name"),
        pytest.param({"url": "http://127.0.0.1:40000/x"}, "url", id="url-with-path"),
        pytest.param({"url": "http://127.0.0.1:70000"}, "(file)", id="no-port"),
        pytest.param({"prefix": "/services/quota/"}, "(file)", id="prefix-of-another"),
        pytest.param({"prefix": "services/offers"}, "prefix", id="prefix-without-slashes"),
        pytest.param({"prefix": "//evil/"}, "prefix", id="prefix-of-another-host"),
        pytest.param({"token": "short"}, "token", id="short-token"),
        pytest.param({"token": "x" * 65}, "token", id="long-token"),
        pytest.param({"token": "0123456789abcdef\r\nX: y"}, "token", id="token-with-header"),
        pytest.param({"oauth_client_id": "offers"}, "oauth_client_id", id="client-id"),
        pytest.param({"settings_file": "settings.json"}, "settings_file", id="relative-path"),
        pytest.param({"log_level": "LOUD"}, "log_level", id="log-level"),
        pytest.param({"public_url": "javascript:alert(1)"}, "public_url", id="public-url"),
        pytest.param({"unheard": 1}, "unheard", id="unknown-key"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(
    tmp_path: Path, document: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    path = write(tmp_path / "wrong.json", {**document, **change})
    with pytest.raises(ServiceConfigError) as caught:
        read_service_config(path)
    text = str(caught.value)
    assert f"{path} is not a service configuration" in text
    assert f"\n  {field}: " in text
    assert str(change.get("token", TOKEN)) not in text
    assert caught.value.__cause__ is None


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(f"token: {TOKEN}")
    path.chmod(0o600)
    with pytest.raises(ServiceConfigError, match="Invalid JSON") as caught:
        read_service_config(path)
    assert TOKEN not in str(caught.value)


def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    path = write(tmp_path / "open.json", document)
    path.chmod(0o644)
    with pytest.raises(ServiceConfigError, match="open to other accounts"):
        read_service_config(path)
