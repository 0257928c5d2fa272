from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.operator_file import OperatorAccess, read_operator, write_operator
from sandlot_hub.adapters.private_file import PrivateFileError

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = OperatorAccess(
    hub_api_url="http://127.0.0.1:1/hub/api", token="t" * 64, account_secret="a" * 64
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "operator.json"


def test_what_was_written_is_read(path: Path) -> None:
    write_operator(path, ACCESS)

    assert read_operator(path) == ACCESS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_runs(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_operator(path)


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    write_operator(path, ACCESS)
    path.chmod(0o644)

    with pytest.raises(PrivateFileError, match="chmod 600"):
        read_operator(path)


def test_a_file_of_another_version_is_told_without_its_secrets(path: Path) -> None:
    write_operator(path, ACCESS)
    path.write_text(path.read_text().replace("hub_api_url", "url"))

    with pytest.raises(PrivateFileError, match="of this version") as caught:
        read_operator(path)
    assert "t" * 64 not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_secrets_are_not_shown() -> None:
    assert "t" * 64 not in repr(ACCESS)
    assert "a" * 64 not in repr(ACCESS)
