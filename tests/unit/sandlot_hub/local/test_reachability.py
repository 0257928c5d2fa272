from __future__ import annotations

from pathlib import Path

import pytest

from sandlot_hub.local.reachability import (
    Needed,
    UnreachableError,
    check_reachable,
    needed_by_everybody,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that everybody reaches; pytest's own is closed to others."""
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    return tmp_path


def test_what_is_open_is_fine(place: Path) -> None:
    (place / "file").write_text("")
    (place / "file").chmod(0o644)
    check_reachable([Needed(place / "file", "x"), Needed(place / "missing" / "deep", "x")])


@pytest.mark.parametrize(
    ("make", "closed"),
    [
        pytest.param(lambda p: (p / "a").mkdir(mode=0o700), "a", id="folder-above"),
        pytest.param(lambda p: (p / "a").mkdir(mode=0o750), "a", id="group-only"),
    ],
)
def test_the_first_closed_folder_is_named(place: Path, make: object, closed: str) -> None:
    make(place)  # type: ignore[operator]
    with pytest.raises(UnreachableError) as caught:
        check_reachable([Needed(place / "a" / "b" / "c", "the settings")])
    assert caught.value.closed == place / closed
    assert "the settings" in str(caught.value)
    assert f"chmod o+x {place / closed}" in str(caught.value)


def test_a_file_that_others_cannot_read_is_named(place: Path) -> None:
    (place / "file").write_text("")
    (place / "file").chmod(0o640)
    with pytest.raises(UnreachableError) as caught:
        check_reachable([Needed(place / "file", "x")])
    assert caught.value.closed == place / "file"
    check_reachable([Needed(place / "file", "x", contents=False)])


def test_a_folder_that_can_be_passed_need_not_be_readable(place: Path) -> None:
    (place / "a").mkdir(mode=0o711)
    (place / "a" / "b").mkdir(mode=0o755)
    check_reachable([Needed(place / "a" / "b", "x"), Needed(place / "a", "x", contents=False)])
    with pytest.raises(UnreachableError):
        check_reachable([Needed(place / "a", "x")])


@pytest.mark.parametrize("relative", [True, False])
def test_a_link_is_followed_to_what_it_leads_through(place: Path, relative: bool) -> None:
    (place / "closed").mkdir(mode=0o700)
    (place / "closed" / "python").write_text("")
    (place / "bin").mkdir(mode=0o755)
    target = Path("..", "closed", "python") if relative else place / "closed" / "python"
    (place / "bin" / "python").symlink_to(target)
    with pytest.raises(UnreachableError) as caught:
        check_reachable([Needed(place / "bin" / "python", "x")])
    assert caught.value.closed == place / "closed"


def test_a_linked_folder_in_the_middle_is_followed(place: Path) -> None:
    (place / "closed").mkdir(mode=0o700)
    (place / "open").symlink_to(place / "closed")
    with pytest.raises(UnreachableError) as caught:
        check_reachable([Needed(place / "open" / "x" / "y", "x")])
    assert caught.value.closed == place / "closed"


def test_a_link_to_itself_ends(place: Path) -> None:
    (place / "loop").symlink_to("loop")
    check_reachable([Needed(place / "loop" / "x", "x")])


def test_interpreter_and_sources_are_needed_by_everybody() -> None:
    paths = [each.path for each in needed_by_everybody([Path("/src")])]
    assert Path("/src") in paths
    assert len(paths) > 4
