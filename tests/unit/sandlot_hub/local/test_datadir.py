from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.datadir import (
    AlreadyRunningError,
    DataDirectoryError,
    DirectoryLock,
    lock_holder,
    open_directory,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_new_directory_is_made_with_its_version(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / "a" / "b")
    assert directory.root == tmp_path / "a" / "b"
    assert json.loads(directory.version_file.read_text()) == {"format": 1}
    assert open_directory(tmp_path / "a" / "b") == directory


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert open_directory(tmp_path / "empty").version_file.exists()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        pytest.param(lambda p: (p / "thesis").write_text(""), "not empty", id="foreign"),
        pytest.param(
            lambda p: (p / "version.json").write_text('{"format": 2}'), "format 2", id="newer"
        ),
        pytest.param(
            lambda p: (p / "version.json").write_text('{"format": "1"}'), "format '1'", id="text"
        ),
        pytest.param(lambda p: (p / "version.json").write_text("[]"), "not the file", id="list"),
        pytest.param(lambda p: (p / "version.json").write_text("{"), "not the file", id="no-json"),
    ],
)
def test_what_is_not_ours_is_left_alone(
    tmp_path: Path, prepare: Callable[[Path], object], words: str
) -> None:
    prepare(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataDirectoryError, match=words):
        open_directory(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryError, match="not a folder"):
        open_directory(tmp_path / "file")
    with pytest.raises(DataDirectoryError, match="Not a directory"):
        open_directory(tmp_path / "file" / "below")


@pytest.mark.root
def test_the_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    open_directory(tmp_path / "data")
    os.chown(tmp_path / "data", 21_987, 21_987)
    with pytest.raises(DataDirectoryError, match="belongs to another user"):
        open_directory(tmp_path / "data")


@pytest.mark.root
@pytest.mark.parametrize("below", ["data", "new/data"])
def test_a_place_where_everybody_can_put_another_folder_is_refused(
    tmp_path: Path, below: str
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (tmp_path / "link").symlink_to(shared)
    for way in ("shared", "link"):
        with pytest.raises(DataDirectoryError, match=f"change {shared}, .*chmod o-w"):
            open_directory(tmp_path / way / below)
    assert list(shared.iterdir()) == []
    shared.chmod(0o1777)
    assert open_directory(shared / below).version_file.exists()


def test_one_supervisor_at_a_time(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / "data")
    first, second = DirectoryLock(directory), DirectoryLock(directory)
    first.acquire()
    first.tell(url="http://127.0.0.1:8000/")
    with pytest.raises(AlreadyRunningError) as caught:
        second.acquire()
    assert caught.value.holder.pid == os.getpid()
    assert "http://127.0.0.1:8000/" in str(caught.value)
    first.release()
    second.acquire()
    assert lock_holder(directory.lock_file).url == ""
    second.release()
    second.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x", "url": ""}'])
def test_a_lock_that_says_nothing_yet(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_text(text)
    assert lock_holder(tmp_path / "lock").pid == 0


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    directory = open_directory(tmp_path / "data")
    directory.lock_file.symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        DirectoryLock(directory).acquire()
    assert not (tmp_path / "precious").exists()
