from __future__ import annotations

import pytest

from bench.harness import Bar, Measure, Size


@pytest.mark.parametrize(
    ("size", "value", "is_said"),
    [
        pytest.param(Size.FULL, 0.002, False, id="the target itself"),
        pytest.param(Size.SMOKE, 0.008, True, id="with room for neighbours"),
    ],
)
def test_what_cpu_time_is_held_to(size: Size, value: float, is_said: bool) -> None:
    bar = Bar.at(0.002, size)

    assert bar.value == value
    assert bool(bar.note) is is_said


def test_a_summary_leaves_out_what_there_is_not() -> None:
    measure = Measure(
        id="x.lag",
        what="something",
        ours=2,
        peer=None,
        peer_version="",
        ratio=None,
        target="<= 1 s",
        ok=False,
        load=0.5,
    )

    assert measure.summary() == "x.lag: 2 (s); target <= 1 s; load 0.5"
