from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.private_file import PrivateFileError, read_private

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("dear diary")
    path.chmod(0o600)
    return path


def test_it_reads_a_file_of_ours(secret: Path) -> None:
    assert read_private(secret) == "dear diary"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o644])
def test_it_refuses_a_file_that_others_can_use(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(PrivateFileError, match=f"mode {mode:04o}.*chmod 600"):
        read_private(secret)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_it_refuses_a_file_of_somebody_else(secret: Path) -> None:
    os.chown(secret, 12345, 12345)
    with pytest.raises(PrivateFileError, match="belongs to uid 12345"):
        read_private(secret)


def test_it_refuses_a_link(secret: Path) -> None:
    link = secret.with_name("link")
    link.symlink_to(secret)
    with pytest.raises(PrivateFileError, match="cannot be opened"):
        read_private(link)


def test_it_refuses_a_pipe_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(PrivateFileError, match="not a regular file"):
        read_private(pipe)


def test_it_refuses_a_file_that_is_too_long(secret: Path) -> None:
    with pytest.raises(PrivateFileError, match="larger than 5 bytes"):
        read_private(secret, limit=5)


def test_it_refuses_what_is_no_text(secret: Path) -> None:
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(PrivateFileError, match="not UTF-8"):
        read_private(secret)


def test_it_says_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(PrivateFileError, match="No such file"):
        read_private(tmp_path / "nothing")
