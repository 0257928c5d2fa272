from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.adapters.settings_file import LoadedSettings, load_settings
from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.spawning import TokenScopes, configure_spawning, spawner_sections
from sandlot_hub.spawner.hooks import apply_user_options, render_options_form
from sandlot_hub.spawner.local import SandlotLocalSpawner

if TYPE_CHECKING:
    from traitlets.config import Config

    from sandlot_hub.domain.settings.model import SandlotSettings

OURS = [
    "access:services!service=dask-gateway",
    "access:services!service=offers",
    "custom:sandlot-offers:read",
]
DEFAULTS = ["users:activity!user", "access:servers!server"]


@pytest.fixture
def loaded(settings: SandlotSettings) -> LoadedSettings:
    return load_settings(settings, name="a test")


def _configure(c: Config, loaded: LoadedSettings) -> ConfigEditor:
    editor = ConfigEditor(config=c)
    sections = spawner_sections(SandlotLocalSpawner)
    configure_spawning(editor, loaded, spawner="the.Spawner", sections=sections)
    return editor


def test_the_sections_are_those_that_the_spawner_reads() -> None:
    sections = spawner_sections(SandlotLocalSpawner)

    assert sections[0] == "SandlotLocalSpawner"
    assert sections[-1] == "Spawner"
    assert "Sandlot" in sections


def test_starting_and_choosing_are_sandlots(c: Config, loaded: LoadedSettings) -> None:
    _configure(c, loaded)

    assert c.JupyterHub.spawner_class == "the.Spawner"
    assert c.Spawner.apply_user_options is apply_user_options
    assert c.Spawner.options_form is render_options_form
    assert c.Sandlot.settings is loaded.settings
    assert c.Sandlot.settings_source == "a test"


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("JupyterHub", "spawner_class"),
        ("Spawner", "apply_user_options"),
        ("SandlotLocalSpawner", "apply_user_options"),
        ("Spawner", "options_form"),
        ("SandlotLocalSpawner", "options_form"),
        ("SandlotLocalSpawner", "settings"),
        ("KubeSpawner", "profile_list"),
        ("KubeSpawner", "profile_form_template"),
        ("KubeSpawner", "additional_profile_form_template_paths"),
    ],
)
def test_what_contradicts_is_named(
    c: Config, loaded: LoadedSettings, section: str, key: str
) -> None:
    c[section][key] = "theirs"

    editor = _configure(c, loaded)

    assert len(editor.notes) == 1
    assert editor.notes[0].startswith(f"c.{section}.{key} is set, but not used: ")
    assert c.get(section, {}).get(key) != "theirs"


def test_the_shipped_scopes_are_these(c: Config, loaded: LoadedSettings) -> None:
    """Golden: whoever widens them has to change this list, too."""
    _configure(c, loaded)

    assert list(c.JupyterHub.custom_scopes) == ["custom:sandlot-offers:read"]
    assert c.JupyterHub.extra_user_scopes == set(OURS)
    assert c.Spawner.server_token_scopes == [*DEFAULTS, *OURS]
    assert "oauth_client_allowed_scopes" not in c.Spawner
    assert "load_roles" not in c.JupyterHub


@pytest.mark.parametrize("section", ["Spawner", "SandlotLocalSpawner"])
def test_an_administrators_token_scopes_stay(
    c: Config, loaded: LoadedSettings, section: str
) -> None:
    c[section].server_token_scopes = ["users:activity!user", "theirs"]

    _configure(c, loaded)

    assert c[section].server_token_scopes == ["users:activity!user", "theirs", *OURS]


def test_a_redefined_server_role_stays_the_base(c: Config, loaded: LoadedSettings) -> None:
    c.JupyterHub.load_roles = [{"name": "server", "scopes": [*DEFAULTS, "theirs"]}]

    _configure(c, loaded)

    assert c.Spawner.server_token_scopes == [*DEFAULTS, "theirs", *OURS]


async def _awaited(spawner: Any) -> list[str]:
    return [spawner]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        pytest.param(lambda spawner: [spawner], {"alice"}, id="plain"),
        pytest.param(_awaited, {"alice"}, id="async"),
        pytest.param(lambda _: [], set(DEFAULTS), id="nothing asked for"),
    ],
)
async def test_a_callable_is_chained_once(
    c: Config, loaded: LoadedSettings, theirs: Any, expected: set[str]
) -> None:
    c.Spawner.server_token_scopes = theirs

    _configure(c, loaded)
    editor = _configure(c, loaded)

    chained = c.Spawner.server_token_scopes
    assert isinstance(chained, TokenScopes)
    assert chained.theirs is theirs
    assert set(await chained("alice")) == expected | set(OURS)
    assert not editor.notes


def test_a_redefined_user_role_is_named(c: Config, loaded: LoadedSettings) -> None:
    c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self"]}]

    editor = _configure(c, loaded)

    assert "extra_user_scopes" in editor.notes[0]


def test_an_administrators_templates_come_first(c: Config, loaded: LoadedSettings) -> None:
    c.JupyterHub.template_paths.append("/etc/hub/templates")

    _configure(c, loaded)

    theirs, ours = c.JupyterHub.template_paths
    assert theirs == "/etc/hub/templates"
    assert (Path(ours) / "spawn.html").is_file()
