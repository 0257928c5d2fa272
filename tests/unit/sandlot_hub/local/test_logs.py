from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.logs import Bounded, RotatingLog, pump, tail

if TYPE_CHECKING:
    from pathlib import Path


def test_a_log_is_private_whatever_the_umask(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "a.log")
    before = os.umask(0)
    try:
        log.write(b"x")
    finally:
        os.umask(before)
        log.close()
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600


def test_a_log_never_grows_beyond_its_bound(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "a.log", max_bytes=10, backups=2)
    for number in range(10):
        log.write(f"line {number}\n".encode())
    log.close()
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"a.log": "line 9\n", "a.log.1": "line 8\n", "a.log.2": "line 7\n"}


def test_a_log_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    for line in (b"1\n", b"2\n"):
        log = RotatingLog(tmp_path / "a.log")
        log.write(line)
        log.close()
    assert (tmp_path / "a.log").read_bytes() == b"1\n2\n"


def test_a_full_log_of_the_last_run_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 20)
    log = RotatingLog(tmp_path / "a.log", max_bytes=10, backups=1)
    log.write(b"new\n")
    log.close()
    assert (tmp_path / "a.log").read_bytes() == b"new\n"
    assert (tmp_path / "a.log.1").stat().st_size == 20


def test_a_link_in_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / "a.log").symlink_to(target)
    RotatingLog(tmp_path / "a.log").write(b"lost")
    assert target.read_text() == "kept"


def test_what_cannot_be_written_is_lost_without_a_word(tmp_path: Path) -> None:
    RotatingLog(tmp_path / "missing" / "a.log").write_line("lost")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        pytest.param(b"", 5, (), id="empty"),
        pytest.param(b"a\nb\nc\n", 2, ("b", "c"), id="last"),
        pytest.param(b"a\nb", 5, ("a", "b"), id="all"),
        pytest.param(b"a\n", 0, (), id="none"),
        pytest.param(b"\xff\n", 1, ("\ufffd",), id="no-text"),
        pytest.param(b"x" * 300_000 + b"\nlast\n", 5, ("last",), id="a-line-without-end"),
    ],
)
def test_tail(tmp_path: Path, text: bytes, lines: int, expected: tuple[str, ...]) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(text)
    assert tail(path, lines) == expected


def test_tail_of_nothing(tmp_path: Path) -> None:
    assert tail(tmp_path / "a.log", 5) == ()


def test_bounded_keeps_the_first_bytes() -> None:
    kept = Bounded(5)
    for piece in (b"abc", b"def", b"ghi"):
        kept.write(piece)
    assert kept.content == b"abcde"


@pytest.mark.asyncio
async def test_pump_moves_everything_and_closes() -> None:
    reader, writer = os.pipe()
    sink = Bounded(10**6)
    pumping = asyncio.ensure_future(pump(reader, sink))
    for _ in range(20):
        await asyncio.to_thread(os.write, writer, b"x" * 10_000)
    os.close(writer)
    await pumping
    assert sink.content == b"x" * 200_000
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)
