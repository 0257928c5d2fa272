"""The steps of `install`, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traitlets.config import Config
from traitlets.log import get_logger
from traitlets.utils.importstring import import_item

from sandlot_hub.adapters.embedded import EmbeddedConfigError, embedded_from_environment
from sandlot_hub.adapters.settings_file import SettingsError
from sandlot_hub.domain.capacity.facilities import Mode

from .editor import ConfigEditor
from .embedded import configure_embedded
from .refusal import InstallRefusedError, stop_hub
from .source import choose_source, resolved_settings
from .spawning import configure_spawning, spawner_sections
from .verification import verify_at_start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from traitlets.config import Configurable

    from sandlot_hub.adapters.embedded import EmbeddedConfig
    from sandlot_hub.adapters.settings_file import LoadedSettings

    from .rights import RightsCheck

READ_ONLY_ENV = "SANDLOT_READ_ONLY"
"""Set where a configuration is read for its settings, and no hub starts from it."""

_SPAWNERS = {
    Mode.LOCAL: "sandlot_hub.spawner.local.SandlotLocalSpawner",
    Mode.KUBERNETES: "sandlot_hub.spawner.kube.SandlotKubeSpawner",
}
_OTHER_NAMES = {
    Mode.LOCAL: frozenset({"sandlot-local"}),
    # zero-to-jupyterhub always names KubeSpawner, which ours is.
    Mode.KUBERNETES: frozenset({"kubespawner", "kubespawner.KubeSpawner", "sandlot-kubernetes"}),
}
"""What an administrator may have written and is no contradiction."""
_KUBE_EXTRA = frozenset({"kubernetes_asyncio", "kubespawner"})


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
        editor, merged = _edit(c, argument, environment, base)
    except (EmbeddedConfigError, InstallRefusedError, SettingsError) as error:
        stop_hub(error)
    verify_at_start(editor.config, editor.expectations, merged=merged)


def _edit(
    c: object, argument: object, environment: Mapping[str, str], base: Path
) -> tuple[ConfigEditor, RightsCheck | None]:
    """Write everything; return the editor, and what is to be asked once all is merged."""
    if not isinstance(c, Config):
        message = "install(c, settings): the first argument is the `c` of jupyterhub_config.py."
        raise InstallRefusedError(message)
    editor = ConfigEditor(config=c)
    embedded = embedded_from_environment(environment)
    loaded = _settings(editor, argument, environment, base, embedded)
    mode = _mode(embedded, environment)
    spawner = _SPAWNERS[mode]
    sections = spawner_sections(_imported(spawner))
    if editor.get("JupyterHub", "spawner_class") in _OTHER_NAMES[mode]:
        editor.put(("JupyterHub",), "spawner_class", spawner)
    configure_spawning(editor, loaded, spawner=spawner, sections=sections)
    check = None
    if embedded is not None:
        configure_embedded(editor, embedded, sections=sections)
    elif mode is Mode.KUBERNETES:
        # Needs the extra `kube`.
        from .kubernetes import (  # noqa: PLC0415
            configure_kubernetes,
            refuse_unknown_options,
        )

        refuse_unknown_options(loaded.settings, _imported(spawner))
        check = configure_kubernetes(
            editor, loaded.settings, sections=sections, environment=environment
        )
    _report(editor, loaded)
    return editor, check


def _mode(embedded: EmbeddedConfig | None, environment: Mapping[str, str]) -> Mode:
    # Who only reads a configuration may have one of the two extras installed.
    here = embedded is not None or environment.get(READ_ONLY_ENV)
    return Mode.LOCAL if here else Mode.KUBERNETES


def _imported(spawner: str) -> type[Configurable]:
    try:
        found: type[Configurable] = import_item(spawner)
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _KUBE_EXTRA:
            raise
        message = (
            f"Without `sandlot up` this hub starts servers on Kubernetes, and {error.name} is not "
            "installed. Next: pip install 'sandlot[kube]'; for servers on one machine, start the "
            "hub with `sandlot up`."
        )
        raise InstallRefusedError(message) from error
    return found


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
