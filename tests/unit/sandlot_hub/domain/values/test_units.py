from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandlot_hub.domain.values import units

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024**2
GIB = 1024**3
PARSERS = [units.parse_memory, units.parse_cpus, units.parse_duration, units.parse_count]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        pytest.param("4 GiB", 4 * GIB, id="binary"),
        pytest.param("4GiB", 4 * GIB, id="no-space"),
        pytest.param("4Gi", 4 * GIB, id="kubernetes"),
        pytest.param("1.5 GiB", 3 * GIB // 2, id="fraction"),
        pytest.param(" 512 MB ", 512_000_000, id="decimal"),
        pytest.param("1kB", 1000, id="kilo"),
        pytest.param("1 TiB", 1024**4, id="tera"),
        pytest.param("17 B", 17, id="bytes"),
        pytest.param("17", 17, id="bare-text"),
        pytest.param(17, 17, id="number"),
        pytest.param(1024**5, 1024**5, id="largest"),
    ],
)
def test_memory_is_read(text: object, size: int) -> None:
    assert units.parse_memory(text) == size


@pytest.mark.parametrize(
    ("value", "part"),
    [
        pytest.param("4 GB/s", "is not a memory size", id="unit"),
        pytest.param("4 gib", "is not a memory size", id="case"),
        pytest.param("4K", "is not a memory size", id="ambiguous-kilo"),
        pytest.param("", "is not a memory size", id="empty"),
        pytest.param("-1 GiB", "is not a memory size", id="negative-text"),
        pytest.param("1e9", "is not a memory size", id="exponent"),
        pytest.param("４ GiB", "is not a memory size", id="other-digits"),
        pytest.param("9" * 10**6, "is not a memory size", id="endless"),
        pytest.param("0.3 B", "whole number of bytes", id="part-of-a-byte"),
        pytest.param("0", "more than 0", id="zero"),
        pytest.param(-5, "more than 0", id="negative"),
        pytest.param(10**5000, "at most 1 PiB", id="huge-number"),
        pytest.param("1025 TiB", "at most 1 PiB", id="too-much"),
        pytest.param(1.5, "must be text like", id="float"),
        pytest.param(True, "must be text like", id="bool"),
        pytest.param(None, "must be text like", id="nothing"),
    ],
)
def test_memory_is_refused(value: object, part: str) -> None:
    with pytest.raises(ValueError, match=part) as caught:
        units.parse_memory(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("size", "text"),
    [
        pytest.param(4 * GIB, "4 GiB", id="binary"),
        pytest.param(3 * GIB // 2, "1.5 GiB", id="half"),
        pytest.param(512_000_000, "512 MB", id="decimal"),
        pytest.param(1023, "1023 B", id="bytes"),
        pytest.param(1_000_000 * MIB + MIB // 2, "1000000.5 MiB", id="half-of-many"),
    ],
)
def test_memory_is_written_shortly(size: int, text: str) -> None:
    assert units.format_memory(size) == text


@given(st.integers(1, 1024**5) | st.integers(1, 2**16).map(lambda n: n * 2**29))
@example(1_000_000 * MIB + MIB // 2)
def test_memory_round_trip(size: int) -> None:
    assert units.parse_memory(units.format_memory(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        pytest.param(16 * GIB - 1, "15.9 GiB", id="down"),
        pytest.param(16 * GIB, "16 GiB", id="whole"),
        pytest.param(1000, "1000 B", id="small"),
        pytest.param(3 * 1024**4 // 2, "1.5 TiB", id="tera"),
    ],
)
def test_memory_is_described_rounded_down(size: int, text: str) -> None:
    assert units.describe_memory(size) == text


@pytest.mark.parametrize(
    ("value", "cpus"),
    [
        pytest.param(2, 2.0, id="whole"),
        pytest.param(0.5, 0.5, id="half"),
        pytest.param("0.25", 0.25, id="text"),
        pytest.param("500m", 0.5, id="milli"),
        pytest.param(10_000, 10_000.0, id="most"),
    ],
)
def test_cpus_are_read(value: object, cpus: float) -> None:
    assert units.parse_cpus(value) == cpus


@pytest.mark.parametrize(
    ("value", "part"),
    [
        pytest.param("2 cores", "is not a number of CPU cores", id="unit"),
        pytest.param("٢", "is not a number of CPU cores", id="other-digits"),
        pytest.param("0.5m", "finer than a thousandth", id="too-fine"),
        pytest.param(0.0001, "finer than a thousandth", id="too-fine-number"),
        pytest.param(0, "more than 0", id="zero"),
        pytest.param("0", "more than 0", id="zero-text"),
        pytest.param(-1, "more than 0", id="negative"),
        pytest.param(float("nan"), "more than 0", id="nan"),
        pytest.param(float("inf"), "at most 10000", id="infinity"),
        pytest.param(10**5000, "at most 10000", id="huge-number"),
        pytest.param("20000", "at most 10000", id="too-many"),
        pytest.param([2], "must be a number", id="list"),
        pytest.param(False, "must be a number", id="bool"),
    ],
)
def test_cpus_are_refused(value: object, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        units.parse_cpus(value)


@given(st.integers(1, 10_000_000))
def test_cpus_round_trip(thousandths: int) -> None:
    cpus = units.parse_cpus(f"{thousandths}m")
    assert units.parse_cpus(units.format_cpus(cpus)) == cpus == thousandths / 1000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("1 h 30 min", 5400.0, id="two-parts"),
        pytest.param("1h30m", 5400.0, id="tight"),
        pytest.param("90s", 90.0, id="seconds"),
        pytest.param("250 ms", 0.25, id="milliseconds"),
        pytest.param("1.5 d", 129_600.0, id="days"),
        pytest.param(90, 90.0, id="number"),
        pytest.param(0.001, 0.001, id="shortest"),
    ],
)
def test_durations_are_read(value: object, seconds: float) -> None:
    assert units.parse_duration(value) == seconds


@pytest.mark.parametrize(
    ("value", "part"),
    [
        pytest.param("", "is not a duration", id="empty"),
        pytest.param("90", "is not a duration", id="no-unit"),
        pytest.param("1 h and a half", "is not a duration", id="words"),
        pytest.param("5 minutes", "is not a duration", id="long-unit"),
        pytest.param("1s " * 10**5 + "x", "is not a duration", id="endless"),
        pytest.param("0 s", "more than 0", id="zero"),
        pytest.param(-1, "more than 0", id="negative"),
        pytest.param(float("nan"), "more than 0", id="nan"),
        pytest.param(float("inf"), "at most 366 days", id="infinity"),
        pytest.param(10**400, "at most 366 days", id="huge-number"),
        pytest.param("367 d", "at most 366 days", id="too-long"),
        pytest.param(0.0001, "finer than a millisecond", id="too-fine"),
        pytest.param("0.5 ms", "finer than a millisecond", id="too-fine-text"),
        pytest.param(True, "must be text like", id="bool"),
    ],
)
def test_durations_are_refused(value: object, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        units.parse_duration(value)


@given(st.integers(1, 366 * 86_400_000))
def test_durations_round_trip(milliseconds: int) -> None:
    seconds = units.parse_duration(f"{milliseconds // 1000} s {milliseconds % 1000} ms")
    assert units.parse_duration(units.format_duration(seconds)) == seconds
    assert units.parse_duration(seconds) == seconds == milliseconds / 1000


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=ascii(value))
        for value in (-1, 0, 1.5, 1.0, "1e9", "0x10", "", " 1", "1\n", "١", 1025, 10**400, "1025",
                      True, None, "1g.5gb", [1], float("nan"))
    ],
)  # fmt: skip
def test_counts_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="whole number from 1 to 1024"):
        units.parse_count(value)


@given(st.integers(1, 1024))
def test_counts_round_trip(count: int) -> None:
    assert units.parse_count(count) == units.parse_count(str(count)) == count


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(value=st.text(max_size=30) | st.integers() | st.floats() | st.none() | st.booleans())
def test_nothing_but_value_errors(parse: Callable[[Any], float], value: object) -> None:
    try:
        result = parse(value)
    except ValueError:
        return
    assert result > 0
