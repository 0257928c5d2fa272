from __future__ import annotations

import pytest

from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.spawner.chosen import chosen_names
from support.local_catalogue import CATALOGUE

SETTINGS = SandlotSettings.model_validate(CATALOGUE)


@pytest.mark.parametrize(
    ("options", "title"),
    [
        pytest.param(None, "", id="never started"),
        pytest.param({}, "", id="empty"),
        pytest.param(
            {"profile": "everyday", "image": "base", "size": "large"},
            "Everyday · JupyterLab · Large",
            id="known",
        ),
        pytest.param(
            {"profile": "everyday", "image": "gone", "size": "gone-too"},
            "Everyday · gone · gone-too",
            id="removed since",
        ),
        pytest.param(
            {"profile": "everyday", "reference": "quay.io/ours/lab:1", "size": "small"},
            "Everyday · quay.io/ours/lab:1 · Small",
            id="free text",
        ),
        pytest.param(["everyday"], "", id="not a mapping"),
        pytest.param({"profile": 1, "size": None}, "", id="not text"),
    ],
)
def test_a_choice_is_told_in_words(options: object, title: str) -> None:
    assert chosen_names(options, SETTINGS).title == title
