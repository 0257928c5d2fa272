"""`i.up`: from nothing to the login page, beside plain JupyterHub with the same proxy."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Measure, Mutation, Size, interval, paired
from bench.plain_hub import plain_hub
from support.stack import open_folder, running

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = {Size.SMOKE: 1, Size.FULL: 5}
LOGIN_SECONDS = 10.0


def run(size: Size, mutation: Mutation) -> Iterator[Measure]:
    """Start each from nothing, in turn."""
    starts = STARTS[size]
    pause = 1.0 if mutation is Mutation.SLOW_START else 0.0
    with open_folder() as folder:
        environment = Path(sys.executable).parents[1]

        def our_start() -> float:
            with open_folder() as data:
                began = time.monotonic()
                with running(data_dir=data / "data"):
                    return time.monotonic() - began + pause

        def peer_start() -> float:
            with plain_hub(Path(tempfile.mkdtemp(dir=folder)), environment) as hub:
                return hub.started_seconds

        ours, peer = paired(our_start, peer_start, pairs=starts, label="i.up")
    figure = interval(ours)
    yield Measure(
        id="i.up",
        what="`sandlot up` on an empty data directory until the login page answers; floor: plain hub",
        ours=figure.median,
        peer=statistics.median(peer),
        peer_version=f"jupyterhub {version('jupyterhub')}",
        ratio=figure.median / statistics.median(peer),
        target=f"<= {LOGIN_SECONDS:g} s (read beside the floor and the load; never decides)",
        ok=None,
        pairs=starts,
        interval=(figure.low, figure.high),
        load=os.getloadavg()[0],
    )
