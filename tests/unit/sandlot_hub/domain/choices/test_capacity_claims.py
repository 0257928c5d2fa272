from __future__ import annotations

import pytest

from sandlot_hub.domain.choices.capacity_claims import capacity_after
from sandlot_hub.domain.settings.model import SandlotSettings
from support.capacities import capacity, flavor, size


def _settings() -> SandlotSettings:
    def entry(cpus: int, count: int = 0, kind: str = "l4") -> dict[str, object]:
        wanted = {"accelerator": {"flavor": kind, "count": count}} if count else {}
        return {"display_name": "x", "cpus": cpus, "memory": f"{4 * cpus} GiB", **wanted}

    sizes = {
        "one": entry(4, 1),
        "four": entry(4, 4),
        "other": entry(4, 1, "h200"),
        "small": entry(1),
        "large": entry(8),
    }
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {"base": {"display_name": "Base", "reference": "r:1"}},
            "accelerators": {slug: {"display_name": slug} for slug in ("l4", "h200")},
            "sizes": sizes,
            "profiles": {"all": {"display_name": "x", "images": ["base"], "sizes": list(sizes)}},
        }
    )


COUNTED = capacity(
    {"l4": flavor(8, 8, largest_block=4), "h200": flavor(2, 2)},
    {"one": size(8), "four": size(2), "other": size(2), "small": size(40), "large": size(5)},
)


@pytest.mark.parametrize(
    ("started", "left"),
    [
        pytest.param({"one": 1}, {"one": 7, "four": 1}, id="one"),
        pytest.param({"one": 8}, {"one": 0, "four": 0}, id="all"),
        pytest.param({"four": 1}, {"one": 4, "four": 1}, id="four-at-once"),
        pytest.param({"four": 1, "one": 4}, {"one": 0, "four": 0}, id="both"),
        pytest.param({"other": 1}, {"other": 1}, id="another-flavor"),
        pytest.param({"small": 2}, {"small": 38, "large": 3}, id="small"),
        pytest.param({"large": 1}, {"small": 32, "large": 4}, id="large"),
        pytest.param({"removed": 3, "one": 0}, {}, id="nothing-that-is-known"),
    ],
)
def test_what_is_left(started: dict[str, int], left: dict[str, int]) -> None:
    after = capacity_after(COUNTED, started, settings=_settings())
    fits = {slug: state.fits for slug, state in COUNTED.sizes.items()}
    assert {slug: state.fits for slug, state in after.sizes.items()} == {**fits, **left}


def test_accelerators_are_in_use_then() -> None:
    after = capacity_after(COUNTED, {"four": 1, "one": 1}, settings=_settings())
    l4 = after.flavors["l4"]
    assert (l4.total, l4.used, l4.free, l4.largest_block) == (8, 5, 3, 3)
    gone = capacity_after(COUNTED, {"four": 3}, settings=_settings())
    assert (gone.flavors["l4"].used, gone.flavors["l4"].free) == (8, 0)
    assert gone.sizes["one"].lacking == ("accelerator",)


def test_what_was_counted_stays_as_it_is() -> None:
    capacity_after(COUNTED, {"one": 3}, settings=_settings())
    assert COUNTED.flavors["l4"].free == 8
