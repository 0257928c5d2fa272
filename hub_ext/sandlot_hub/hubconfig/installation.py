"""The steps of `install`, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traitlets.config import Config
from traitlets.log import get_logger
from traitlets.utils.importstring import import_item

from sandlot_hub.adapters.embedded import EmbeddedConfigError, embedded_from_environment
from sandlot_hub.adapters.settings_file import SettingsError

from .editor import ConfigEditor
from .embedded import configure_embedded
from .refusal import InstallRefusedError, stop_hub
from .source import choose_source, resolved_settings
from .spawning import configure_spawning, spawner_sections
from .verification import verify_at_start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandlot_hub.adapters.embedded import EmbeddedConfig
    from sandlot_hub.adapters.settings_file import LoadedSettings

LOCAL_SPAWNER = "sandlot_hub.spawner.local.SandlotLocalSpawner"


def configure(c: object, argument: object, *, environment: Mapping[str, str], base: Path) -> None:
    """Do the work of `install`.

    Parameters
    ----------
    c
        The configuration.
    argument
        The settings that `install` was given, or None.
    environment
        The process's environment.
    base
        Where relative paths start.

    Raises
    ------
    SystemExit
        As in `install`.
    """
    try:
        editor = _edit(c, argument, environment, base)
    except (EmbeddedConfigError, InstallRefusedError, SettingsError) as error:
        stop_hub(error)
    verify_at_start(editor.config, editor.expectations)


def _edit(c: object, argument: object, environment: Mapping[str, str], base: Path) -> ConfigEditor:
    if not isinstance(c, Config):
        message = "install(c, settings): the first argument is the `c` of jupyterhub_config.py."
        raise InstallRefusedError(message)
    editor = ConfigEditor(config=c)
    embedded = embedded_from_environment(environment)
    loaded = _settings(editor, argument, environment, base, embedded)
    sections = spawner_sections(import_item(LOCAL_SPAWNER))
    configure_spawning(editor, loaded, spawner=LOCAL_SPAWNER, sections=sections)
    if embedded is not None:
        configure_embedded(editor, embedded, sections=sections)
    _report(editor, loaded)
    return editor


def _settings(
    editor: ConfigEditor,
    argument: object,
    environment: Mapping[str, str],
    base: Path,
    embedded: EmbeddedConfig | None,
) -> LoadedSettings:
    """Return the settings to work from, and note what of the administrator's is not used."""
    source = choose_source(editor.config, argument, environment=environment, base=base)
    if source.shadows:
        editor.notes.append(f"c.Sandlot.settings is set, but not used: {source.name} wins.")
    if embedded is None:
        return source.load()
    loaded, note = resolved_settings(embedded, source)
    if note is not None:
        editor.notes.append(note)
    return loaded


def _report(editor: ConfigEditor, loaded: LoadedSettings) -> None:
    log = get_logger()
    log.info("Sandlot: settings %s from %s", loaded.hash, loaded.source)
    log.info("Sandlot: wrote %s", ", ".join(f"c.{name}" for name in sorted(editor.touched)))
    for note in editor.notes:
        log.warning("Sandlot: %s", note)
