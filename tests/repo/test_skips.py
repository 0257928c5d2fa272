"""The guard against tests that are skipped without anybody noticing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import pytest

def test_passes(): pass

def test_skips(): pytest.skip("no browser")
"""
SKIPS = "test_it.py::test_skips"
PASSES = "test_it.py::test_passes"


@pytest.mark.parametrize(
    ("named", "ci", "code"),
    [
        pytest.param([], "", 0, id="developer"),
        pytest.param([], "true", 1, id="ci-unnamed"),
        pytest.param([SKIPS], "true", 0, id="ci-named"),
        pytest.param([SKIPS, PASSES], "true", 1, id="ci-named-and-run"),
        pytest.param([SKIPS, "test_other.py::test_x"], "true", 0, id="ci-of-another-lane"),
        pytest.param([f"? {SKIPS}"], "true", 1, id="ci-somewhere-for-another-reason"),
        pytest.param(["? test_it.py"], "true", 1, id="ci-file-for-another-reason"),
        pytest.param([f"? {SKIPS}  # no browser"], "true", 0, id="ci-somewhere"),
        pytest.param(["? test_it.py  # no browser"], "true", 0, id="ci-file"),
        pytest.param([SKIPS, f"? {PASSES}"], "true", 0, id="ci-somewhere-else"),
    ],
)
def test_skips_are_compared_with_the_list(
    tmp_path: Path, named: list[str], ci: str, code: int
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    lines = [name if "  # " in name else f"{name}  # why" for name in named]
    (tmp_path / "skips.txt").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(tmp_path)],
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == code, done.stdout + done.stderr


def test_every_named_skip_exists(root: Path) -> None:
    """A renamed test would leave a line that excuses nothing."""
    for line in (root / "tests/skips.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            named = line.removeprefix("? ").partition("  # ")[0]
            file, apart, rest = named.partition("::")
            name = rest.rpartition("::")[2].partition("[")[0]
            assert (f"def {name}(" if apart else "def test_") in (root / file).read_text(), line
