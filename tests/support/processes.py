"""What runs on this machine, for tests that look whether everything has ended."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.local.procfs import Process, family, processes

if TYPE_CHECKING:
    from collections.abc import Iterable


def below(pid: int) -> set[Process]:
    """Return a process and everything that it has started, directly or not."""
    return family(pid, processes())


def find_below(pid: int, words: str) -> int:
    """Return the one process below `pid` whose arguments hold these words, guards left out."""
    found = [
        each.pid
        for each in below(pid)
        if words in arguments(each.pid) and "guard.py" not in arguments(each.pid)
    ]
    assert len(found) == 1, f"{words!r}: {[arguments(each) for each in found]}"
    return found[0]


def arguments(pid: int) -> str:
    """Return a process's arguments, separated by spaces; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def wait_ended(found: Iterable[Process], *, timeout_s: float = 30.0) -> None:
    """Wait until all of these have ended; fail with the arguments of those that have not."""
    deadline = time.monotonic() + timeout_s
    for each in found:
        try:
            descriptor = os.pidfd_open(each.pid)
        except ProcessLookupError:
            continue
        try:
            now = processes().get(each.pid)  # once: it may end between two looks
            if now == each and not now.ended:
                ready, _, _ = select.select([descriptor], (), (), deadline - time.monotonic())
                assert ready, f"still runs: {each.pid} {arguments(each.pid)}"
        finally:
            os.close(descriptor)


def server_of(pid: int, user: str) -> Process:
    """Return the process of a user's server below a supervisor; its parent is its guard."""
    found = [
        each
        for each in below(pid)
        if "jupyterhub-singleuser" in arguments(each.pid)
        and "guard.py" not in arguments(each.pid)
        and environment(each.pid).get("JUPYTERHUB_USER") == user
    ]
    assert len(found) == 1, f"{user} has {len(found)} servers"
    return found[0]


def environment(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with; nothing when it has ended."""
    try:
        text = Path(f"/proc/{pid}/environ").read_text()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
