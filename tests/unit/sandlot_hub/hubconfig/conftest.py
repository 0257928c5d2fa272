from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from traitlets.config import Config

from sandlot_hub.adapters.embedded import EMBEDDED_ENV, EmbeddedConfig, write_embedded
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.domain.settings.fingerprint import settings_hash
from support.catalogue import catalogue
from support.embedded import embedded_config

if TYPE_CHECKING:
    from pathlib import Path

    from sandlot_hub.domain.settings.model import SandlotSettings


@pytest.fixture
def c() -> Config:
    return Config()


@pytest.fixture
def settings() -> SandlotSettings:
    return catalogue()


@pytest.fixture
def embedded(tmp_path: Path, settings: SandlotSettings) -> EmbeddedConfig:
    """What `sandlot up` has resolved and written."""
    settings_file = tmp_path / "settings.json"
    write_resolved(settings_file, settings)
    return embedded_config(
        tmp_path, settings_file=settings_file, settings_hash=settings_hash(settings)
    )


@pytest.fixture
def environment(tmp_path: Path, embedded: EmbeddedConfig) -> dict[str, str]:
    """The environment of a hub that `sandlot up` starts."""
    path = tmp_path / "embedded.json"
    write_embedded(path, embedded)
    return {EMBEDDED_ENV: str(path)}
