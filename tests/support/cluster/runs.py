"""What a run leaves on the machine while it lasts, and who removes it when it was killed.

A run is a folder that carries the name of its network namespace, and a lock in it that the kernel
holds for as long as the run's process lives. A folder without a held lock is what a killed run
has left: whoever starts next ends its processes and removes it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from support.cluster import control_groups
from support.cluster.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = "lock"


def runs_folder() -> Path:
    """Return where the runs of this user lie."""
    base = Path("/var/tmp")  # noqa: S108 (the owner and the mode of the folder are checked)
    folder = (base if base.is_dir() else Path(tempfile.gettempdir())) / "sandlot-test-clusters"
    folder = folder.with_name(f"{folder.name}-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.geteuid(), f"{folder} belongs to somebody else"
    return folder


@contextmanager
def new_run(base: Path) -> Iterator[tuple[Path, Network]]:
    """Give an empty folder and a network namespace for one run; both go with the context.

    What killed runs have left below `base` is removed first.
    """
    with _registry(base):
        sweep(base)
        folder = base / f"sandlot-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        held = _hold(folder)
    assert held is not None
    network = Network(folder.name)
    try:
        network.create()
        yield folder, network
    finally:
        network.end()
        control_groups.remove(folder.name)
        shutil.rmtree(folder, ignore_errors=True)
        held.close()


def sweep(base: Path) -> list[str]:
    """Remove what killed runs have left below `base`; return their names."""
    removed = []
    for folder in sorted(base.glob("sandlot-*")):
        held = _hold(folder)
        if held is None:
            continue
        with held:
            Network(folder.name).end()
            control_groups.remove(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    return removed


@contextmanager
def _registry(base: Path) -> Iterator[None]:
    """Keep others from sweeping a folder that is not locked yet."""
    with (base / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hold(folder: Path) -> IO[str] | None:
    """Take a run's lock; None when its process lives, or another has just removed it."""
    try:
        lock = (folder / LOCK).open("w")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
