from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.image_store import ImageStore, UntrustedStoreError, _close_file
from sandlot_hub.local.processes import Identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandlot_hub.local.image_store import Claim

FILES = {"requirements.txt": b"x", "files/etc/a.json": b"{}"}


def store_in(folder: Path) -> ImageStore:
    store = ImageStore(
        folder=folder, builder=Identity(uid=os.getuid(), gid=os.getgid()), own_uid=False
    )
    store.prepare()
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.fixture
def store(folder: Path) -> ImageStore:
    return store_in(folder)


def claimed(store: ImageStore, slot: str = "base-1") -> Claim:
    claim = store.claim(slot)
    assert claim is not None
    return claim


def build(store: ImageStore, slot: str = "base-1") -> Claim:
    claim = claimed(store, slot)
    store.begin(claim, FILES)
    folder = store.path(slot) / "lib" / "x"
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        each.chmod(0o755)
    (folder / "a.py").write_text("1")
    (folder / "open").write_text("2")
    (folder / "open").chmod(0o666)
    store.finish(claim, b"{}")
    return claim


def test_a_slot_that_nobody_has_is_there_to_be_built(store: ImageStore) -> None:
    assert claimed(store).whole is False


def test_one_builds_and_the_others_wait(store: ImageStore, folder: Path) -> None:
    other = store_in(folder)
    claim = claimed(store)

    assert other.claim("base-1") is None
    assert other.claim("base-2") is not None

    store.release(claim)
    assert claimed(other).whole is False


def test_a_whole_one_is_used_by_many(store: ImageStore, folder: Path) -> None:
    build(store)

    assert claimed(store_in(folder)).whole
    assert claimed(store_in(folder)).whole


def test_the_inputs_can_be_read_by_the_builder_whatever_the_umask(store: ImageStore) -> None:
    before = os.umask(0o077)
    try:
        store.begin(claimed(store), FILES)
    finally:
        os.umask(before)

    inputs = store.inputs("base-1")
    assert (inputs / "files/etc/a.json").read_bytes() == b"{}"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in inputs.rglob("*")}
    assert modes == {0o755, 0o644}
    assert stat.S_IMODE(store.path("base-1").stat().st_mode) == 0o755


def test_a_whole_one_is_open_for_reading_and_closed_to_changes(store: ImageStore) -> None:
    before = os.umask(0o077)
    try:
        build(store)
    finally:
        os.umask(before)

    path = store.path("base-1")
    modes = {
        stat.S_IMODE(each.stat().st_mode) for each in (path, *path.rglob("*")) if each.is_dir()
    }
    assert modes == {0o555}
    assert stat.S_IMODE((path / "lib/x/open").stat().st_mode) == 0o644
    assert stat.S_IMODE((path / ".complete").stat().st_mode) == 0o444
    assert not store.inputs("base-1").exists()


def test_links_are_not_followed(store: ImageStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_text("x")
    (outside / "file").chmod(0o666)
    claim = claimed(store)
    store.begin(claim, FILES)
    (store.path("base-1") / "link").symlink_to(outside)
    (store.path("base-1") / "file-link").symlink_to(outside / "file")
    store.finish(claim, b"{}")

    store.discard(claim)

    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert stat.S_IMODE((outside / "file").stat().st_mode) == 0o666


def test_what_a_killed_build_left_is_not_whole_and_is_removed(
    store: ImageStore, folder: Path
) -> None:
    claim = claimed(store)
    store.begin(claim, FILES)
    (store.path("base-1") / "half").write_text("x")
    store.release(claim)  # what the kernel does when its holder dies

    later = store_in(folder)
    again = claimed(later)

    assert again.whole is False
    assert later.begin(again, FILES) is True
    assert not (later.path("base-1") / "half").exists()


def test_a_fresh_build_has_nothing_in_the_way(store: ImageStore) -> None:
    assert store.begin(claimed(store), FILES) is False


def test_discarding_removes_all_of_it(store: ImageStore) -> None:
    claim = build(store)

    assert store.discard(claim) is True
    assert store.discard(claim) is False
    assert not store.path("base-1").exists()


def aged(folder: Path, slot: str, age: int) -> None:
    os.utime(folder / ".locks" / slot, (age, age))


def test_the_last_used_ones_of_every_image_stay(store: ImageStore, folder: Path) -> None:
    for number in range(1, 5):
        for image in ("base", "base-gpu"):
            store.release(build(store, f"{image}-{number}"))
            aged(folder, f"{image}-{number}", number)

    assert set(store.prune(spare=2)) == {"base-1", "base-2", "base-gpu-1", "base-gpu-2"}

    left = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert left == {"base-3", "base-4", "base-gpu-3", "base-gpu-4"}


def test_what_is_in_use_stays(store: ImageStore, folder: Path) -> None:
    build(store, "base-1")
    for number in (2, 3, 4):
        store.release(build(store, f"base-{number}"))
        aged(folder, f"base-{number}", number + 10)
    aged(folder, "base-1", 1)

    assert store_in(folder).prune(spare=2) == ["base-2"]
    assert store.path("base-1").exists()


def test_a_removed_one_can_be_built_again(store: ImageStore, folder: Path) -> None:
    store.release(build(store, "base-1"))
    store.prune(spare=0)

    assert claimed(store_in(folder), "base-1").whole is False


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
def test_the_builder_of_a_shared_folder_stays_the_same(folder: Path) -> None:
    first = ImageStore(folder=folder, builder=Identity(uid=310_001, gid=310_001), own_uid=True)
    first.prepare()
    second = ImageStore(folder=folder, builder=Identity(uid=320_001, gid=320_001), own_uid=True)
    second.prepare()

    assert second.builder == first.builder
    home = second.builder_home
    assert home is not None
    assert (home.stat().st_uid, stat.S_IMODE(home.stat().st_mode)) == (310_001, 0o700)


BUILDER = Identity(uid=310_001, gid=310_001)


def trusted_store(folder: Path) -> ImageStore:
    return ImageStore(folder=folder, builder=BUILDER, own_uid=True)


def replace_by_link(folder: Path, name: str) -> None:
    (folder / name).rmdir()
    (folder / name).symlink_to(folder.parent)


@pytest.mark.root
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda f: os.chown(f, 1234, 0), "uid 1234", id="folder-of-another"),
        pytest.param(lambda f: f.chmod(0o775), "mode 0775", id="open-to-a-group"),
        pytest.param(lambda f: f.chmod(0o757), "mode 0757", id="open-to-all"),
        pytest.param(lambda f: os.chown(f / ".locks", 1234, 0), "uid 1234", id="locks-of-another"),
        pytest.param(lambda f: (f / ".inputs").chmod(0o777), "mode 0777", id="open-inputs"),
        pytest.param(lambda f: replace_by_link(f, ".inputs"), "not a folder", id="linked-inputs"),
        pytest.param(lambda f: replace_by_link(f, ".locks"), "not a folder", id="linked-locks"),
        pytest.param(lambda f: replace_by_link(f, ".builder"), "not a folder", id="linked-home"),
        pytest.param(
            lambda f: os.chown(f / ".builder", 1234, 0), "no builder", id="home-of-a-user"
        ),
    ],
)
def test_a_folder_that_others_could_have_filled_is_refused(
    folder: Path, spoil: Callable[[Path], object], words: str
) -> None:
    trusted_store(folder).prepare()
    trusted_store(folder).prepare()
    spoil(folder)
    with pytest.raises(UntrustedStoreError, match=words):
        trusted_store(folder).prepare()


@pytest.mark.root
def test_a_link_in_place_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UntrustedStoreError, match="not a folder"):
        trusted_store(folder).prepare()
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o700


def test_what_is_no_file_stays_as_it_is(store: ImageStore) -> None:
    claim = claimed(store)
    store.begin(claim, FILES)
    path = store.path("base-1")
    os.mkfifo(path / "fifo")
    (path / "fifo").chmod(0o666)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path / "socket"))
    (path / "socket").chmod(0o666)
    store.finish(claim, b"{}")
    assert stat.S_IMODE((path / "fifo").stat().st_mode) == 0o666
    assert stat.S_IMODE((path / "socket").stat().st_mode) == 0o666


def test_a_link_that_takes_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o666)
    (tmp_path / "link").symlink_to(outside)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        _close_file("link", folder)
    finally:
        os.close(folder)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666
