"""How a bench measures: interleaved pairs, paired differences, an interval, one JSON line."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any, NamedTuple, TypeVar

from bench.output import say

T = TypeVar("T")


class Size(StrEnum):
    """How much a bench does."""

    SMOKE = "smoke"
    """Small enough for CI: shows that the bench works, and counts."""
    FULL = "full"


class Mutation(StrEnum):
    """A named slowness, so that each bench can be seen to fail once."""

    NONE = "none"
    SLEEP = "sleep-50ms"
    """50 ms more in the measured path, from outside our code."""
    SLOW_START = "sleep-1s"
    """A second more in every start: a tenth of a start is noise to 50 ms."""
    EXTRA_CALL = "extra-call"
    """One request more before the server is created."""
    HEAVY_PAGE = "heavy-page"
    """4 MB more in what a page loads."""
    DROP_EVENT = "drop-event"
    """One event is thrown away by the one who should show it."""
    LEAVE_ONE = "leave-one"
    """One leftover more, which nobody is going to remove."""


CONFIDENCE = 0.90
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of a report.

    ``ok`` compares the interval of the decisive figure with the target; it is None
    when the measure is reported for information (an absolute time without a peer).
    """

    id: str
    what: str
    ours: float
    peer: float | None
    peer_version: str
    ratio: float | None
    target: str
    ok: bool | None
    unit: str = "s"
    pairs: int = 0
    interval: tuple[float, float] | None = None
    load: float = 0.0

    def print(self) -> None:
        """Write the measure as one JSON line to the standard output."""
        say(json.dumps(asdict(self)), measure=True)

    def summary(self) -> str:
        """Return the measure as one line for people."""
        peer = "" if self.peer is None else f", peer {self.peer:.4g}"
        ratio = "" if self.ratio is None else f", ratio {self.ratio:.3g}"
        between = "" if self.interval is None else ", {:.4g} to {:.4g}".format(*self.interval)
        return (
            f"{self.id}: {self.ours:.4g}{peer} ({self.unit}){ratio}{between}; "
            f"target {self.target}; load {self.load:.1f}"
        )


NEIGHBOURS = 4
"""How many times its target a figure of CPU time may be in the small size.

A neighbour on the same two cores doubles the CPU time of whatever it shares caches with, and the
small size has too few rounds to tell that from us. A mutation of 50 ms still shows.
"""


class Bar(NamedTuple):
    """What a figure of CPU time, or of time in an event loop, is held to."""

    value: float
    note: str
    """Says in the printed target that this is not the target itself."""

    @classmethod
    def at(cls, target: float, size: Size) -> Bar:
        """Return the target, or the small size's multiple of it."""
        if size is Size.FULL:
            return cls(target, "")
        return cls(NEIGHBOURS * target, f" (the small size allows {NEIGHBOURS} times the time)")


@dataclass(frozen=True, slots=True)
class Interval:
    """Median of a sample with a bootstrap interval (percentile method, 90 %)."""

    median: float
    low: float
    high: float


def interval(sample: Sequence[float], *, seed: int = 1) -> Interval:
    """Return the median of `sample` and its 90 % bootstrap interval.

    Raises
    ------
    ValueError
        If the sample is empty.
    """
    if not sample:
        msg = "an interval needs at least one value"
        raise ValueError(msg)
    draw = random.Random(seed)  # noqa: S311 (statistics, not secrets; seeded so that a report repeats)
    medians = sorted(
        statistics.median(draw.choices(sample, k=len(sample))) for _ in range(RESAMPLES)
    )
    edge = (1 - CONFIDENCE) / 2
    low, high = medians[int(edge * RESAMPLES)], medians[int((1 - edge) * RESAMPLES) - 1]
    return Interval(statistics.median(sample), low, high)


def paired(
    ours: Callable[[], float], peer: Callable[[], float], *, pairs: int, label: str
) -> tuple[list[float], list[float]]:
    """Run `ours` and `peer` in turn, changing who is first; each returns its figure.

    The order alternates so that a drift of the machine meets both alike.
    """
    a: list[float] = []
    b: list[float] = []
    for number in range(pairs):
        if number % 2:
            b.append(peer())
            a.append(ours())
        else:
            a.append(ours())
            b.append(peer())
        progress(f"{label}: pair {number + 1} of {pairs}: ours {a[-1]:.4g}, peer {b[-1]:.4g}")
    return a, b


def ratio_measure(
    *,
    id: str,  # noqa: A002 (the column's name)
    what: str,
    ours: Sequence[float],
    peer: Sequence[float],
    peer_version: str,
    at_most: float,
    unit: str = "s",
    decides: bool = True,
) -> Measure:
    """Compare by the ratio of each pair; ok when the interval's upper end meets the target.

    A handful of pairs of wall time says nothing on a shared machine: with `decides` false
    the figures are reported and ``ok`` stays None.
    """
    ratios = interval([a / b for a, b in zip(ours, peer, strict=True)])
    return Measure(
        id=id,
        what=what,
        ours=statistics.median(ours),
        peer=statistics.median(peer),
        peer_version=peer_version,
        ratio=ratios.median,
        target=f"<= {at_most:g}x the peer",
        ok=ratios.high <= at_most if decides else None,
        unit=unit,
        pairs=len(ours),
        interval=(ratios.low, ratios.high),
        load=os.getloadavg()[0],
    )


def progress(text: str) -> None:
    """Say on the standard error what the bench is doing."""
    say(f"bench: {text}")


def held_time() -> float:
    """Return seconds of this thread that stand still while it waits for a processor.

    A thread that works or sleeps holds its event loop; one that was not let run is held up by its
    neighbours. Linux only.
    """
    waited = int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    return perf_counter() - waited / 1e9


class Meter:
    """Adds up the thread CPU of what it awaits, and of every task that this starts.

    While a coroutine waits, other tasks of the event loop run in the same thread;
    measuring around ``await`` would charge them to us. Each step is timed by itself.
    The tasks are found by their context, so `count_tasks` must have been called.

    Parameters
    ----------
    clock
        What a step is timed by, in seconds.
    """

    _current: ContextVar[Meter | None] = ContextVar("meter", default=None)

    def __init__(self, clock: Callable[[], float] = thread_time) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.longest = 0.0
        """The longest step: so long nothing else could run."""

    def count(self, seconds: float) -> None:
        """Add a step."""
        self.seconds += seconds
        self.longest = max(self.longest, seconds)

    @classmethod
    def count_tasks(cls, loop: asyncio.AbstractEventLoop) -> None:
        """Let tasks that measured code starts be measured too."""

        def factory(
            loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
        ) -> asyncio.Task[Any]:
            meter = cls._current.get()
            counted = coroutine if meter is None else meter._steps(coroutine)
            return asyncio.Task(counted, loop=loop, **options)

        loop.set_task_factory(factory)

    async def measure(self, awaitable: Awaitable[T]) -> T:
        """Await something and count its steps."""
        token = self._current.set(self)
        try:
            return await self._steps(awaitable)
        finally:
            self._current.reset(token)

    async def _steps(self, awaitable: Awaitable[T]) -> T:
        return await _Steps(awaitable, self)


class _Steps(Awaitable[T]):
    def __init__(self, inner: Awaitable[T], meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def __await__(self) -> Generator[Any, Any, T]:
        """Drive the inner awaitable, one timed step after another."""
        steps = self._inner.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            began = self._meter.clock()
            try:
                yielded = steps.throw(error) if error is not None else steps.send(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            finally:
                self._meter.count(self._meter.clock() - began)
            value, error = None, None
            try:
                value = yield yielded
            except BaseException as raised:  # noqa: BLE001 (handed to the coroutine, which decides)
                error = raised


def busy(seconds: float) -> None:
    """Use the CPU for so long: what a mutation adds to a path measured in CPU time."""
    end = thread_time() + seconds
    while thread_time() < end:
        pass
