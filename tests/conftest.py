"""What all lanes share: a skipped test is either expected by name, or CI fails.

A part that is missing on a developer's machine (no Chromium, not root) skips its
tests there. In CI nothing may be missing, so that a lane cannot turn green by
testing nothing: with ``CI=true`` the skipped tests of a run must be exactly those
that tests/skips.txt names, each with its reason. What only some machines can run is named
there with the words that the test itself skips with: for nothing else it may be skipped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

SKIPS = Path(__file__).parent / "skips.txt"
SOMEWHERE = "? "
"""Begins a line about tests that only some machines skip."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a test may be skipped."""

    reason: str
    everywhere: bool
    """Whether it is never run; if not, it is skipped where its own reason has these words."""

    def takes(self, reason: str) -> bool:
        """Return whether a test may be skipped for this reason of its own."""
        return self.everywhere or self.reason in reason


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written instead of compared."""
    text = "write the golden files instead of comparing with them; look at the diff"
    parser.addoption("--update-golden", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips of this run, and keep out what a developer set for `make run`."""
    for name in ("SANDLOT_EMBEDDED", "SANDLOT_SETTINGS"):
        os.environ.pop(name, None)
    config.pluginmanager.register(SkipWatch(expected=read_skips(SKIPS.read_text())), "skip-watch")


def read_skips(text: str) -> dict[str, Excuse]:
    """Return the expected skips: node id, or file, to excuse.

    Raises
    ------
    ValueError
        If a line has no reason.
    """
    skips: dict[str, Excuse] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = line.removeprefix(SOMEWHERE).partition("  # ")
        if not reason.strip():
            message = f"tests/skips.txt: say why, after two blanks and '# ': {line!r}"
            raise ValueError(message)
        everywhere = not line.startswith(SOMEWHERE)
        skips[name.strip()] = Excuse(reason=reason.strip(), everywhere=everywhere)
    return skips


class SkipWatch:
    """Compares the tests that were skipped with those that may be."""

    def __init__(self, *, expected: dict[str, Excuse]) -> None:
        self._expected = expected
        self._ran: set[str] = set()
        self._skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note each test once; an expected failure (xfail) is no skip."""
        self._ran.add(report.nodeid)
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped[report.nodeid] = _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a whole file that skips itself while it is collected."""
        if report.skipped:
            self._ran.add(report.nodeid)
            self._skipped[report.nodeid] = _reason(report)

    def differences(self) -> list[str]:
        """Return a sentence for each difference, in a fixed order."""
        sentences = [
            f"{name} was skipped and tests/skips.txt does not name it: {reason}"
            for name, reason in sorted(self._skipped.items())
            if not self._is_excused(name, reason)
        ]
        sentences += [
            f"{name} was not skipped: take it out of tests/skips.txt"
            for name, excuse in sorted(self._expected.items())
            if excuse.everywhere and name in self._ran and name not in self._skipped
        ]
        return sentences

    def _is_excused(self, name: str, reason: str) -> bool:
        excuse = self._expected.get(name) or self._expected.get(name.partition("::")[0])
        return excuse is not None and excuse.takes(reason)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn the run red in CI when the two differ."""
        if _in_ci() and self.differences() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which ones differ; outside CI it is for information."""
        if self.differences():
            terminalreporter.section("skips", red=_in_ci())
            for sentence in self.differences():
                terminalreporter.line(sentence)


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
