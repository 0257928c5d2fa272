"""The processes of one part of a run, with a log each: what they say is told when one has ended."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from support.cluster.errors import ClusterError
from support.cluster.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TAIL = 15
"""Lines of a log that an error shows."""
START_S = 60.0


class Processes:
    """Processes that live as long as their run.

    Parameters
    ----------
    folder
        Where they run and log; it exists when the first of them starts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        command: list[str],
        *,
        environment: Mapping[str, str] | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        """Start one; it gets a session of its own, so that Ctrl-C spares it.

        Parameters
        ----------
        name
            Of its log, and for `pid`; every one has its own.
        command
            What is run.
        environment
            What it gets besides a path and a home.
        descriptors
            Open files that it inherits.
        """
        with self.log(name).open("xb") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME": str(self._folder),
                    **(environment or {}),
                },
                pass_fds=descriptors,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Kill all of them: what they hold goes with the folder."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()

    def check(self) -> None:
        """Raise if one has ended.

        Raises
        ------
        ClusterError
            If so; with the end of its log.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                lines = self.log(name).read_text(errors="replace").splitlines()[-TAIL:]
                message = "\n".join([f"{name} ended with code {process.returncode}:", *lines])
                raise ClusterError(message)

    def wait(self, look: Callable[[], object], *, what: str, timeout_s: float = START_S) -> None:
        """Wait until `look` answers with something truthy, or a process ends.

        Raises
        ------
        ClusterError
            If one ends; with the end of its log.
        AssertionError
            If it takes longer than `timeout_s` seconds.
        """

        def looked() -> object:
            self.check()
            return look()

        wait_until(looked, what=what, timeout_s=timeout_s)

    def pid(self, name: str) -> int:
        """Return the process id of one."""
        return self._running[name].pid

    def log(self, name: str) -> Path:
        """Return the file that one writes to."""
        return self._folder / f"{name}.log"
