"""The wish to end. Everything else of the supervisor needs a stack: tests/integration."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from sandlot_hub.local.options import UpOptions
from sandlot_hub.local.supervisor import _EXIT_CODES, StopSignals, _reason

pytestmark = pytest.mark.asyncio


async def test_the_second_wish_is_in_a_hurry() -> None:
    stopping = StopSignals()
    assert not stopping.asked.is_set()
    stopping.ask()
    assert stopping.asked.is_set()
    assert not stopping.hurry.is_set()
    stopping.ask()
    stopping.ask()
    assert stopping.hurry.is_set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_signals_are_heard_while_the_context_lasts(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stopping = StopSignals()
    with stopping.heard():
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stopping.asked.wait(), 20)
    assert signal.getsignal(number) in (before, signal.SIG_DFL, signal.default_int_handler)


async def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopping = StopSignals()
    try:
        with stopping.heard():
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not stopping.asked.is_set()


async def test_every_expected_error_has_one_exit_code() -> None:
    kinds = [kind for kind, _ in _EXIT_CODES]
    assert len(kinds) == len(set(kinds))
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            OSError(28, "No space left on device", "/d/run/x"),
            "No space left on device (/d/run/x).",
            id="disk",
        ),
        pytest.param(OSError("no number"), "no number.", id="bare"),
        pytest.param(
            sqlite3.OperationalError("disk I/O error"), "sqlite): disk I/O", id="accounts"
        ),
    ],
)
async def test_what_the_machine_refuses_is_a_sentence(
    error: OSError | sqlite3.Error, words: str
) -> None:
    reason = _reason(error, UpOptions(data_dir=Path("/d")))
    assert "the data directory /d" in reason
    assert words in reason
