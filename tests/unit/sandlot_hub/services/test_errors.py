from __future__ import annotations

import pytest

from sandlot_hub.services.errors import (
    ProblemError,
    build_problem,
    general_problem,
    internal_problem,
)


@pytest.mark.parametrize(
    ("status", "code", "title"),
    [
        (400, "bad-request", "Bad Request"),
        (401, "login-required", "Unauthorized"),
        (403, "forbidden", "Forbidden"),
        (404, "not-found", "Not Found"),
        (405, "method-not-allowed", "Method Not Allowed"),
        (418, "http-418", "I'm a Teapot"),
    ],
)
def test_every_status_has_a_code_and_a_sentence(status: int, code: str, title: str) -> None:
    problem = general_problem(status)
    assert (problem.status, problem.code, problem.title) == (status, code, title)
    assert problem.detail.endswith(".")
    assert problem.message == problem.detail


def test_a_status_that_is_none_is_a_bad_request() -> None:
    assert general_problem(499).status == 400


def test_a_failure_is_told_by_its_number() -> None:
    problem = internal_problem("offers", "a1b2c3")
    assert (problem.status, problem.code) == (500, "internal")
    assert problem.params == {"incident": "a1b2c3"}
    assert "a1b2c3" in problem.detail


def test_an_error_carries_its_problem() -> None:
    problem = build_problem(409, "busy", "Not now.", field="size", params={"n": 1}, retry_at="x")
    error = ProblemError(problem, headers={"Retry-After": "1"})
    assert error.status_code == 409
    assert error.problem.field == "size"
    assert error.problem.retry_at == "x"
    assert error.headers == {"Retry-After": "1"}
