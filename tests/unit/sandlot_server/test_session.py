from __future__ import annotations

import logging

import pytest

from sandlot_server.caller import Caller
from sandlot_server.session import build_view, read_session
from support.user_server import SESSION

LOG = logging.getLogger("test")


def test_what_the_spawner_wrote_is_read() -> None:
    assert read_session(SESSION.model_dump_json(), log=LOG) == SESSION


def test_no_text_is_no_session() -> None:
    assert read_session("", log=LOG) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("null", id="not a mapping"),
        pytest.param('{"owner": "alice"}', id="fields are missing"),
        pytest.param(SESSION.model_dump_json().replace('"cpus":2', '"cpus":"x"'), id="wrong type"),
    ],
)
def test_a_broken_text_is_logged_and_is_no_session(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_session(text, log=LOG) is None
    assert "SANDLOT_SESSION" in caplog.text


def test_a_field_of_a_newer_hub_is_tolerated() -> None:
    text = SESSION.model_dump_json().replace("{", '{"new": 1,', 1)

    assert read_session(text, log=LOG) == SESSION


def test_the_view_says_who_looks() -> None:
    view = build_view(SESSION, caller=Caller(name="bob", visitor=True), hub_home_url="/hub/home")

    assert (view.session, view.visitor, view.viewer) == (SESSION, True, "bob")
