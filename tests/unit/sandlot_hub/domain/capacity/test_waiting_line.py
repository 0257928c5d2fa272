from __future__ import annotations

from sandlot_hub.domain.capacity.waiting_line import WaitingLine


def test_the_oldest_is_known_whoever_leaves() -> None:
    line = WaitingLine()
    for key, since in {"a": 3.0, "b": 1.0, "c": 2.0, "d": None}.items():
        line.join(key, since)
    assert (len(line), line.oldest()) == (4, 1.0)
    line.leave("c")
    line.leave("b")
    line.leave("nobody")
    assert (len(line), line.oldest()) == (2, 3.0)
    line.join("a", 9.0)
    assert (len(line), line.oldest()) == (2, 9.0)
    line.leave("a")
    assert (len(line), line.oldest()) == (1, None)


def test_who_comes_and_goes_behind_the_oldest_leaves_nothing() -> None:
    line = WaitingLine()
    line.join("first", 0.0)
    for number in range(10_000):
        line.join(f"pod-{number}", float(number + 1))
        line.leave(f"pod-{number}")
    assert (len(line), line.oldest()) == (1, 0.0)
    assert len(line._ages) < 100
