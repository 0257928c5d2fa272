from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.accounts import Accounts
from sandlot_hub.local.datadir import DataDirectory, open_directory
from sandlot_hub.local.layout import (
    Identities,
    identities,
    make_folders,
    make_private_folders,
)

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path, *, own_uids: bool) -> tuple[DataDirectory, Identities]:
    directory = open_directory(folder / "data")
    make_private_folders(directory)
    accounts = Accounts(
        database=directory.state / "a.sqlite", homes=directory.homes, own_uids=own_uids
    )
    who = identities(accounts)
    accounts.close()
    make_folders(directory, who, own_uids=own_uids)
    return directory, who


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.root
def test_everybody_gets_what_they_need_and_nothing_else(tmp_path: Path) -> None:
    directory, who = made(tmp_path, own_uids=True)
    root = os.geteuid()
    expected = {
        directory.root: (0o711, root, None),
        directory.homes: (0o711, root, None),
        directory.proxy: (0o711, root, None),
        directory.services: (0o711, root, None),
        directory.run: (0o750, root, who.stack_gid),
        directory.hub: (0o700, who.hub.uid, who.hub.gid),
        directory.rules: (0o2750, who.hub.uid, who.proxy.gid),
        directory.service("offers"): (0o700, who.services["offers"].uid, None),
        directory.state: (0o700, root, None),
        directory.guards: (0o700, root, None),
        directory.logs: (0o700, root, None),
        directory.server_logs: (0o700, root, None),
    }
    found = {
        path: (mode(path), path.stat().st_uid, None if gid is None else path.stat().st_gid)
        for path, (_, _, gid) in expected.items()
    }
    assert found == expected


@pytest.mark.root
def test_no_two_parts_share_a_uid_and_only_hub_and_services_a_group(tmp_path: Path) -> None:
    _, who = made(tmp_path, own_uids=True)
    everybody = [who.hub, who.proxy, who.images, *who.services.values()]
    assert len({each.uid for each in everybody}) == len(everybody)
    assert who.hub.groups == who.services["offers"].groups == (who.stack_gid,)
    assert who.proxy.groups == who.images.groups == ()
    assert who.stack_gid not in {each.gid for each in everybody}


def test_with_one_uid_everything_is_closed_to_others(tmp_path: Path) -> None:
    directory, _ = made(tmp_path, own_uids=False)
    assert mode(directory.root) == 0o700
    assert {path.stat().st_uid for path in directory.root.rglob("*")} == {os.geteuid()}


def test_modes_are_mended_at_the_next_start(tmp_path: Path) -> None:
    directory, _ = made(tmp_path, own_uids=False)
    directory.hub.chmod(0o777)
    made(tmp_path, own_uids=False)
    assert mode(directory.hub) == 0o700
