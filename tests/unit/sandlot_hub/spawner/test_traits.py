from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from sandlot_hub import install
from sandlot_hub.spawner.local import SandlotLocalSpawner
from sandlot_hub.spawner.traits import Sandlot
from support.catalogue import catalogue, document

if TYPE_CHECKING:
    from pathlib import Path


def _sandlot(settings: Any) -> Sandlot:
    return Sandlot(config=Config({"Sandlot": {"settings": settings}}))


def test_without_a_value_there_are_no_settings() -> None:
    assert Sandlot().settings is None


@pytest.mark.parametrize("value", [document(), catalogue()], ids=["mapping", "model"])
def test_it_takes_a_mapping_and_a_model(value: Any) -> None:
    assert _sandlot(value).settings == catalogue()


def test_it_takes_the_path_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "version: 1\n"
        "images: {base: {display_name: Base, local: base}}\n"
        "sizes: {small: {display_name: Small, cpus: 1, memory: 2 GiB}}\n"
        "profiles: {all: {display_name: All, images: [base], sizes: [small]}}\n"
    )

    for sandlot in (_sandlot(path), _sandlot(str(path))):
        assert sandlot.settings is not None
        assert list(sandlot.settings.images) == ["base"]
    assert Sandlot.settings.from_string(str(path)) == _sandlot(path).settings


def test_a_mistake_is_told_with_its_dotted_path() -> None:
    wrong = document()
    wrong["sizes"]["small"]["memory"] = "4 Gigs"

    with pytest.raises(TraitError, match=r"c\.Sandlot\.settings .*\n  sizes\.small\.memory: '4"):
        _sandlot(wrong)


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(TraitError, match="a mapping, or the path of a YAML file"):
        _sandlot(3)


def test_attribute_style_is_told_what_to_do() -> None:
    config = Config()
    config.Sandlot.settings.profiles = {}

    with pytest.raises(TraitError, match="assign one mapping"):
        Sandlot(settings=config.Sandlot.settings)


def test_everything_that_install_writes_is_an_option() -> None:
    """Else every spawner that the hub makes logs a warning about it."""
    config = Config()
    install(config, document())

    assert Sandlot(config=config).settings_source == "install(c, …)"
    assert not set(config.Sandlot) - set(Sandlot.class_traits(config=True))


def test_the_spawner_shows_the_option_in_help_all() -> None:
    assert issubclass(SandlotLocalSpawner, Sandlot)
    assert "settings" in Sandlot.class_own_traits(config=True)
    assert "sandlot check" in Sandlot.class_get_help()
