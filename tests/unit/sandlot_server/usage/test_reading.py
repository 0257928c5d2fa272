from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_contracts.session import Usage
from sandlot_server.usage.reading import Reading, differs, read_processes, usage_between

FIRST = (10, 1.0)
SECOND = (11, 2.0)


def reading(at: float, cpu: dict[tuple[int, float], float], memory: int = 100) -> Reading:
    return Reading(at=at, memory_bytes=memory, cpu_seconds=cpu)


@pytest.mark.parametrize(
    ("before", "after", "fraction"),
    [
        pytest.param({FIRST: 1.0}, {FIRST: 1.0}, 0.0, id="idle"),
        pytest.param({FIRST: 1.0}, {FIRST: 3.0}, 0.5, id="half a core"),
        pytest.param({FIRST: 1.0}, {FIRST: 1.0, SECOND: 4.0}, 1.0, id="a new process"),
        pytest.param({FIRST: 1.0, SECOND: 9.0}, {FIRST: 1.0}, 0.0, id="a process ended"),
        pytest.param({FIRST: 9.0}, {(10, 5.0): 2.0}, 0.5, id="a pid came back"),
    ],
)
def test_cpu_between_two_readings(
    before: dict[tuple[int, float], float], after: dict[tuple[int, float], float], fraction: float
) -> None:
    usage = usage_between(reading(0.0, before), reading(4.0, after, memory=7))

    assert usage == Usage(memory_bytes=7, cpu_fraction=fraction, processes=len(after))


def test_two_readings_of_one_moment_divide_nothing_by_zero() -> None:
    assert usage_between(reading(1.0, {}), reading(1.0, {FIRST: 1.0})).cpu_fraction == 0.0


@given(
    st.dictionaries(st.tuples(st.integers(1, 9), st.floats(0, 9)), st.floats(0, 1e6), max_size=5),
    st.dictionaries(st.tuples(st.integers(1, 9), st.floats(0, 9)), st.floats(0, 1e6), max_size=5),
    st.floats(0, 1e6),
)
def test_usage_is_never_negative(
    before: dict[tuple[int, float], float], after: dict[tuple[int, float], float], elapsed: float
) -> None:
    usage_between(reading(0.0, before), reading(elapsed, after))  # Usage refuses what is negative


@pytest.mark.parametrize(
    ("new", "told"),
    [
        pytest.param(Usage(memory_bytes=1000, cpu_fraction=0.5, processes=3), False, id="same"),
        pytest.param(Usage(memory_bytes=1009, cpu_fraction=0.52, processes=3), False, id="noise"),
        pytest.param(Usage(memory_bytes=1010, cpu_fraction=0.5, processes=3), True, id="memory"),
        pytest.param(Usage(memory_bytes=1000, cpu_fraction=0.56, processes=3), True, id="cpu"),
        pytest.param(Usage(memory_bytes=1000, cpu_fraction=0.5, processes=4), True, id="processes"),
    ],
)
def test_what_is_worth_telling(*, new: Usage, told: bool) -> None:
    assert differs(Usage(memory_bytes=1000, cpu_fraction=0.5, processes=3), new) is told


def test_descendants_are_counted() -> None:
    script = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as child:
        found = read_processes(psutil.Process(os.getpid()), 1.0)
        alone = read_processes(psutil.Process(child.pid), 1.0)
        child.communicate()

    assert {pid for pid, _ in found.cpu_seconds} >= {os.getpid(), child.pid}
    assert found.memory_bytes > alone.memory_bytes > 0


def test_what_cannot_be_looked_at_is_left_out() -> None:
    class Gone:
        pid = 1

        def children(self, *, recursive: bool) -> list[psutil.Process]:
            return [psutil.Process(os.getpid())] if recursive else []

        def oneshot(self) -> None:
            raise psutil.AccessDenied(pid=1)

    found = read_processes(Gone(), 1.0)  # type: ignore[arg-type]

    assert [pid for pid, _ in found.cpu_seconds] == [os.getpid()]
