from __future__ import annotations

from sandlot_hub.adapters.bounded_cache import BoundedCache


class Watch:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def cache(watch: Watch, capacity: int = 3) -> BoundedCache[str, int]:
    return BoundedCache(capacity=capacity, max_age=10, monotonic=watch)


def test_a_value_is_good_for_its_time_and_no_longer() -> None:
    watch = Watch()
    values = cache(watch)
    values.put("a", 1)
    watch.seconds = 9.9
    assert values.get("a") == 1
    watch.seconds = 10
    assert values.get("a") is None
    assert len(values) == 0


def test_reading_does_not_prolong() -> None:
    watch = Watch()
    values = cache(watch)
    values.put("a", 1)
    for second in range(10):
        watch.seconds = float(second)
        values.get("a")
    watch.seconds = 10
    assert values.get("a") is None


def test_putting_again_prolongs() -> None:
    watch = Watch()
    values = cache(watch)
    values.put("a", 1)
    values.put("b", 1)
    watch.seconds = 5
    values.put("a", 2)
    watch.seconds = 12
    assert values.get("a") == 2
    assert values.get("b") is None


def test_the_oldest_makes_room() -> None:
    values = cache(Watch())
    for number in range(1000):
        values.put(str(number), number)
        assert len(values) <= 3
    assert [values.get(key) for key in ("996", "997", "998", "999")] == [None, 997, 998, 999]
