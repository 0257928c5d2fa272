"""The home that somebody has since before Sandlot: found where KubeSpawner put it, or not touched."""

from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pods.outcomes import Failed, FailureCode
from sandlot_hub.domain.pods.ports import ClusterUnreachableError
from sandlot_hub.spawner.kube_homes import find_home
from support.memory_cluster import MemoryCluster

pytestmark = pytest.mark.asyncio

OURS = "claim-ann-x-org---gz5b45bqfrzsjbk273v2hb6tyu"
SAFE = "claim-ann-x-org---0c2e3b9f"
ESCAPED = "claim-ann-40x-2eorg"
ANN = "ann@x.org"


def _claim(name: str, owner: str | None) -> dict[str, Any]:
    annotations = {} if owner is None else {"hub.jupyter.org/username": owner}
    return {"metadata": {"name": name, "annotations": annotations}}


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        pytest.param({}, OURS, id="nothing-yet"),
        pytest.param({OURS: ANN}, OURS, id="ours"),
        pytest.param({SAFE: ANN}, SAFE, id="kubespawner-7"),
        pytest.param({ESCAPED: ANN}, ESCAPED, id="kubespawner-6"),
        pytest.param({SAFE: ANN, ESCAPED: ANN}, SAFE, id="the-newer-of-both"),
        pytest.param({OURS: ANN, SAFE: ANN}, OURS, id="ours-is-in-use"),
        pytest.param({OURS: None}, OURS, id="made-by-hand"),
        # 32 bits of a digest can be met by somebody who may choose a user name.
        pytest.param({SAFE: "mallory"}, OURS, id="of-somebody-else"),
        pytest.param({ESCAPED: None}, OURS, id="of-nobody-knows-whom"),
    ],
)
async def test_whose_home_it_is(claims: dict[str, str | None], found: str) -> None:
    cluster = MemoryCluster()
    cluster.claims = {name: _claim(name, owner) for name, owner in claims.items()}
    assert await find_home(cluster, owner=ANN, name=OURS, earlier=[SAFE, ESCAPED]) == found


async def test_another_users_home_is_nobody_elses() -> None:
    """KubeSpawner 6 called that of "ann-x" as another user may be called."""
    cluster = MemoryCluster()
    cluster.claims = {"claim-ann-2dx": _claim("claim-ann-2dx", "ann-x")}
    found = await find_home(
        cluster, owner="ann-2dx", name="claim-ann-2dx", earlier=["claim-ann-2d2dx"]
    )
    assert isinstance(found, Failed)
    assert found.code is FailureCode.NAME_TAKEN


async def test_a_plain_name_needs_no_question() -> None:
    cluster = MemoryCluster()
    earlier = ["claim-ann", "claim-ann"]
    assert await find_home(cluster, owner="ann", name="claim-ann", earlier=earlier) == "claim-ann"
    assert cluster.asked == []


async def test_not_to_know_is_no_reason_to_make_an_empty_home() -> None:
    cluster = MemoryCluster()
    cluster.lose_the_next_answer()
    with pytest.raises(ClusterUnreachableError):
        await find_home(cluster, owner=ANN, name=OURS, earlier=[SAFE])
