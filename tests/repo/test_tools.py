"""The tools that make the environment, where a mistake would show only on somebody else's machine."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

import frontend
import lanes
from support.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FIND_PYTHON = ROOT / "tools/find-python"


def _script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def _find_python(asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FIND_PYTHON],
        env={**os.environ, "PYTHON": asked},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("nonsense", False),
    ],
)
def test_which_node_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    node = _script(tmp_path / "node", f"#!/bin/sh\necho {version}\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = frontend.node_folder()

    assert (found == tmp_path) is fits, node


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("old 3.9", "no Python 3.11 or newer"),
        ("bare 3.12", "apt-get install python3.12-venv"),
        ("closed /root", "cannot enter /root"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path: Path, answer: str, words: str) -> None:
    done = _find_python(_script(tmp_path / "python3", f"#!/bin/sh\necho {answer}\n"))

    assert done.returncode == 1
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_python_that_fits_is_named_by_its_real_path(tmp_path: Path) -> None:
    fitting = _script(tmp_path / "python3", "#!/bin/sh\necho fit /opt/python3.12\n")

    assert _find_python(fitting).stdout == "/opt/python3.12\n"


def test_a_lane_that_fails_fails_the_run_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = {"bad": [("/bin/sh", "-c", "exit 3")], "good": [("/bin/echo", "done")]}
    monkeypatch.setattr(lanes, "LANES", table)
    monkeypatch.setattr(lanes, "RESULTS", tmp_path)
    code = lanes.main(["bad", "good"])
    shown = capfd.readouterr().out

    assert code == 1
    assert "bad: FAILED" in shown
    assert "good: passed" in shown
    assert shown.endswith("bad: sh -c exit 3: exit code 3\nFailed: bad.\n")
    assert [kept.name for kept in (tmp_path / "failed").iterdir()] == ["bad.txt"]


def test_a_lane_names_the_tests_that_failed_and_forgets_them_when_they_pass(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    checked = tmp_path / "test_sums.py"
    monkeypatch.setattr(
        lanes, "LANES", {"sums": [(*lanes.PYTEST, "-p", "no:cacheprovider", str(checked))]}
    )
    monkeypatch.setattr(lanes, "RESULTS", tmp_path)
    checked.write_text("def test_two():\n    assert 1 + 1 == 3, 'not three'\n")

    assert lanes.main(["sums"]) == 1
    kept = tmp_path / "failed/sums.txt"
    assert kept.read_text().startswith("sums: ")
    assert "test_sums::test_two: AssertionError: not three" in kept.read_text()
    assert kept.read_text() in capfd.readouterr().out
    checked.write_text("def test_two():\n    assert 1 + 1 == 2\n")
    assert lanes.main(["sums"]) == 0
    assert not kept.exists()


def test_make_names_lanes_that_exist() -> None:
    named = re.findall(
        r"\$\(LANES\) ([a-z -]+?)(?: -- .*)?$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )

    assert len(named) > 1
    assert {name for line in named for name in line.split()} <= set(lanes.LANES)


def test_the_shell_scripts_have_no_syntax_error() -> None:
    for script, shell in ((FIND_PYTHON, "sh"), (ROOT / ".ci/run", "bash")):
        subprocess.run([shell, "-n", str(script)], check=True, timeout=60)
        assert os.access(script, os.X_OK)
