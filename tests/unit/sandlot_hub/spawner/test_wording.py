from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.spawner.alike import ANY, NAME
from sandlot_hub.spawner.wording import choice_names, disk_size, row_context


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        pytest.param(0, "1 MiB", id="nothing"),
        pytest.param(50 * 1024**2, "50 MiB", id="small"),
        pytest.param(1_288_490_188, "1.2 GiB", id="an image"),
        pytest.param(25 * 1024**3, "25.0 GiB", id="a large image"),
    ],
)
def test_a_size_on_disk(size_bytes: int, text: str) -> None:
    assert disk_size(size_bytes) == text


def _profile() -> dict[str, Any]:
    def choices(*slugs: str) -> dict[str, Any]:
        return {
            slug: {"default": slug == slugs[-1], "sandlot": {"display_name": slug.title()}}
            for slug in slugs
        }

    unlisted = {"enabled": False}
    return {
        "slug": "cpu",
        "sandlot": {"display_name": "CPU"},
        "profile_options": {
            "image": {"choices": choices("base", "scipy"), "unlisted_choice": unlisted},
            "size": {"choices": choices("small", "large"), "unlisted_choice": unlisted},
        },
    }


def test_the_names_of_a_form() -> None:
    assert choice_names([_profile()]) == {
        "profile": {ANY: NAME, "cpu": "CPU"},
        "image": {"base": "Base", "scipy": "Scipy"},
        "size": {"small": "Small", "large": "Large"},
    }


@pytest.mark.parametrize(
    ("asked", "image", "size"),
    [
        pytest.param({}, None, None, id="nothing"),
        pytest.param({"profile": "gpu", "size": "large"}, None, None, id="elsewhere"),
        pytest.param({"profile": "cpu", "image": "base"}, "base", None, id="here"),
    ],
)
def test_choices_are_offered_in_place_of_what_is_preselected(
    asked: dict[str, str], image: str | None, size: str | None
) -> None:
    assert row_context(_profile(), asked) == {
        "profile": ANY,
        "image": "scipy",
        "size": "large",
        "reference": None,
        "asked_image": image,
        "asked_size": size,
    }
