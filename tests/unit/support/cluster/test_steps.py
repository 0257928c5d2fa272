"""Steps of a build: what they tell, and that they leave nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.cluster.errors import CannotRunHereError, ClusterError
from support.cluster.steps import Steps, check_programs
from support.stack import AS_ROOT

contained = pytest.mark.skipif(not AS_ROOT, reason="only root can make namespaces")


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(folder=tmp_path, say=lambda _: None, environment={"WORD": "two"})


@contained
def test_the_last_line_is_the_answer(steps: Steps) -> None:
    assert steps.run("Counting", "sh", "-c", "echo one; echo $WORD") == "two"


@contained
def test_what_a_failed_step_said_is_told(steps: Steps) -> None:
    with pytest.raises(ClusterError) as failed:
        steps.run("Counting", "sh", "-c", "echo one; echo two >&2; exit 3")

    assert str(failed.value) == "Counting failed; sh says:\none\ntwo"


@contained
def test_what_it_mounts_is_its_own(steps: Steps, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()

    mounted = steps.run("Mounting", "sh", "-c", "mount -t tmpfs own place && grep own /proc/mounts")

    assert str(tmp_path / "place") in mounted
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


@contained
def test_what_it_starts_ends_with_it(steps: Steps, tmp_path: Path) -> None:
    """A descriptor that it leaves open would tell that it lives."""
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        steps.run("Starting", "sh", "-c", "sleep 600 > pipe 2>&1 & echo on")

        assert os.read(reading, 1) == b""
    finally:
        os.close(reading)


def test_what_is_missing_is_said_with_its_package() -> None:
    with pytest.raises(CannotRunHereError) as missing:
        check_programs({"sh": "dash", "no-such-program": "a", "nor-this": "a", "or-this": "b"})

    assert str(missing.value) == (
        "no-such-program, nor-this, or-this missing here (Debian: apt-get install a b)"
    )
