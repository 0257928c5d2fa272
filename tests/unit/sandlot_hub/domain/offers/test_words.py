from __future__ import annotations

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.profiles import visible
from sandlot_hub.domain.offers.words import image_words, place_words
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import catalogue, document, person


@pytest.mark.parametrize(
    ("places", "taken", "mark", "text"),
    [
        pytest.param(None, None, "open", "available", id="no-limit"),
        pytest.param(12, 7, "free", "5 of 12 free", id="some"),
        pytest.param(12, 9, "few", "3 of 12 free", id="a-quarter"),
        pytest.param(2, 1, "few", "1 of 2 free", id="the-last"),
        pytest.param(2, 2, "full", "full", id="none-left"),
        pytest.param(2, 3, "full", "full", id="more-than-there-are"),
        pytest.param(2, None, "unknown", "not known", id="nobody-knows"),
    ],
)
def test_places_in_words(places: int | None, taken: int | None, mark: str, text: str) -> None:
    words = place_words(places, taken)
    assert (words.mark, words.text) == (mark, text)


def test_an_image_says_something_only_when_it_is_off() -> None:
    [cpu] = [p for p in visible(person(), catalogue(), _here()) if p.slug == "cpu"]
    assert image_words(None).text == ""
    assert {image.slug: image.words.text for image in cpu.images} == {
        "base": "",
        "scipy": "",
        "cluster-only": "",
        "course": "not available",
    }


@pytest.mark.parametrize(
    ("running", "text"),
    [
        pytest.param({"small": 1}, "1 of 2 free", id="free"),
        pytest.param({"small": 2}, "full", id="full"),
        pytest.param(None, "not known", id="not-known"),
    ],
)
def test_a_profile_of_limited_sizes(running: dict[str, int] | None, text: str) -> None:
    limited = document()
    limited["sizes"]["small"]["max_running"] = 2
    limited["profiles"]["cpu"]["sizes"] = ["small"]
    settings = SandlotSettings.model_validate(limited)
    [cpu] = [p for p in visible(person(), settings, _here(running)) if p.slug == "cpu"]
    assert cpu.words.text == text


def test_a_profile_of_others_is_not_available() -> None:
    [lab] = [p for p in visible(person(), catalogue(), _here()) if p.slug == "lab"]
    assert (lab.words.mark, lab.words.text) == ("off", "not available")


def _here(running: dict[str, int] | None = None) -> Facilities:
    return Facilities(mode=Mode.KUBERNETES, running=running)
