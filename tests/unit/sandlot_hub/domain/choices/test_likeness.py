from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.choices.likeness import unlikeness
from sandlot_hub.domain.settings.model import SizeSettings


def _size(flavor: str = "", count: int = 1) -> SizeSettings:
    more: dict[str, Any] = {"accelerator": {"flavor": flavor, "count": count}} if flavor else {}
    return SizeSettings.model_validate({"display_name": "x", "cpus": 1, "memory": "1 GiB", **more})


@pytest.mark.parametrize(
    ("size", "wanted", "found"),
    [
        pytest.param(_size("l4", 4), _size("l4", 8), (0, 4), id="same-flavor"),
        pytest.param(_size("l4", 8), _size("l4", 8), (0, 0), id="same"),
        pytest.param(_size("h200", 1), _size("l4", 8), (1, 7), id="another-flavor"),
        pytest.param(_size(), _size("l4", 8), (2, 0), id="none"),
        pytest.param(_size("l4"), _size(), (0, 0), id="none-wanted"),
        pytest.param(_size("l4"), None, (0, 0), id="nothing-wanted"),
    ],
)
def test_how_unlike(
    size: SizeSettings, wanted: SizeSettings | None, found: tuple[int, int]
) -> None:
    assert unlikeness(size, wanted) == found
