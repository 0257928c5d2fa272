"""Run test lanes one after another: ``tools/lanes.py unit repo [-- ARGUMENTS]``.

Every lane is run, also after one has failed; each prints its runner's own summary and
its time, and the last lines say which failed. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

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


def _run_lane(name: str, extra: list[str]) -> tuple[bool, float]:
    """Run all commands of a lane, also after one has failed; return (passed, seconds)."""
    print(f"\n── {name} " + "─" * (76 - len(name)), flush=True)
    started = time.monotonic()
    passed = True
    for command in LANES[name]:
        shown = " ".join((Path(command[0]).name, *command[1:], *extra))
        print(f"$ {shown}", flush=True)
        try:
            surroundings = frontend.environment() if command[0] == JLPM else None
        except frontend.FrontendError as error:
            print(f"Sandlot: {error}", flush=True)
            passed = False
            continue
        done = subprocess.run([*command, *extra], cwd=frontend.ROOT, env=surroundings, check=False)
        passed = passed and done.returncode == 0
    seconds = time.monotonic() - started
    print(f"── {name}: {'passed' if passed else 'FAILED'} in {seconds:.1f} s", flush=True)
    return passed, seconds


def _report(results: dict[str, tuple[bool, float]]) -> int:
    failed = [name for name, (passed, _) in results.items() if not passed]
    if len(results) > 1:
        print("\nLanes:", flush=True)
        for name, (passed, seconds) in results.items():
            print(f"  {name:<12} {'passed' if passed else 'FAILED'} {seconds:8.1f} s", flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
