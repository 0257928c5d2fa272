"""The folder of environments: which are whole, who uses one, and who may build it.

Several supervisors may share the folder. Each environment ("slot") has a lock file
beside it: shared by those that use it, exclusive for the one that builds or removes
it. The kernel drops the locks of a supervisor that dies. An environment is whole when
its marker is there, which is written last; anything else is removed and begun again.
Paths are absolute inside an environment, so it is built where it stays.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandlot_hub.adapters.files import replace_file

from .image_contents import size_on_disk
from .uids import may_be_reserved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .processes import Identity

_MARKER = ".complete"
_LOCKS = ".locks"
_INPUTS = ".inputs"
_BUILDER = ".builder"
_SIZES = ".sizes"
_NEW_MARKER = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_OPEN_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


_OPEN_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_OPEN_TO_OTHERS = 0o022


class UntrustedStoreError(Exception):
    """Somebody else could have put something into the folder; the text says what is wrong."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} {what}. Everybody runs what is in there: it must be the folder of the "
            "account that starts Sandlot, and closed to changes by others. Remove it, or "
            "name another one with SANDLOT_IMAGES_DIR."
        )


@dataclass(slots=True, kw_only=True)
class Claim:
    """A held lock on one slot."""

    slot: str
    descriptor: int
    whole: bool
    """Whether the environment can be used; if not, the lock is exclusive: build it."""


class ImageStore:
    """One folder of environments.

    Parameters
    ----------
    folder
        Made when it is missing, open for reading to everybody.
    builder
        Whom builds run as, and whose the environments are.
    own_uid
        Whether that is a uid of its own; else everything runs under one uid.
    """

    def __init__(self, *, folder: Path, builder: Identity, own_uid: bool) -> None:
        self._folder = folder
        self._own_uid = own_uid
        self.builder = builder

    @property
    def builder_home(self) -> Path | None:
        """The builder's own home folder, with its cache; None when it has no uid of its own."""
        return self._folder / _BUILDER if self._own_uid else None

    def path(self, slot: str) -> Path:
        """Return where the environment of a slot is or will be."""
        return self._folder / slot

    def inputs(self, slot: str) -> Path:
        """Return the folder that a build of this slot reads from."""
        return self._folder / _INPUTS / slot

    def prepare(self) -> None:
        """Make the folders.

        Raises
        ------
        OSError
            If the folder cannot be made or written.
        UntrustedStoreError
            If somebody else could have put something into it.
        """
        modes = {
            self._folder: 0o755,
            self._folder / _INPUTS: 0o755,
            self._folder / _LOCKS: 0o700,
            self._folder / _SIZES: 0o755,
        }
        for folder, mode in modes.items():
            with contextlib.suppress(FileExistsError):  # a link to nothing exists, too
                folder.mkdir(mode=mode, parents=True)
            if self._own_uid:
                _check_trusted(folder)
            folder.chmod(mode)
        if self.builder_home is not None:
            self._prepare_builder(self.builder_home)

    def claim(self, slot: str) -> Claim | None:
        """Take a slot for use, or for building when it is not whole; None while another builds it."""
        descriptor = self._lock(slot, fcntl.LOCK_EX)
        if descriptor is None:
            descriptor = self._lock(slot, fcntl.LOCK_SH)
        elif not self._is_whole(slot):
            return Claim(slot=slot, descriptor=descriptor, whole=False)
        if descriptor is None:
            return None
        claim = Claim(slot=slot, descriptor=descriptor, whole=True)
        self._share(claim)
        if not self._is_whole(slot):  # removed between the two locks
            self.release(claim)
            return None
        return claim

    def begin(self, claim: Claim, files: Mapping[str, bytes]) -> bool:
        """Make the empty environment and the input files of its build.

        Returns
        -------
        bool
            Whether the rest of an earlier build was in the way.
        """
        leftover = self.discard(claim)
        inputs = self.inputs(claim.slot)
        for name, content in files.items():
            path = inputs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        # The builder reads them; the umask of the supervisor may be tighter.
        for path in (inputs, *inputs.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        path = self.path(claim.slot)
        path.mkdir(mode=0o755)
        path.chmod(0o755)
        self._give_to_builder(path)
        return leftover

    def finish(self, claim: Claim, note: bytes) -> None:
        """Close the environment to changes, mark it whole, and keep it for use."""
        path = self.path(claim.slot)
        _close_to_changes(path)
        # On disk before it counts: a power cut must not leave the marker on half a tree.
        os.sync()
        marker = os.open(path / _MARKER, _NEW_MARKER, 0o444)
        with os.fdopen(marker, "wb") as file:
            os.fchmod(marker, 0o444)  # whatever the umask
            file.write(note)
        path.chmod(0o555)
        shutil.rmtree(self.inputs(claim.slot), ignore_errors=True)
        claim.whole = True
        self._share(claim)

    def note(self, claim: Claim) -> bytes:
        """Return what `finish` noted of a whole environment; nothing when it cannot be read."""
        try:
            return (self.path(claim.slot) / _MARKER).read_bytes()
        except OSError:
            return b""

    def size(self, claim: Claim) -> int | None:
        """Return the bytes on disk of a whole environment; None when nobody has measured them."""
        try:
            text = self._size_file(claim).read_text(encoding="ascii")
        except (OSError, ValueError):
            return None
        return int(text) if text.isdigit() else None

    def measure(self, claim: Claim) -> int:
        """Measure a whole environment, and keep the result for others. It takes a while.

        Raises
        ------
        OSError
            If it cannot be read, or the result cannot be kept.
        """
        size = size_on_disk(self.path(claim.slot))
        # Two supervisors may do it at once; each writes the same in one step.
        replace_file(self._size_file(claim), str(size).encode(), mode=0o644)
        return size

    def _size_file(self, claim: Claim) -> Path:
        return self._folder / _SIZES / claim.slot

    def discard(self, claim: Claim) -> bool:
        """Remove what there is of a slot; return whether there was anything."""
        shutil.rmtree(self.inputs(claim.slot), ignore_errors=True)
        self._size_file(claim).unlink(missing_ok=True)
        path = self.path(claim.slot)
        if not path.exists():
            return False
        _remove(path)
        return True

    def release(self, claim: Claim) -> None:
        """Give a slot back."""
        os.close(claim.descriptor)

    def prune(self, *, spare: int) -> list[str]:
        """Remove environments that nobody uses, and return their slots.

        The `spare` last used ones of every image stay: a checkout that goes back to
        an earlier state, or another data directory, finds its own again.
        """
        locks = sorted((self._folder / _LOCKS).iterdir(), key=lambda lock: lock.stat().st_mtime)
        by_image: dict[str, list[Path]] = {}
        for lock in locks:
            by_image.setdefault(lock.name.rpartition("-")[0], []).append(lock)
        old = [lock for found in by_image.values() for lock in found[: max(0, len(found) - spare)]]
        return [lock.name for lock in old if self._remove_unused(lock)]

    def _remove_unused(self, lock: Path) -> bool:
        descriptor = self._lock(lock.name, fcntl.LOCK_EX)
        if descriptor is None:
            return False
        claim = Claim(slot=lock.name, descriptor=descriptor, whole=False)
        removed = self.discard(claim)
        lock.unlink()
        self.release(claim)
        return removed

    def _prepare_builder(self, home: Path) -> None:
        """Make the builder's home, or go on with the builder whose it already is.

        Two data directories have different uids, and what one builder has downloaded
        would be closed to the other.
        """
        with contextlib.suppress(FileExistsError):
            home.mkdir(mode=0o700)
            self._give_to_builder(home)
        owner = home.lstat()
        if not stat.S_ISDIR(owner.st_mode):
            raise UntrustedStoreError(home, "is not a folder")
        if owner.st_uid == 0:  # the supervisor was killed between the two lines above
            self._give_to_builder(home)
        elif owner.st_uid != self.builder.uid and not may_be_reserved(owner.st_uid):
            raise UntrustedStoreError(home, f"belongs to uid {owner.st_uid}, which is no builder")
        else:
            self.builder = replace(self.builder, uid=owner.st_uid, gid=owner.st_gid)

    def _is_whole(self, slot: str) -> bool:
        return (self.path(slot) / _MARKER).is_file()

    def _share(self, claim: Claim) -> None:
        os.utime(claim.descriptor)  # "last used", see `prune`
        fcntl.flock(claim.descriptor, fcntl.LOCK_SH)

    def _lock(self, slot: str, kind: int) -> int | None:
        path = self._folder / _LOCKS / slot
        while True:
            descriptor = os.open(path, _OPEN_LOCK, 0o600)
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            # `prune` may have removed the file while we waited to open it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            os.close(descriptor)

    def _give_to_builder(self, path: Path) -> None:
        if self._own_uid:
            os.chown(path, self.builder.uid, self.builder.gid, follow_symlinks=False)


def _remove(path: Path) -> None:
    for _, _, _, folder in os.fwalk(path, follow_symlinks=False):
        os.fchmod(folder, stat.S_IMODE(os.fstat(folder).st_mode) | 0o700)
    shutil.rmtree(path)


def _close_to_changes(path: Path) -> None:
    """Take the right to change away: from everybody for folders, from others for files.

    pip then knows at once that people's own packages belong elsewhere. The files
    themselves are shared with the builder's cache and stay as they are, except those
    that an installer left open to all. The topmost folder is left for the marker.
    """
    for name, _, files, folder in os.fwalk(path, follow_symlinks=False):
        mode = stat.S_IMODE(os.fstat(folder).st_mode)
        os.fchmod(folder, mode & ~(0o022 if name == str(path) else 0o222))
        for file in files:
            if os.stat(file, dir_fd=folder, follow_symlinks=False).st_mode & _OPEN_TO_OTHERS:
                _close_file(file, folder)


def _close_file(name: str, folder: int) -> None:
    """Take the right to change a file from others; whatever else has that name stays."""
    try:
        descriptor = os.open(name, _OPEN_FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            return
        raise
    try:
        # Of what was opened: its builder's processes could put a link in its place meanwhile.
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~_OPEN_TO_OTHERS)
    finally:
        os.close(descriptor)


def _check_trusted(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UntrustedStoreError(folder, "is not a folder")
    if found.st_uid != os.geteuid():
        raise UntrustedStoreError(folder, f"belongs to uid {found.st_uid}")
    if found.st_mode & _OPEN_TO_OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise UntrustedStoreError(folder, f"can be changed by others (mode {mode:04o})")
