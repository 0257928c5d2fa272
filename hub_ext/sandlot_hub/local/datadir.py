"""The data directory: where everything of one stack lies, and who may have it open."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandlot_hub.adapters.files import replace_file
from sandlot_hub.adapters.running import STATE_FILE

from .reachability import steps_to

FORMAT = 1
"""Version of the layout below; written to ``version.json``."""


class DataDirectoryError(Exception):
    """The directory cannot be used; the text says why and what to do."""


class AlreadyRunningError(Exception):
    """Another supervisor has the directory."""

    def __init__(self, directory: Path, holder: LockHolder) -> None:
        self.holder = holder
        where = f" at {holder.url}" if holder.url else ""
        super().__init__(
            f"Sandlot already runs on {directory}{where} (process {holder.pid}). "
            "Use it, stop it with `sandlot down`, or choose another --data-dir."
        )


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Paths of one stack; `root` is absolute."""

    root: Path

    @property
    def version_file(self) -> Path:
        """The layout's version: what makes a folder a data directory."""
        return self.root / "version.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor while it lives."""
        return self.root / "lock"

    @property
    def admin_password_file(self) -> Path:
        """The first administrator's password, 0600."""
        return self.root / "admin-password"

    @property
    def run(self) -> Path:
        """Files of the current run, open to the hub and the services."""
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """The supervisor's unix socket."""
        return self.run / "supervisor.sock"

    @property
    def settings_file(self) -> Path:
        """The resolved settings, the one file that hub and services read."""
        return self.run / "settings.json"

    @property
    def running_file(self) -> Path:
        """What runs where, for the ``sandlot`` command; there while a supervisor lives."""
        return self.root / STATE_FILE

    @property
    def state(self) -> Path:
        """The supervisor's own: uids, ports, secrets."""
        return self.root / "state"

    @property
    def guards(self) -> Path:
        """One file for every guard that runs."""
        return self.state / "guards"

    @property
    def password_told_file(self) -> Path:
        """There when `admin_password_file` was printed on a terminal."""
        return self.state / "password-told"

    @property
    def hub(self) -> Path:
        """The hub's: database, cookie secret, what we tell it."""
        return self.root / "hub"

    @property
    def embedded_file(self) -> Path:
        """What we tell the hub, 0600."""
        return self.hub / "embedded.json"

    @property
    def proxy(self) -> Path:
        """The proxy's configuration."""
        return self.root / "proxy"

    @property
    def rules(self) -> Path:
        """The folder of the routes: written by the hub, read by the proxy."""
        return self.proxy / "rules"

    @property
    def rules_file(self) -> Path:
        """The routes."""
        return self.rules / "rules.toml"

    @property
    def homes(self) -> Path:
        """One folder for every account."""
        return self.root / "homes"

    @property
    def logs(self) -> Path:
        """One log for every part."""
        return self.root / "logs"

    @property
    def server_logs(self) -> Path:
        """One log for every user's server."""
        return self.logs / "servers"

    @property
    def dask_logs(self) -> Path:
        """One log for every scheduler and worker."""
        return self.logs / "clusters"

    @property
    def images(self) -> Path:
        """The images' local environments."""
        return self.root / "images"

    @property
    def services(self) -> Path:
        """One folder for every service."""
        return self.root / "services"

    def service(self, name: str) -> Path:
        """Return the folder of a service."""
        return self.services / name

    def log_file(self, part: str) -> Path:
        """Return the log of a part."""
        return self.logs / f"{part}.log"


def open_directory(path: Path) -> DataDirectory:
    """Return the data directory at `path`; make it when there is nothing or an empty folder.

    Raises
    ------
    DataDirectoryError
        If it holds something else, is of another version, or cannot be written.
    """
    root = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (keeps links, unlike resolve)
    directory = DataDirectory(root)
    try:
        _check_place(root)
        if directory.version_file.exists():
            _check_version(directory.version_file)
        elif root.exists() and any(root.iterdir()):
            message = (
                f"{root} is not empty and not a data directory of Sandlot (no version.json). "
                "Choose another --data-dir, or an empty folder."
            )
            raise DataDirectoryError(message)
        else:
            root.mkdir(parents=True, exist_ok=True)
            # First of all, so that a start that is interrupted leaves a data directory.
            replace_file(directory.version_file, _version_text(), mode=0o644)
    except OSError as error:
        message = (
            f"The data directory {root} cannot be used: {error.strerror} ({error.filename}). "
            "Choose a folder that you can write, with --data-dir."
        )
        raise DataDirectoryError(message) from error
    return directory


class DirectoryLock:
    """Exclusive use of a data directory, for as long as this process lives.

    The kernel releases the lock with the process, however it ends; the descriptor is
    not inherited, so that nothing that outlives the supervisor keeps it.
    """

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Lock the directory.

        Raises
        ------
        AlreadyRunningError
            If another supervisor holds it.
        """
        path = self._directory.lock_file
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise AlreadyRunningError(self._directory.root, lock_holder(path)) from error
        self._descriptor = descriptor
        self.tell(url="")

    def tell(self, *, url: str) -> None:
        """Say who holds the lock and where the hub is."""
        if self._descriptor is not None:
            text = json.dumps({"pid": os.getpid(), "url": url}).encode()
            os.pwrite(self._descriptor, text, 0)
            os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        """Let others have the directory."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds a lock, as far as it has said so."""

    pid: int
    url: str


def lock_holder(path: Path) -> LockHolder:
    """Return what the holder of a lock has written."""
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        return LockHolder(pid=int(told["pid"]), url=str(told["url"]))
    except (OSError, ValueError, KeyError, TypeError):  # between locking and writing
        return LockHolder(pid=0, url="")


def _check_place(root: Path) -> None:
    if os.geteuid() == 0:
        _check_above(root)
    if not root.exists():
        return
    info = root.stat()
    if not stat.S_ISDIR(info.st_mode):
        message = f"{root} is not a folder. Choose another --data-dir."
        raise DataDirectoryError(message)
    if info.st_uid != os.geteuid():
        message = (
            f"{root} belongs to another user (uid {info.st_uid}). "
            "Start Sandlot as that user, or choose another --data-dir."
        )
        raise DataDirectoryError(message)
    if not os.access(root, os.W_OK | os.X_OK):
        message = f"{root} cannot be written. Choose another --data-dir, or open it."
        raise DataDirectoryError(message)


def _check_above(root: Path) -> None:
    """Refuse a place where any account of the machine could put another folder."""
    for step in steps_to(root):
        if not step.exists():
            return
        mode = step.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            message = (
                f"Everybody can change {step}, and so put something else in place of {root}. "
                f"Close it with `chmod o-w {step}`, or choose another --data-dir."
            )
            raise DataDirectoryError(message)


def _check_version(path: Path) -> None:
    try:
        found = json.loads(path.read_bytes())["format"]
    except (ValueError, KeyError, TypeError):
        message = f"{path} is not the file that Sandlot writes. Choose another --data-dir."
        raise DataDirectoryError(message) from None
    if found != FORMAT:
        message = (
            f"{path.parent} is of format {found!r}, and this version of Sandlot knows format "
            f"{FORMAT}. Start it with the version that made it, or choose another --data-dir."
        )
        raise DataDirectoryError(message)


def _version_text() -> bytes:
    return json.dumps({"format": FORMAT}).encode() + b"\n"
