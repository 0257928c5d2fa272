from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.health import Health
from sandlot_hub.adapters.running import STATE_FILE, read_health, running_stack
from support.health_server import answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATE = {
    "pid": 1,
    "url": "http://127.0.0.1:40000/pit/",
    "ports": {
        "public": 40000,
        "hub": 40001,
        "proxy_api": 40002,
        "offers": 40003,
        "dask-proxy": 40004,
        "dask_routes": 40005,
    },
}
HEALTH = Health(status="ok", service="offers", version="1", settings_hash="0" * 16)


def _write(data_dir: Path, text: str) -> None:
    path = data_dir / STATE_FILE
    path.parent.mkdir()
    path.write_text(text)


def test_hub_and_services_are_asked_where_they_listen_themselves(tmp_path: Path) -> None:
    _write(tmp_path, json.dumps(STATE))

    stack = running_stack(tmp_path)

    assert stack is not None
    assert stack.health_urls == {
        "hub": "http://127.0.0.1:40001/pit/hub/sandlot/health",
        "offers": "http://127.0.0.1:40003/pit/services/offers/health",
    }


def test_without_a_supervisor_there_is_no_stack(tmp_path: Path) -> None:
    assert running_stack(tmp_path) is None


def test_the_file_of_a_supervisor_that_was_killed_is_no_stack(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    _write(tmp_path, json.dumps({**STATE, "pid": ended.pid}))

    assert running_stack(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{}", '{"url": 3, "ports": {}}'], ids=repr)
def test_a_file_that_is_not_the_supervisors_is_no_stack(tmp_path: Path, text: str) -> None:
    _write(tmp_path, text)

    assert running_stack(tmp_path) is None


@contextmanager
def _serving(status: int, body: bytes) -> Iterator[str]:
    with answering(status, body) as server:
        yield f"http://127.0.0.1:{server.server_port}/health"


def test_health_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with _serving(200, HEALTH.model_dump_json().encode()) as url:
        assert read_health(url) == HEALTH


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(500, HEALTH.model_dump_json().encode(), id="error"),
        pytest.param(200, b"<html>", id="no JSON"),
        pytest.param(200, b"{}", id="no health"),
    ],
)
def test_anything_else_is_no_answer(status: int, body: bytes) -> None:
    with _serving(status, body) as url:
        assert read_health(url) is None


def test_nobody_there_is_no_answer() -> None:
    with _serving(200, b"") as url:
        pass

    assert read_health(url) is None
