from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tornado.web import HTTPError

from sandlot_server.errors import VisitorError
from sandlot_server.routes.base import SandlotHandler, _as_problem

if TYPE_CHECKING:
    from support.user_server import UserServer


class Broken(SandlotHandler):
    """A route with a mistake in it."""

    async def get(self) -> None:
        message = "cannot open secret-thing"
        raise OSError(message)


@pytest.mark.asyncio
async def test_a_mistake_of_ours_is_a_500_that_tells_nothing(server: UserServer) -> None:
    pattern = "/user/alice/sandlot/api/v1/broken"
    factory = next(iter(server.app.extension_manager.extension_apps["sandlot_server"]))._factory
    server.app.web_app.add_handlers(".*$", [(pattern, Broken, {"factory": factory})])

    reply = await server.fetch("broken", token="alices")

    assert reply.status == 500
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["code"] == "internal"
    assert "secret-thing" not in reply.text
    assert "Traceback" not in reply.text


@pytest.mark.parametrize(
    ("status", "error", "code", "detail"),
    [
        pytest.param(403, VisitorError("Not you."), "visitor-not-owner", "Not you.", id="ours"),
        pytest.param(405, HTTPError(405), "http-405", "Method Not Allowed", id="tornado's"),
        pytest.param(400, HTTPError(400, "No %s", "x"), "http-400", "No x", id="with words"),
        pytest.param(404, None, "internal", None, id="without an error"),
    ],
)
def test_every_error_is_a_problem(
    status: int, error: BaseException | None, code: str, detail: str | None
) -> None:
    problem = _as_problem(status, error)

    assert (problem.status, problem.code) == (status, code)
    assert problem.message == problem.detail
    assert detail is None or problem.detail == detail
