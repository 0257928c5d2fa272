from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.clusters import ClusterAccelerator
from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.dask.options import dask_offers
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.services.dask_gateway.view import list_view, options_view
from support.catalogue import person
from support.kube_catalogue import cluster_catalogue

from .conftest import GPU, SMALL

if TYPE_CHECKING:
    from .conftest import World

L4 = ClusterAccelerator(flavor="l4", display_name="NVIDIA L4", count=1)


@pytest.fixture
def settings() -> SandlotSettings:
    document = cluster_catalogue()
    document["dask"] = {"limits": {"accelerators": 3}}
    return SandlotSettings.model_validate(document)


def test_options_tell_of_gpus_and_of_their_limit(settings: SandlotSettings) -> None:
    offers = dask_offers(person("ann"), settings, Facilities(mode=Mode.KUBERNETES))
    told = options_view(offers, settings)

    assert {each.slug: each.accelerator for each in told.sizes}["gpu"] == L4
    assert {each.accelerator for each in told.sizes if each.slug != "gpu"} == {None}
    assert told.limits.accelerators == 3


@pytest.mark.asyncio
async def test_a_cluster_tells_which_gpus_its_workers_have(
    world: World, settings: SandlotSettings
) -> None:
    strange = {**GPU, "flavor": "gone", "accelerators": 2}
    clusters = [
        world.insert(f"{n:032x}", config=config) for n, config in enumerate((GPU, SMALL, strange))
    ]
    clusters[0].count, clusters[1].count, clusters[2].count = 2, 5, 1
    told = list_view(clusters, world.backend.admission.uses("ann"), settings)

    gone = ClusterAccelerator(flavor="gone", display_name="gone", count=2)
    assert [each.size.accelerator for each in told.clusters] == [L4, None, gone]
    assert told.used.accelerators == 2 * 1 + 1 * 2
    assert told.limits.accelerators == 3
