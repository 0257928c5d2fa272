from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandlot_hub.hubconfig.rights import RightsCheck
from support.kube_spawner import close_clients, use_kubeconfig
from support.kubeconfig import unreachable_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

    from traitlets.config import Config


@pytest.mark.asyncio
async def test_namespaces_of_users_are_asked_for_nothing(c: Config) -> None:
    c.KubeSpawner.enable_user_namespaces = True

    assert RightsCheck(sections=("KubeSpawner", "Spawner"), has_claims=True)(c) is None


@pytest.mark.asyncio
async def test_a_cluster_that_does_not_answer_is_told_and_stops_nothing(
    c: Config, caplog: pytest.LogCaptureFixture
) -> None:
    c.KubeSpawner.namespace = "people"
    # Nobody listens there; and it is not an address of a proxy in the environment.
    c.KubeSpawner.k8s_api_host = "http://127.0.0.1:9"

    asking = RightsCheck(sections=("KubeSpawner", "Spawner"), has_claims=True)(c)
    assert asking is not None
    async with asyncio.timeout(30):
        await asking

    assert "in the namespace people, in vain" in caplog.text


@pytest.mark.asyncio
async def test_a_cluster_that_refuses_the_question_is_told_and_stops_nothing(
    c: Config,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    use_kubeconfig(unreachable_kubeconfig(tmp_path), monkeypatch)

    async def refuse(request: web.Request) -> web.Response:
        del request
        return web.json_response({"kind": "Status", "status": "Failure"}, status=403)

    application = web.Application()
    application.router.add_post("/{path:.*}", refuse)
    async with TestServer(application) as server:
        c.KubeSpawner.namespace = "people"
        c.KubeSpawner.k8s_api_host = f"http://{server.host}:{server.port}"
        asking = RightsCheck(sections=("KubeSpawner", "Spawner"), has_claims=True)(c)
        assert asking is not None
        async with asyncio.timeout(30):
            await asking
        await close_clients()

    assert "in the namespace people, in vain (it answered 403)" in caplog.text
