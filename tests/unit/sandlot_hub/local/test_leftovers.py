from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.leftovers import Leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOMEBODY = 21_986
SLEEP = ("/bin/sleep", "1000")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_a_noted_process_is_known_until_it_ends(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    leftovers = Leftovers(tmp_path)
    leftovers.add(sleeper.pid)
    assert [each.pid for each in leftovers.running()] == [sleeper.pid]
    leftovers.remove(sleeper.pid)
    assert leftovers.running() == set()


@pytest.mark.parametrize("note", ["1", "", "no number"])
def test_another_process_with_the_same_pid_is_not_taken_for_it(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], note: str
) -> None:
    (tmp_path / str(sleeper.pid)).write_text(note)
    assert Leftovers(tmp_path).running() == set()
    assert list(tmp_path.iterdir()) == []


def clear(folder: Path, *, uids: tuple[range, ...] = ()) -> None:
    asyncio.run(Leftovers(folder).clear(patience_s=0.05, uids=uids))


def test_what_does_not_end_by_itself_is_ended_with_all_below_it(tmp_path: Path) -> None:
    script = (
        "import subprocess as s; p = s.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        Leftovers(tmp_path).add(process.pid)
        clear(tmp_path)
        assert process.wait(20) == -9
    ended, _, _ = select.select([child], (), (), 20)
    os.close(child)
    assert ended
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
def test_processes_of_reserved_uids_are_ended(tmp_path: Path) -> None:
    with (
        subprocess.Popen(SLEEP, user=SOMEBODY) as theirs,
        subprocess.Popen(SLEEP, user=SOMEBODY + 5) as others,
    ):
        clear(tmp_path, uids=(range(SOMEBODY, SOMEBODY + 5),))
        assert theirs.wait(20) == -9
        assert others.poll() is None
        others.kill()
