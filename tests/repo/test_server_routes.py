"""Every route of the server extension asks who is there: walked on a real server."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
from jupyter_server.utils import JupyterServerAuthWarning
from tornado.routing import PathMatches
from traitlets.config import Config

from sandlot_server.routes import ROUTES, pattern
from support.user_server import BASE_URL, own_folders, user_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_server.serverapp import ServerApp
    from tornado.routing import RuleRouter

pytestmark = pytest.mark.asyncio

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def our_rules(router: RuleRouter) -> Iterator[tuple[str, type]]:
    """Yield pattern and handler of every rule whose handler is ours, wherever it is mounted."""
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from our_rules(rule.target)
        elif getattr(rule.target, "__module__", "").startswith("sandlot_server."):
            assert isinstance(rule.matcher, PathMatches)
            yield rule.matcher.regex.pattern, rule.target


def paths(app: ServerApp) -> dict[str, type]:
    prefix = f"{BASE_URL}sandlot/api/v1/"
    found = dict(our_rules(app.web_app.wildcard_router)) | dict(
        our_rules(app.web_app.default_router)
    )
    assert found, "the walk found no route of ours"
    return {
        pattern.removesuffix("$").removeprefix(prefix): handler
        for pattern, handler in found.items()
    }


@pytest.mark.parametrize("anonymous_by_default", [True, False])
async def test_no_route_answers_to_nobody(
    *, anonymous_by_default: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_folders(monkeypatch, tmp_path)
    config = Config(
        {
            "IdentityProvider": {"token": "mine"},
            "ServerApp": {"allow_unauthenticated_access": anonymous_by_default},
        }
    )
    async with user_server(tmp_path, config=config) as server:
        table = paths(server.app)
        assert table == {pattern(name): handler for name, handler in ROUTES.items()}
        for template, handler in ROUTES.items():
            name = template.format(name="abc", path="status", socket="status/ws")
            for method in METHODS:
                reply = await server.fetch(name, method=method)
                implemented = method.lower() in vars(handler)
                # Where a verb does not exist, that may be said before anybody is asked for.
                refused = {403} if implemented else {403, 405}
                assert reply.status in refused, f"{method} {name} answered {reply.status} to nobody"
                wrong = await server.fetch(name, method=method, token="guess")
                assert wrong.status in refused, f"{method} {name} answered to a wrong token"
            assert (await server.fetch(name, token="mine")).status != 403, name


async def test_every_verb_carries_its_decorator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_folders(monkeypatch, tmp_path)
    config = Config({"ServerApp": {"allow_unauthenticated_access": False}})
    with warnings.catch_warnings():
        # jupyter-server warns of every verb of an extension that lacks one.
        warnings.simplefilter("error", JupyterServerAuthWarning)
        async with user_server(tmp_path, config=config) as server:
            assert "sandlot_server" in server.app.extension_manager.extension_apps
