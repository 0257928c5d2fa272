from __future__ import annotations

import pytest
from traitlets import TraitError
from traitlets.config import Config

import sandlot_server
from sandlot_server.app import SandlotServerApp


def test_jupyter_server_finds_the_extension() -> None:
    assert sandlot_server._jupyter_server_extension_points() == [
        {"module": "sandlot_server", "app": SandlotServerApp}
    ]


@pytest.mark.parametrize("trait", ["hub_timeout", "usage_interval", "usage_lease"])
@pytest.mark.parametrize("value", [0, -1.5])
def test_a_time_that_is_none_is_refused_by_name(trait: str, value: float) -> None:
    with pytest.raises(TraitError, match=f"SandlotServerApp.{trait} must be"):
        SandlotServerApp(config=Config({"SandlotServerApp": {trait: value}}))


def test_the_address_of_services_comes_from_the_spawner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDLOT_SERVICES_URL", "http://hub:8000/services/")

    assert SandlotServerApp().services_url == "http://hub:8000/services/"


def test_every_option_has_help_and_a_version() -> None:
    own = SandlotServerApp.class_own_traits(config=True)

    assert 0 < len(own) <= 8
    for name, trait in own.items():
        assert ".. versionadded::" in trait.help, name
