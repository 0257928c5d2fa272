from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parents[2]

BENCHES = """\
import logging, subprocess, sys, types
from pathlib import Path

from bench import run
from bench.harness import Measure, progress
from support.cluster.errors import CannotRunHereError

def measure(id_, ok):
    return Measure(id=id_, what="something", ours=0.21, peer=0.1, peer_version="one 1.0", ratio=2.1,
                   target="<= 100 ms more", ok=ok, interval=(0.1, 0.12), load=1.5)

def good(size, mutation):
    logging.warning("a peer in this process")
    subprocess.run(["/bin/sh", "-c", "echo a peer of its own; echo its error >&2"], check=True)
    progress("half of it")
    yield measure("x.good", True)

def slow(size, mutation):
    sys.stderr.write("what was slow\\n")
    yield measure("x.slow", False)

def broken(size, mutation):
    sys.stderr.write("why it broke\\n")
    raise AssertionError("no answer\\nand more")
    yield

def elsewhere(size, mutation):
    raise CannotRunHereError("it needs another machine")
    yield

run.RESULTS = Path(sys.argv.pop())
run.BENCHES = ()
for name in sys.argv[1:]:
    sys.modules[f"bench.{name}"] = module = types.ModuleType(name)
    module.run = globals()[name]
    run.BENCHES += (run.Entry((f"x.{name}",), f"bench.{name}"),)
sys.argv[1:] = ["--smoke"]
code = run.main()
sys.stderr.write("mine again\\n")
subprocess.run(["/bin/echo", "and a child's"])
sys.exit(code)
"""


class Ran(NamedTuple):
    """What came of a run."""

    code: int
    out: list[str]
    err: str


def ran(folder: Path, *benches: str) -> Ran:
    """Run benches as from the command line."""
    done = subprocess.run(
        [sys.executable, "-c", BENCHES, *benches, str(folder)],
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout.splitlines(), done.stderr)


def test_what_peers_write_goes_to_a_file_and_what_a_bench_says_does_not(tmp_path: Path) -> None:
    found = ran(tmp_path, "good")

    assert found.code == 0, found.err
    assert found.err == "bench: x.good (smoke)\nbench: half of it\nmine again\n"
    line, *rest = found.out
    assert line.startswith('{"id": "x.good"')
    assert rest == ["1 passed, 0 failed, 0 skipped", "and a child's"]
    assert (tmp_path / "good.log").read_text().splitlines() == [
        "WARNING:root:a peer in this process",
        "a peer of its own",
        "its error",
    ]


def test_the_last_lines_name_what_was_missed_what_broke_and_what_was_skipped(
    tmp_path: Path,
) -> None:
    found = ran(tmp_path, "broken", "good", "slow", "elsewhere")

    assert found.code == 1
    missed = "0.21, peer 0.1 (s), ratio 2.1, 0.1 to 0.12; target <= 100 ms more; load 1.5"
    assert found.out[-5:-1] == [
        "broke: x.broken: AssertionError: no answer",
        f"missed: x.slow: {missed}",
        "skipped: x.elsewhere: it needs another machine",
        "1 passed, 2 failed, 1 skipped",
    ]


@pytest.mark.parametrize(
    ("bench", "line"),
    [
        pytest.param("broken", "  why it broke\n", id="broke"),
        pytest.param("slow", "  what was slow\n", id="missed"),
    ],
)
def test_a_bench_that_fails_shows_what_peers_wrote(tmp_path: Path, bench: str, line: str) -> None:
    assert line in ran(tmp_path, bench).err
