"""Runs the long steps of a build: says how far each is, and shows the end of what it wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import deque
from typing import TYPE_CHECKING

from support.cluster.errors import CannotRunHereError, ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRESS_S = 10.0
SHOWN_LINES = 20
"""How much of a step's output an error shows."""
# Nothing outlives a build that is killed: every process of it ends with the first one, and what it
# mounted was mounted in a namespace of its own.
CONTAINED = (
    "setpriv", "--pdeathsig", "KILL", "--",
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
    "nice", "-n", "15",
)  # fmt: skip


def check_programs(packages: dict[str, str]) -> None:
    """Raise if a program is not on this machine; `packages` says where Debian has each.

    Raises
    ------
    CannotRunHereError
        If so.
    """
    missing = [name for name in packages if shutil.which(name) is None]
    if missing:
        wanted = " ".join(dict.fromkeys(packages[name] for name in missing))
        message = f"{', '.join(missing)} missing here (Debian: apt-get install {wanted})"
        raise CannotRunHereError(message)


class Steps:
    """Steps of one build.

    Parameters
    ----------
    folder
        Where they run.
    say
        Told how far they are, a line at a time.
    environment
        What they get besides ours.
    """

    def __init__(
        self, *, folder: Path, say: Callable[[str], None], environment: dict[str, str]
    ) -> None:
        self._folder = folder
        self._say = say
        self._environment = {**os.environ, **environment}

    def run(self, step: str, *command: str) -> str:
        """Run a command to its end; return the last line that it wrote.

        Parameters
        ----------
        step
            What it does, for people.
        command
            What is run, as root, with everything that it mounts kept to itself.

        Raises
        ------
        ClusterError
            If it fails; with the end of what it wrote.
        """
        started = told = time.monotonic()
        last: deque[str] = deque(maxlen=SHOWN_LINES)
        with subprocess.Popen(
            [*CONTAINED, *command],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                last.append(line.rstrip())
                if time.monotonic() - told > PROGRESS_S:
                    told = time.monotonic()
                    self._say(f"{step}: {told - started:.0f} s")
            if process.wait():
                message = "\n".join([f"{step} failed; {command[0]} says:", *last])
                raise ClusterError(message)
        return last[-1] if last else ""
