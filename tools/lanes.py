"""Run test lanes one after another: ``tools/lanes.py unit repo [-- ARGUMENTS]``.

Every lane is run, also after one has failed; each prints its runner's own summary and
its time, and the last lines say what failed, test by test. They also lie in
``test-results/failed/``, a file for each lane, until that lane is run again.
Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import frontend

BIN = Path(sys.executable).parent
PYTEST = (str(BIN / "pytest"), "--color=auto", "--durations=5")

JLPM = "jlpm"
"""First word of commands that need Node; `frontend.environment` finds it."""

LANES: dict[str, list[tuple[str, ...]]] = {
    "lint": [
        (str(BIN / "ruff"), "check"),
        (str(BIN / "ruff"), "format", "--check"),
        (str(BIN / "mypy"),),
        (str(BIN / "lint-imports"),),
    ],
    "lint-lab": [(JLPM, "run", "lint:check")],
    "format": [
        (str(BIN / "ruff"), "check", "--fix", "--exit-zero", "--quiet"),
        (str(BIN / "ruff"), "format"),
        (JLPM, "run", "lint"),
    ],
    "unit": [(*PYTEST, "tests/unit")],
    "lab": [(JLPM, "run", "test")],
    "repo": [(*PYTEST, "tests/repo")],
    "integration": [
        (*PYTEST, "tests/integration"),
        # The fixtures of pytest-jupyterhub do not say that they are asynchronous.
        (*PYTEST, "-o", "asyncio_mode=auto", "tests/published_hub"),
    ],
    "browser": [(*PYTEST, "tests/browser")],
    "kube": [(*PYTEST, "-m", "not real_node", "tests/kube")],
    "kube-node": [(*PYTEST, "-m", "real_node", "tests/kube")],
    "bench": [(sys.executable, "tests/bench/run.py")],
    "bench-smoke": [(sys.executable, "tests/bench/run.py", "--smoke")],
    "docs": [(str(BIN / "sphinx-build"), "-W", "--keep-going", "-q", "docs", "docs/_build/html")],
}

RESULTS = frontend.ROOT / "test-results"

LINE = 300
"""Characters of a failure's first line: the whole stands in the runner's output."""


class Result(NamedTuple):
    """How a lane went: its failures, a line each, and how long it took."""

    failures: list[str]
    seconds: float


def main(arguments: list[str]) -> int:
    """Run the lanes that `arguments` name; return 0 when all passed."""
    names, extra = arguments, []
    if "--" in arguments:
        cut = arguments.index("--")
        names, extra = arguments[:cut], arguments[cut + 1 :]
    unknown = [name for name in names if name not in LANES]
    if unknown or not names:
        print(f"usage: tools/lanes.py {{{'|'.join(LANES)}}} … [-- ARGUMENTS]", file=sys.stderr)
        return 2
    # What tests start is read by other uids; see tools/prepare.py.
    os.umask(0o022)
    results = {name: _run_lane(name, extra) for name in names}
    return _report(results)


def _run_lane(name: str, extra: list[str]) -> Result:
    """Run all commands of a lane, also after one has failed."""
    print(f"\n── {name} " + "─" * (76 - len(name)), flush=True)
    started = time.monotonic()
    failures: list[str] = []
    for number, command in enumerate(LANES[name]):
        failures += _run((*command, *extra), RESULTS / "junit" / f"{name}-{number}.xml")
    seconds = time.monotonic() - started
    _keep(name, failures)
    print(f"── {name}: {_word(failures)} in {seconds:.1f} s", flush=True)
    return Result(failures, seconds)


def _run(command: tuple[str, ...], report: Path) -> list[str]:
    """Run a command; return what failed in it."""
    shown = " ".join((Path(command[0]).name, *command[1:]))
    print(f"$ {shown}", flush=True)
    try:
        surroundings = frontend.environment() if command[0] == JLPM else None
    except frontend.FrontendError as error:
        print(f"Sandlot: {error}", flush=True)
        return [f"{shown}: {error}"]
    if command[0] == PYTEST[0]:
        # A run that ends before it reports must not be told by an older report.
        report.unlink(missing_ok=True)
        command = (*command, f"--junitxml={report}")
    done = subprocess.run(command, cwd=frontend.ROOT, env=surroundings, check=False)
    if done.returncode == 0:
        return []
    return _failed_tests(report) or [f"{shown}: exit code {done.returncode}"]


def _failed_tests(report: Path) -> list[str]:
    """Return the tests that a JUnit report says have failed, each with its first line."""
    if not report.exists():
        return []
    cases = ET.parse(report).iter("testcase")  # noqa: S314 (our own runner wrote it)
    return [
        f"{case.get('classname')}::{case.get('name')}: {wrong.get('message', '')}"[:LINE].split(
            "\n"
        )[0]
        for case in cases
        for wrong in (*case.iter("failure"), *case.iter("error"))
    ]


def _keep(name: str, failures: list[str]) -> None:
    kept = RESULTS / "failed" / f"{name}.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if failures:
        kept.write_text("".join(f"{name}: {line}\n" for line in failures))
    else:
        kept.unlink(missing_ok=True)


def _word(failures: list[str]) -> str:
    return "FAILED" if failures else "passed"


def _report(results: dict[str, Result]) -> int:
    failed = [name for name, result in results.items() if result.failures]
    if len(results) > 1:
        print("\nLanes:", flush=True)
        for name, (failures, seconds) in results.items():
            print(f"  {name:<12} {_word(failures)} {seconds:8.1f} s", flush=True)
    for name in failed:
        for line in results[name].failures:
            print(f"{name}: {line}", flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
