from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_with_exactly_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old, and longer")
    old_mask = os.umask(0o077)
    try:
        replace_file(path, b"new", mode=0o644)
    finally:
        os.umask(old_mask)

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    path = tmp_path / "f"
    path.symlink_to(victim)

    replace_file(path, b"new", mode=0o600)

    assert not path.is_symlink()
    assert victim.read_bytes() == b"kept"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")
def test_the_owner_is_set(tmp_path: Path) -> None:
    path = tmp_path / "f"

    replace_file(path, b"x", mode=0o600, uid=12345, gid=23456)

    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_nothing_is_left_behind_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.mkdir()
    (path / "inside").touch()

    with pytest.raises(OSError, match="f"):
        replace_file(path, b"x", mode=0o600)

    assert list(tmp_path.iterdir()) == [path]
