from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sandlot_hub.adapters.clock import SystemClock


def test_now_is_in_utc() -> None:
    now = SystemClock().now()

    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = SystemClock()

    assert clock.monotonic() <= clock.monotonic()
