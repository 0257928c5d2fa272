from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandlot_hub.spawner.progress import KnownStep
from sandlot_hub.spawner.shown_steps import shown_steps

KNOWN = (
    KnownStep("allowed", "Checking"),
    KnownStep("place", "Waiting"),
    KnownStep("answer", "Starting"),
)
# The page's own script reads the same rows: both must draw the same.
TABLE = json.loads((Path(__file__).parent / "static/steps.json").read_text())


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in TABLE])
def test_steps_as_they_stand(row: dict[str, Any]) -> None:
    shown = shown_steps(KNOWN, row["told"])
    assert [step._asdict() for step in shown] == row["shown"]


@pytest.mark.parametrize(
    ("told", "states"),
    [
        pytest.param([], ["failed", "waiting", "waiting"], id="before anything was told"),
        # The hub gives up by itself when its own time is over, and tells nothing.
        pytest.param(
            [{"step": "place", "state": "now", "message": "Waiting…", "seconds": 1.0}],
            ["done", "failed", "waiting"],
            id="without a word",
        ),
    ],
)
def test_a_start_that_is_over_failed_where_it_was(
    told: list[dict[str, Any]], states: list[str]
) -> None:
    assert [step.state for step in shown_steps(KNOWN, told, failed=True)] == states
