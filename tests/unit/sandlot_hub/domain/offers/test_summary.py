from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.offers.shown import ProfileSummary
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import EVERYTHING_HERE, document, person

FULL = Facilities(mode=Mode.KUBERNETES, running={"small": 2, "large": 3, "gpu": 1})


def _summary(changes: dict[str, dict[str, Any]], facilities: Facilities) -> ProfileSummary:
    """Return the summary of the profile `cpu` with keys of sizes changed."""
    changed = document()
    changed["profiles"]["cpu"]["sizes"] = list(changes)
    changed["profiles"]["cpu"]["defaults"] = {}
    for size, keys in changes.items():
        changed["sizes"][size].update(keys)
    settings = SandlotSettings.model_validate(changed)
    [cpu] = [p for p in visible(person(), settings, facilities) if p.slug == "cpu"]
    return cpu.summary


@pytest.mark.parametrize(
    ("sizes", "facilities", "expected"),
    [
        pytest.param(
            {"small": {"max_running": 5}, "large": {"max_running": 4}}, FULL,
            ProfileSummary(places=9, taken=5), id="places",
        ),
        pytest.param(
            {"small": {"max_running": 1}, "large": {"max_running": 4}}, FULL,
            ProfileSummary(places=5, taken=4), id="more-than-full",
        ),
        pytest.param({"small": {"max_running": 5}, "large": {}}, FULL, ProfileSummary(),
                     id="one-without-limit"),
        pytest.param({"small": {"max_running": 5}}, EVERYTHING_HERE, ProfileSummary(places=5),
                     id="not-known"),
        pytest.param(
            {"small": {"max_running": 5}, "vip": {"max_running": 9}}, FULL,
            ProfileSummary(places=5, taken=2), id="not-for-this-user",
        ),
        pytest.param({"small": {"price": 0}, "large": {"price": 2.5}}, FULL,
                     ProfileSummary(price_from=0), id="prices"),
        pytest.param({"small": {"price": 1}, "large": {}}, FULL, ProfileSummary(),
                     id="one-without-price"),
        pytest.param({"gpu": {}, "small": {}}, FULL,
                     ProfileSummary(accelerators=("2 × NVIDIA L4",)), id="accelerator"),
        pytest.param(
            {"gpu": {}, "inner": {"accelerator": {"flavor": "l4", "count": 8}}}, FULL,
            ProfileSummary(accelerators=("2–8 × NVIDIA L4",)), id="accelerators",
        ),
        pytest.param({"vip": {"price": 1, "max_running": 1}}, FULL, ProfileSummary(), id="none"),
    ],
)  # fmt: skip
def test_a_profile_in_one_line(
    sizes: dict[str, dict[str, Any]], facilities: Facilities, expected: ProfileSummary
) -> None:
    assert _summary(sizes, facilities) == expected
