"""Processes of a run: what they get, what is told of one that ended, and that all of them end."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from support.cluster.errors import ClusterError
from support.cluster.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.stop()


def test_one_has_a_log_a_folder_and_nothing_of_ours(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "ours")
    script = "pwd; echo $HOME $SECRET $WORD; exec sleep 60"
    processes.start("one", ["sh", "-c", script], environment={"WORD": "word"})

    processes.wait(lambda: "word" in processes.log("one").read_text(), what="it has written")

    assert processes.log("one").read_text() == f"{tmp_path}\n{tmp_path} word\n"
    assert os.getsid(processes.pid("one")) == processes.pid("one")


def test_it_inherits_the_descriptors_that_are_named(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = f"ls /proc/self/fd/{listener.fileno()}; exec sleep 60"
        processes.start("one", ["sh", "-c", script], descriptors=(listener.fileno(),))
        processes.wait(processes.log("one").read_text, what="it has looked")

        assert processes.log("one").read_text() == f"/proc/self/fd/{listener.fileno()}\n"


def test_the_end_of_one_is_told_with_its_last_words(processes: Processes) -> None:
    processes.start("good", ["sleep", "60"])
    processes.check()
    processes.start("bad", ["sh", "-c", "seq 100; exit 3"])

    with pytest.raises(ClusterError) as ended:
        processes.wait(lambda: False, what="nothing")

    lines = str(ended.value).splitlines()
    assert lines == ["bad ended with code 3:", *map(str, range(86, 101))]


def test_all_of_them_end(processes: Processes) -> None:
    for name in ("one", "two"):
        processes.start(name, ["sleep", "60"])
    pids = [processes.pid(name) for name in ("one", "two")]

    processes.stop()

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
