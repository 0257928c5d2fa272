"""Tests of the service where servers are pods: as a service, on a cluster that does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.service_config import ClusterPlace
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.services.offers.app import READ_SCOPE, offers_application
from support.kube_spawner import cluster_document
from support.kubeconfig import unreachable_kubeconfig
from support.service_process import running_service

if TYPE_CHECKING:
    from pathlib import Path

    from support.fake_hub import FakeHub

TOKEN = "alice-token"
SCOPES = ["access:services!service=offers", READ_SCOPE]
METRICS = "metrics-token"
SETTINGS = load_settings(cluster_document(), name="test")


@pytest.mark.asyncio
async def test_a_cluster_that_does_not_answer_is_not_known_and_the_service_says_so(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    hub.add_user(METRICS, "prometheus", scopes=["access:services!service=offers", "read:metrics"])
    place = ClusterPlace(credentials=unreachable_kubeconfig(tmp_path))
    async with running_service(
        offers_application, SETTINGS, hub_api_url=hub.api_url, cluster=place
    ) as service:
        answer = await service.ask("api/v1/offers", token=TOKEN)
        assert answer.status == 200
        assert {each["size"]: each["state"] for each in answer.json["offers"]}["l4"] == "unknown"
        assert (await service.ask("health")).json["status"] == "degraded"
        metrics = await service.ask("metrics", token=METRICS)
        assert "# TYPE sandlot_offers_informer_relists_total counter" in metrics.text


@pytest.mark.asyncio
async def test_without_any_credentials_offers_are_as_the_settings_say(
    hub: FakeHub,
) -> None:
    hub.add_user(TOKEN, "alice", scopes=SCOPES)
    async with running_service(offers_application, SETTINGS, hub_api_url=hub.api_url) as service:
        answer = await service.ask("api/v1/offers", token=TOKEN)
        assert {each["size"]: each["state"] for each in answer.json["offers"]}[
            "small"
        ] == "available"
        assert (await service.ask("health")).json["status"] == "ok"
