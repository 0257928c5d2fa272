from __future__ import annotations

import pytest

from sandlot_contracts.capacity import CapacityState, FlavorState
from sandlot_contracts.supervisor import ImageState, LocalFacilities, LocalImage
from sandlot_hub.domain.capacity.facilities import Mode
from sandlot_hub.domain.capacity.machine import machine_facilities

GIB = 1024**3


def _local(**images: LocalImage) -> LocalFacilities:
    return LocalFacilities(
        images=images,
        cpus=8,
        memory_bytes=32 * GIB,
        cpu_enforced=True,
        memory_enforced=False,
        memory_detail="No cgroup.",
        isolation="own-uid",
    )


def test_machine_is_what_one_server_can_have() -> None:
    facilities = machine_facilities(_local())
    assert facilities.mode is Mode.LOCAL
    assert (facilities.cpus, facilities.memory_bytes) == (8.0, 32 * GIB)
    assert (facilities.cpu_enforced, facilities.memory_enforced) == (True, False)
    assert facilities.flavors is None, "nobody has looked yet"
    assert facilities.capacity is None


def test_only_flavors_that_are_there_can_be_had() -> None:
    none = FlavorState(total=0, down=0, used=0, free=0, largest_block=0, waiting=0)
    lost = none.model_copy(update={"total": 1, "down": 1})
    capacity = CapacityState(scope="machine", flavors={"l4": none, "a100": lost}, sizes={})
    update = {"capacity": capacity, "missing_flavors": {"l4": "None here."}}
    facilities = machine_facilities(_local().model_copy(update=update))
    assert facilities.flavors == frozenset({"a100"})
    assert facilities.flavor_reasons == {"l4": "None here."}
    assert facilities.capacity == capacity


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        pytest.param("ready", "", id="ready"),
        pytest.param("queued", "It waits for its turn to be built", id="queued"),
        pytest.param(
            "building", "It is being built on this machine, 40% done. Now: numpy.", id="building"
        ),
        pytest.param("failed", "Building it on this machine failed", id="failed"),
        pytest.param("missing", "It has not been built on this machine.", id="missing"),
    ],
)
def test_image_that_is_not_ready_says_why(state: ImageState, reason: str) -> None:
    image = LocalImage(state=state, detail="Now: numpy.", progress=0.4)
    readiness = machine_facilities(_local(base=image)).images["base"]
    assert readiness.ready is (state == "ready")
    assert readiness.reason.startswith(reason)
    assert readiness.reason.endswith("Now: numpy.") is (state != "ready")
