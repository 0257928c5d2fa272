"""The TypeScript types are those of the contracts, and so are the names of events."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandlot_server import events

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "labextension/src"


def test_the_committed_types_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "tools/wire.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_the_page_listens_to_the_events_that_the_server_sends() -> None:
    listening = (SOURCES / "shared/events.ts").read_text(encoding="utf-8")

    assert f"'{events.USAGE}'" in listening
