"""Which settings the hub works from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config.loader import LazyConfigValue

from sandlot_hub.adapters.settings_file import (
    LoadedSettings,
    SettingsError,
    load_settings,
    read_resolved,
)
from sandlot_hub.domain.settings.model import SandlotSettings

from .refusal import InstallRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from traitlets.config import Config

    from sandlot_hub.adapters.embedded import EmbeddedConfig

SETTINGS_ENV = "SANDLOT_SETTINGS"
"""Environment variable with the path that `sandlot up --settings` was given."""

_OPTIONS = frozenset(
    {
        "dask_gateway_token",
        "dask_gateway_url",
        "dask_proxy_address",
        "offers_kubeconfig",
        "offers_url",
        "servers_proxy_url",
        "settings",
        "settings_source",
    }
)
_ASSIGN_WHOLE = (
    "Assign one mapping, or the path of a YAML file: c.Sandlot.settings = 'settings.yaml'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the settings are written."""

    value: object
    """A model, a mapping, or the path of a file."""
    name: str
    """What messages call it when it is no file."""
    base: Path
    """Where a relative path starts."""
    shadows: bool = False
    """Whether ``c.Sandlot.settings`` says something too, which is not used."""

    def load(self) -> LoadedSettings:
        """Return the settings.

        Raises
        ------
        SettingsError
            If they are wrong.
        """
        return load_settings(self.value, base=self.base, name=self.name)


def choose_source(
    config: Config, argument: object, *, environment: Mapping[str, str], base: Path
) -> Source:
    """Return the first of: environment, argument, ``c.Sandlot.settings``.

    Parameters
    ----------
    config
        The ``c`` of the configuration file.
    argument
        What `install` was called with, or None.
    environment
        Where `SETTINGS_ENV` may stand.
    base
        Folder of the configuration file.

    Raises
    ------
    InstallRefusedError
        If there are no settings, or ``c.Sandlot`` is not used as it can be.
    """
    _refuse_piecewise(config)
    section = config.get("Sandlot", {})
    own = section.get("settings")
    # What an earlier call of install left is a model.
    shadows = own is not None and not isinstance(own, SandlotSettings)
    if environment.get(SETTINGS_ENV):
        path = environment[SETTINGS_ENV]
        return Source(value=path, name=SETTINGS_ENV, base=Path.cwd(), shadows=shadows)
    if argument is not None:
        return Source(value=argument, name="install(c, …)", base=base, shadows=shadows)
    if own is not None:
        name = section.get("settings_source", "c.Sandlot.settings")
        return Source(value=own, name=name, base=base)
    message = (
        "Sandlot has no settings. Call install(c, 'settings.yaml') in jupyterhub_config.py, "
        "assign c.Sandlot.settings before it, or run `sandlot up --settings FILE`."
    )
    raise InstallRefusedError(message)


def _refuse_piecewise(config: Config) -> None:
    """Refuse ``c.Sandlot.settings.profiles = …`` and ``c.Sandlot.profiles = …``.

    traitlets accepts both without a word: the first disappears, the second is a
    warning that nobody sees.
    """
    section = config.get("Sandlot", {})
    wrong = sorted(set(section) - _OPTIONS)
    if wrong:
        message = f"There is no option c.Sandlot.{wrong[0]}. {_ASSIGN_WHOLE}"
        raise InstallRefusedError(message)
    if isinstance(section.get("settings"), LazyConfigValue):
        message = f"c.Sandlot.settings cannot be assigned piece by piece. {_ASSIGN_WHOLE}"
        raise InstallRefusedError(message)


def resolved_settings(
    embedded: EmbeddedConfig, source: Source
) -> tuple[LoadedSettings, str | None]:
    """Return the settings that `sandlot up` resolved, and a note when others are written now.

    The hub does not switch to other settings on its own: its services would keep the
    old ones, and a hub that is restarted after a crash would stay down because of a
    file that somebody is just editing. `sandlot restart hub` resolves again for all.

    Raises
    ------
    SettingsError
        If the resolved file cannot be read.
    InstallRefusedError
        If it is not the one that `sandlot up` announced.
    """
    resolved = read_resolved(embedded.settings_file)
    if resolved.hash != embedded.settings_hash:
        message = (
            f"{embedded.settings_file} is not what `sandlot up` resolved "
            f"({resolved.hash}, not {embedded.settings_hash}). Run `sandlot restart hub`."
        )
        raise InstallRefusedError(message)
    try:
        written = source.load()
    except SettingsError as error:
        return resolved, f"{error}\nThe hub goes on with the settings that it was started with."
    if written.hash == resolved.hash:
        return written, None
    return resolved, (
        f"{written.source} has changed since `sandlot up` read it. "
        "Run `sandlot restart hub` to use the new settings."
    )
