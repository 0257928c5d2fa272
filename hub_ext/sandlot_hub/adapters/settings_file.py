"""Settings from where an administrator wrote them, and the resolved copy that all processes read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.domain.settings.model import SandlotSettings

from .files import replace_file
from .settings_problems import SettingsError, SettingsProblem, problems_of
from .yaml_document import Document, DocumentError, read_document

__all__ = [
    "LoadedSettings",
    "SettingsError",
    "SettingsProblem",
    "load_settings",
    "read_resolved",
    "write_resolved",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """Settings that are right."""

    settings: SandlotSettings
    hash: str
    """`settings_hash` of them."""
    source: str
    """Where they came from: a path, or words for a value in Python."""


def load_settings(
    source: object,
    *,
    base: Path | None = None,
    name: str = "Python",
) -> LoadedSettings:
    """Return the settings in a file (YAML or JSON), in a mapping, or in a model.

    Parameters
    ----------
    source
        The settings as a model or a mapping, or the path of their file (text or `Path`).
    base
        Folder that a relative path starts from; the working directory when not given.
    name
        What messages call a `source` that is no file.

    Raises
    ------
    SettingsError
        With everything that is wrong, not only the first.
    """
    if isinstance(source, SandlotSettings):
        return LoadedSettings(settings=source, hash=settings_hash(source), source=name)
    if isinstance(source, Mapping):
        return _validated(Document(data=dict(source)), name)
    if not isinstance(source, str | Path) or not str(source):
        message = f"is a {type(source).__name__}; write one mapping, or the path of a file"
        raise SettingsError(name, [SettingsProblem(path="", message=message)])
    path = ((base or Path.cwd()) / Path(source).expanduser()).absolute()
    try:
        document = read_document(path)
    except DocumentError as error:
        problem = SettingsProblem(path="", message=error.message, line=error.line)
        raise SettingsError(str(path), [problem]) from error
    return _validated(document, str(path))


def write_resolved(path: Path, settings: SandlotSettings, *, mode: int = 0o644) -> None:
    """Write the one file that hub and services read.

    It has no secrets, but names of users and groups: its folder decides who reads it.

    Raises
    ------
    OSError
        If the folder is missing, not writable or full.
    """
    text = json.dumps(settings.model_dump(mode="json"), indent=2) + "\n"
    replace_file(path, text.encode(), mode=mode)


def read_resolved(path: Path) -> LoadedSettings:
    """Return what `write_resolved` wrote.

    Raises
    ------
    SettingsError
        If it is missing or not of this version.
    """
    return load_settings(path)


def _validated(document: Document, source: str) -> LoadedSettings:
    try:
        settings = SandlotSettings.model_validate(document.data)
    except ValidationError as error:
        problems = problems_of(error, SandlotSettings, document.lines)
        raise SettingsError(source, problems) from error
    return LoadedSettings(settings=settings, hash=settings_hash(settings), source=source)
