from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.embedded import (
    EMBEDDED_ENV,
    EmbeddedConfigError,
    embedded_from_environment,
    read_embedded,
    write_embedded,
)
from support.embedded import embedded_config

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = ("proxy-password", "account-secret", "operator-token", "offers-token")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "embedded.json"


def test_what_is_written_is_read_again(path: Path, tmp_path: Path) -> None:
    config = embedded_config(tmp_path)

    write_embedded(path, config)

    assert read_embedded(path) == config
    assert embedded_from_environment({EMBEDDED_ENV: str(path)}) == config


def test_only_its_owner_can_read_it(path: Path, tmp_path: Path) -> None:
    write_embedded(path, embedded_config(tmp_path), os.geteuid(), os.getegid())

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_uid == os.geteuid()


def test_a_file_that_others_can_read_is_refused(path: Path, tmp_path: Path) -> None:
    write_embedded(path, embedded_config(tmp_path))
    path.chmod(0o640)

    with pytest.raises(EmbeddedConfigError, match="open to other accounts"):
        read_embedded(path)


def test_a_missing_file_is_told_with_what_to_do(path: Path) -> None:
    with pytest.raises(EmbeddedConfigError, match="`sandlot up`"):
        read_embedded(path)


def test_a_file_of_another_version_is_refused_without_its_secrets(
    path: Path, tmp_path: Path
) -> None:
    write_embedded(path, embedded_config(tmp_path))
    path.write_text(path.read_text().replace('"hub_port"', '"hub_prt"'))

    with pytest.raises(EmbeddedConfigError, match="hub_prt") as caught:
        read_embedded(path)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    assert caught.value.__cause__ is None


def test_secrets_are_not_shown_when_it_is_printed(tmp_path: Path) -> None:
    shown = repr(embedded_config(tmp_path))

    assert "127.0.0.1" in shown
    assert not any(secret in shown for secret in SECRETS)


def test_outside_of_the_embedded_stack_there_is_none() -> None:
    assert embedded_from_environment({}) is None
    assert embedded_from_environment({EMBEDDED_ENV: ""}) is None
