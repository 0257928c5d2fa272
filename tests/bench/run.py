"""Run the benches: `python tests/bench/run.py [--smoke] [--only i.] [--mutate NAME]`.

One JSON line a measure on the standard output; what is going on, on the standard error. What hubs
and peers write lies in ``test-results/bench/``, a file for each bench; its end is shown when the
bench fails.

The last lines name each measure that missed its target, each bench that broke, and each that
cannot run on this machine, with its reason. Then they are counted, as a test runner does; in CI what
cannot run counts as missed. A target that is a count or a ratio decides the exit code; absolute
times are for reading (see docs/benches.md).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.harness import Measure, Mutation, Size, progress
from bench.output import kept, say, show_tail
from support.cluster.errors import CannotRunHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Bench = Callable[[Size, Mutation], Iterator[Measure]]


RESULTS = Path(__file__).parents[2] / "test-results" / "bench"


class Entry(NamedTuple):
    """A bench: the ids that it measures, and where it is."""

    ids: tuple[str, ...]
    module: str


BENCHES = (
    Entry(("a.form.p50", "a.form.p99", "a.form.calls", "a.form.one-option"), "bench.form_render"),
    Entry(("a.form.capacity", "a.form.capacity.full"), "bench.form_capacity"),
    Entry(("a.form.usable", "a.form.bytes"), "bench.form_page"),
    Entry(
        ("a.form.live.hub", "a.form.live.service", "a.form.live.seconds", "a.form.live.missed"),
        "bench.live_pages",
    ),
    Entry(
        (
            "a.cluster.sync",
            "a.cluster.resident",
            "a.cluster.seen",
            "a.cluster.missed",
            "a.cluster.calls",
            "a.cluster.relists",
        ),
        "bench.informer",
    ),
    Entry(("a.cluster.events",), "bench.informer_events"),
    Entry(
        ("e.runs", "e.result", "e.lag", "e.list", "e.loop", "e.trouble", "e.tasks"),
        "bench.dask_clusters",
    ),
    Entry(("g.resolve",), "bench.resolving"),
    Entry(("g.hooks", "g.calls"), "bench.hooks"),
    Entry(("g.kube.cpu", "g.kube.calls", "g.kube.loop", "g.kube.manifest"), "bench.kube_start"),
    Entry(("g.kube.wait",), "bench.kube_waiting"),
    Entry(("g.kube.reason",), "bench.kube_reasons"),
    Entry(("g.kube.rush",), "bench.kube_rush"),
    Entry(("h.kube",), "bench.kube_restart"),
    Entry(("i.up",), "bench.cold_start"),
    Entry(("i.lab",), "bench.road"),
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the benches.")
    parser.add_argument("--smoke", action="store_true", help="small sizes, for CI")
    parser.add_argument("--only", default="", metavar="ID", help="only ids that begin with this")
    parser.add_argument(
        "--mutate",
        type=Mutation,
        choices=list(Mutation),
        default=Mutation.NONE,
        help="slow the measured path on purpose, to see the bench fail",
    )
    return parser.parse_args()


@dataclass(kw_only=True)
class Outcome:
    """What came of a run."""

    met: int = 0
    missed: list[str] = field(default_factory=list)
    """A line for each measure that missed its target, and for each bench that broke."""
    skipped: list[str] = field(default_factory=list)
    """A line for each bench that cannot run here."""

    def take(self, measure: Measure) -> None:
        """Count a measure."""
        if measure.ok is False:
            self.missed.append(f"missed: {measure.summary()}")
        else:
            self.met += 1

    def tell(self) -> None:
        """Write the last lines."""
        for line in (*self.missed, *self.skipped):
            say(line, measure=True)
        counts = f"{self.met} passed, {len(self.missed)} failed, {len(self.skipped)} skipped"
        say(counts, measure=True)


def run_bench(entry: Entry, size: Size, mutation: Mutation, outcome: Outcome) -> None:
    """Run one bench, and take its measures."""
    names, log = ", ".join(entry.ids), RESULTS / f"{entry.module.removeprefix('bench.')}.log"
    progress(f"{names} ({size})")
    failed_before = len(outcome.missed)
    try:
        with kept(log):
            bench: Bench = importlib.import_module(entry.module).run
            for measure in bench(size, mutation):
                measure.print()
                outcome.take(measure)
    except CannotRunHereError as error:
        progress(f"{names}: skipped, {error}")
        outcome.skipped.append(f"skipped: {names}: {error}")
    except Exception as error:  # noqa: BLE001 (one that breaks must not hide what others measure)
        traceback.print_exception(error)
        first = next(iter(str(error).splitlines()), "no more is known")
        outcome.missed.append(f"broke: {names}: {type(error).__name__}: {first}")
    if len(outcome.missed) > failed_before:
        show_tail(log)


def main() -> int:
    """Run what was asked for; return 1 when a target that decides was missed."""
    arguments = _arguments()
    size, outcome = Size.SMOKE if arguments.smoke else Size.FULL, Outcome()
    for entry in BENCHES:
        if any(_is_wanted(id_, arguments.only) for id_ in entry.ids):
            run_bench(entry, size, arguments.mutate, outcome)
    outcome.tell()
    skipping_fails = os.environ.get("CI") == "true"
    return 1 if outcome.missed or (outcome.skipped and skipping_fails) else 0


def _is_wanted(id_: str, asked: str) -> bool:
    """Return whether a bench measures what was asked for: some of its ids, or one of several."""
    return id_.startswith(asked) or asked.startswith(f"{id_}.")


if __name__ == "__main__":
    raise SystemExit(main())
