from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.adapters.settings_file import SettingsError, write_resolved
from sandlot_hub.hubconfig.refusal import InstallRefusedError
from sandlot_hub.hubconfig.source import SETTINGS_ENV, Source, choose_source, resolved_settings
from support.catalogue import catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from traitlets.config import Config

    from sandlot_hub.adapters.embedded import EmbeddedConfig
    from sandlot_hub.domain.settings.model import SandlotSettings


def _choose(c: Config, argument: object = None, **environment: str) -> Source:
    from pathlib import Path  # noqa: PLC0415

    return choose_source(c, argument, environment=environment, base=Path("/etc/hub"))


@pytest.mark.parametrize(
    ("environment", "argument", "own", "value", "shadows"),
    [
        pytest.param("e.yaml", "a.yaml", "o.yaml", "e.yaml", True, id="environment"),
        pytest.param("", "a.yaml", "o.yaml", "a.yaml", True, id="argument"),
        pytest.param("", None, "o.yaml", "o.yaml", False, id="option"),
        pytest.param("", "a.yaml", None, "a.yaml", False, id="argument alone"),
    ],
)
def test_the_first_that_is_given_counts(
    c: Config, environment: str, argument: str | None, own: str | None, value: str, *, shadows: bool
) -> None:
    if own:
        c.Sandlot.settings = own

    source = _choose(c, argument, **{SETTINGS_ENV: environment})

    assert source.value == value
    assert source.shadows is shadows


def test_the_environments_path_starts_where_the_command_was_given(
    c: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert _choose(c, **{SETTINGS_ENV: "x"}).base == tmp_path
    assert str(_choose(c, "x").base) == "/etc/hub"


def test_without_settings_it_says_what_to_do(c: Config) -> None:
    with pytest.raises(InstallRefusedError, match=r"install\(c, 'settings.yaml'\)"):
        _choose(c)


def _assign_to_nothing(c: Config) -> None:
    c.Sandlot.settings.profiles = {}


def _update_nothing(c: Config) -> None:
    c.Sandlot.settings.update({"profiles": {}})


def _assign_beside(c: Config) -> None:
    c.Sandlot.profiles = {}


@pytest.mark.parametrize("write", [_assign_to_nothing, _update_nothing, _assign_beside])
@pytest.mark.parametrize("argument", [None, "a.yaml"])
def test_settings_in_pieces_are_refused(c: Config, write: Any, argument: str | None) -> None:
    write(c)

    with pytest.raises(InstallRefusedError, match="Assign one mapping, or the path of a YAML file"):
        _choose(c, argument)


def _source(value: object, base: Path) -> Source:
    return Source(value=value, name="a test", base=base)


def test_the_hub_takes_what_was_resolved(
    tmp_path: Path, embedded: EmbeddedConfig, settings: SandlotSettings
) -> None:
    loaded, note = resolved_settings(embedded, _source(settings, tmp_path))

    assert loaded.settings == settings
    assert note is None


def test_a_file_that_has_changed_waits_for_a_restart(
    tmp_path: Path, embedded: EmbeddedConfig, settings: SandlotSettings
) -> None:
    changed = catalogue(local={"stop_grace": "1 min"})

    loaded, note = resolved_settings(embedded, _source(changed, tmp_path))

    assert loaded.settings == settings
    assert "`sandlot restart hub`" in (note or "")


def test_a_file_that_is_wrong_now_does_not_keep_the_hub_down(
    tmp_path: Path, embedded: EmbeddedConfig, settings: SandlotSettings
) -> None:
    loaded, note = resolved_settings(embedded, _source({"version": 2}, tmp_path))

    assert loaded.settings == settings
    assert "version: 2 is not known here" in (note or "")


def test_a_resolved_file_that_is_another_is_refused(
    tmp_path: Path, embedded: EmbeddedConfig, settings: SandlotSettings
) -> None:
    write_resolved(embedded.settings_file, catalogue(local={"stop_grace": "1 min"}))

    with pytest.raises(InstallRefusedError, match=embedded.settings_hash):
        resolved_settings(embedded, _source(settings, tmp_path))


def test_a_resolved_file_that_is_missing_is_told(
    tmp_path: Path, embedded: EmbeddedConfig, settings: SandlotSettings
) -> None:
    embedded.settings_file.unlink()

    with pytest.raises(SettingsError, match="does not exist"):
        resolved_settings(embedded, _source(settings, tmp_path))
