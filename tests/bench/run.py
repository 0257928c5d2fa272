"""Run the benches: `python tests/bench/run.py [--smoke] [--only i.] [--mutate NAME]`.

One JSON line a measure on the standard output; what is going on, on the standard error.
The last line counts, like a test runner, the measures that met their target and those
that did not, and the benches that cannot run on this machine; in CI those count as missed. A target that is a count or a ratio decides the exit code; absolute times
are for reading (see docs/benches.md).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.harness import Measure, Mutation, Size, progress
from support.cluster.errors import CannotRunHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Bench = Callable[[Size, Mutation], Iterator[Measure]]


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
    Entry(("e.runs", "e.result", "e.lag", "e.list", "e.loop", "e.tasks"), "bench.dask_clusters"),
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


def main() -> int:
    """Run what was asked for; return 1 when a target that decides was missed."""
    arguments = _arguments()
    size = Size.SMOKE if arguments.smoke else Size.FULL
    met = missed = skipped = 0
    for entry in BENCHES:
        if not any(_is_wanted(id_, arguments.only) for id_ in entry.ids):
            continue
        progress(f"{', '.join(entry.ids)} ({size})")
        bench: Bench = importlib.import_module(entry.module).run
        try:
            for measure in bench(size, arguments.mutate):
                measure.print()
                met += measure.ok is not False
                missed += measure.ok is False
        except CannotRunHereError as error:
            progress(f"{', '.join(entry.ids)}: skipped, {error}")
            skipped += 1
    print(f"{met} passed, {missed} failed, {skipped} skipped", flush=True)
    return 1 if missed or (skipped and os.environ.get("CI") == "true") else 0


def _is_wanted(id_: str, asked: str) -> bool:
    """Return whether a bench measures what was asked for: some of its ids, or one of several."""
    return id_.startswith(asked) or asked.startswith(f"{id_}.")


if __name__ == "__main__":
    raise SystemExit(main())
