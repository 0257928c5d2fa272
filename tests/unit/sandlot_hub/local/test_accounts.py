from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.accounts import IMAGES, Accounts, HomeError
from sandlot_hub.local.datadir import DataDirectoryError
from sandlot_hub.local.uids import BLOCK, WINDOWS, Occupied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., Accounts]

START = WINDOWS[0].start
HOSTILE = ["../../etc", "a/b", ".", "..", "", "x" * 300, "Ann", "ann ", "a\nb", "émile", "--help"]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Accounts] = []
    (tmp_path / "homes").mkdir()

    def accounts(*, own_uids: bool = True, state: Path | None = None) -> Accounts:
        folder = state or tmp_path / "state"
        folder.mkdir(exist_ok=True)
        new = Accounts(
            database=folder / "accounts.sqlite",
            homes=tmp_path / "homes",
            own_uids=own_uids,
            look=lambda: Occupied(mapped=(range(2**32 - 1),)),
            pick=lambda _: 0,
        )
        made.append(new)
        return new

    yield accounts
    for each in made:
        each.close()


def test_everybody_has_a_uid_of_their_own_for_ever(make: Make) -> None:
    accounts = make()
    found = [accounts.part("hub"), accounts.user("hub"), accounts.user("ann"), accounts.user("bob")]
    assert [each.uid for each in found] == [START, START + 1, START + 2, START + 3]
    assert all(each.gid == each.uid for each in found)
    accounts.close()
    again = make()
    assert again.user("ann").uid == START + 2
    assert again.user("eve").uid == START + 4


def test_a_full_block_is_followed_by_another(make: Make) -> None:
    accounts = make()
    uids = [accounts.user(f"u{number}").uid for number in range(BLOCK + 1)]
    assert len(set(uids)) == BLOCK + 1
    assert uids[BLOCK - 1] == START + BLOCK - 1
    assert len(accounts.reserved()) >= 2


def test_groups_are_given_to_parts(make: Make) -> None:
    assert make().part("hub", groups=(7,)).groups == (7,)


def test_without_own_uids_all_are_the_supervisor(make: Make) -> None:
    accounts = make(own_uids=False)
    assert {accounts.user(name).uid for name in ("ann", "bob")} == {os.geteuid()}
    assert accounts.reserved() == ()


def test_only_known_users_are_told(make: Make, tmp_path: Path) -> None:
    accounts = make(own_uids=False)
    assert accounts.known_user("ann") is None
    accounts.user("ann")
    found = accounts.known_user("ann")
    assert found is not None
    assert (found.user, found.uid) == ("ann", os.geteuid())
    assert found.home == str(tmp_path / "homes" / "ann")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_home_is_a_folder_of_its_own_whatever_the_name(
    make: Make, tmp_path: Path, name: str
) -> None:
    home = make(own_uids=False).home(name)
    assert home.parent == tmp_path / "homes"
    assert home.stat().st_mode & 0o777 == 0o700


def test_different_names_have_different_homes(make: Make) -> None:
    accounts = make(own_uids=False)
    homes = {accounts.home(name) for name in HOSTILE}
    assert len(homes) == len(HOSTILE)


def test_a_home_is_used_again(make: Make) -> None:
    accounts = make(own_uids=False)
    (accounts.home("ann") / "kept").write_text("x")
    assert (accounts.home("ann") / "kept").exists()


@pytest.mark.parametrize("what", ["link", "file"])
def test_what_is_no_folder_is_no_home(make: Make, tmp_path: Path, what: str) -> None:
    home = tmp_path / "homes" / "ann"
    if what == "link":
        home.symlink_to(tmp_path)
    else:
        home.write_text("")
    with pytest.raises(HomeError, match="homes/ann"):
        make(own_uids=False).home("ann")


@pytest.mark.root
def test_a_new_home_belongs_to_its_owner(make: Make) -> None:
    assert make().home("ann").stat().st_uid == START


@pytest.mark.root
def test_a_home_that_a_killed_supervisor_began_is_given_to_its_owner(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "homes" / "ann").mkdir(mode=0o700)
    assert make().home("ann").stat().st_uid == START


@pytest.mark.root
def test_a_folder_with_something_in_it_is_not_given_away(make: Make, tmp_path: Path) -> None:
    (tmp_path / "homes" / "ann").mkdir(mode=0o700)
    (tmp_path / "homes" / "ann" / "secret").write_text("")
    with pytest.raises(HomeError, match="uid 0"):
        make().home("ann")


@pytest.mark.parametrize("text", ["no database " * 100, "SQLite format 3\0 and no more"])
def test_a_broken_database_is_told(make: Make, tmp_path: Path, text: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "accounts.sqlite").write_text(text)
    with pytest.raises(DataDirectoryError, match=r"accounts\.sqlite cannot be used"):
        make()


@pytest.mark.root
def test_the_home_of_somebody_else_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "homes" / "ann").mkdir()
    with pytest.raises(HomeError, match="uid 0"):
        make().home("ann")


def test_reserved_uids_leave_out_the_builder_of_images(make: Make) -> None:
    accounts = make()
    builder = accounts.part(IMAGES).uid
    ann = accounts.user("ann").uid
    assert any(ann in each for each in accounts.reserved())
    assert not any(builder in each for each in accounts.reserved())
    assert sum(len(each) for each in accounts.reserved()) == BLOCK - 1


def test_a_copy_reserves_nothing(make: Make, tmp_path: Path) -> None:
    accounts = make()
    accounts.user("ann")
    accounts.close()
    shutil.copytree(tmp_path / "state", tmp_path / "copy")
    copy = make(state=tmp_path / "copy")
    assert copy.reserved() == ()
    assert copy.user("ann").uid == START
    assert make().reserved() != ()
