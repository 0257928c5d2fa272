from __future__ import annotations

import re

from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import catalogue, document


def test_equal_settings_have_one_hash() -> None:
    again = SandlotSettings.model_validate_json(catalogue().model_dump_json())
    assert settings_hash(again) == settings_hash(catalogue())
    assert re.fullmatch(r"[0-9a-f]{16}", settings_hash(again))


def test_the_way_of_writing_does_not_count() -> None:
    changed = document()
    changed["sizes"]["small"].update(cpus="1000m", memory=2 * 1024**3)
    assert settings_hash(SandlotSettings.model_validate(changed)) == settings_hash(catalogue())


def test_every_difference_counts() -> None:
    changed = document()
    changed["sizes"]["small"]["memory"] = "3 GiB"
    assert settings_hash(SandlotSettings.model_validate(changed)) != settings_hash(catalogue())


def test_order_counts_because_people_see_it() -> None:
    turned = dict(reversed(document()["images"].items()))
    assert settings_hash(catalogue(images=turned)) != settings_hash(catalogue())


def test_the_hash_is_stable() -> None:
    # Services of one release compare it with the hub of the same release; across releases a
    # changed hash only means "restart".
    assert settings_hash(catalogue()) == settings_hash(catalogue())
