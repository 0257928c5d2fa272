from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jupyterhub.spawner import SpawnException
from jupyterhub.utils import format_exception

from sandlot_contracts.problem import Alternative, Problem
from sandlot_hub.domain.values.refusals import RefusalCode, Refused
from sandlot_hub.spawner.exceptions import (
    PROBLEM_HEADER,
    SpawnFailed,
    SpawnRefused,
    SpawnUnavailableError,
    StartUnderwayError,
)

if TYPE_CHECKING:
    from tornado.web import HTTPError

HOSTILE = "There is no profile “<b>%s {0}</b>”."


def _refused(**changes: object) -> Refused:
    known = {"code": RefusalCode.PROFILE_UNKNOWN, "message": HOSTILE, "field": "profile"}
    return Refused(**{**known, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(SpawnRefused(_refused(status=403)), 403, "profile-unknown", id="refused"),
        pytest.param(SpawnFailed(HOSTILE, code="server-exited"), 424, "server-exited", id="failed"),
        pytest.param(SpawnUnavailableError(HOSTILE, code="gone"), 503, "gone", id="unavailable"),
    ],
)
def test_every_transport_tells_the_sentence(error: HTTPError, status: int, code: str) -> None:
    text, markup = format_exception(error, only_jupyterhub=True)
    assert text == HOSTILE
    assert "&lt;b&gt;%s {0}&lt;/b&gt;" in markup
    assert f"Code: {code}" in markup
    assert (error.status_code, error.reason) == (status, code)
    problem = Problem.model_validate_json(getattr(error, "headers", {})[PROBLEM_HEADER])
    assert (problem.status, problem.code, problem.message) == (status, code, HOSTILE)


def test_only_trouble_of_sandlot_counts_as_failure_of_the_hub() -> None:
    assert issubclass(SpawnRefused, SpawnException)
    assert issubclass(SpawnFailed, SpawnException)
    assert not issubclass(SpawnUnavailableError, SpawnException)


def test_hub_cannot_overwrite_the_reason_of_trouble() -> None:
    error = SpawnUnavailableError("It is gone.", code="gone")
    error.reason = "error"
    assert error.reason == "gone"


def test_refusal_brings_field_and_alternatives() -> None:
    alternative = Alternative(profile="a", image="b", size="c", label="A · B · C")
    error = SpawnRefused(_refused(params={"profile": "x"}, alternatives=(alternative,)))
    problem = Problem.model_validate_json(error.headers[PROBLEM_HEADER])
    assert problem.field == "profile"
    assert problem.params == {"profile": "x"}
    assert problem.alternatives == (alternative,)


@pytest.mark.parametrize(
    ("message", "params"),
    [
        pytest.param("Zeile 1\r\nSet-Cookie: a=b — ☃", {}, id="line break and snowman"),
        pytest.param("short", {"given": "x" * 5000}, id="long parameters"),
        pytest.param("ü" * 2000, {}, id="long message"),
    ],
)
def test_header_is_short_and_ascii(message: str, params: dict[str, str]) -> None:
    header = SpawnRefused(_refused(message=message, params=params)).headers[PROBLEM_HEADER]
    assert len(header) <= 4000
    assert header.isascii()
    assert header.isprintable()
    assert json.loads(header)["code"] == "profile-unknown"


def test_second_request_is_led_to_the_first() -> None:
    error = StartUnderwayError("/hub/spawn-pending/ann")
    assert (error.status_code, error.headers) == (303, {"Location": "/hub/spawn-pending/ann"})
