"""Container images for the real node, made without any registry, and kept by their content.

Debian comes from its package mirror (debootstrap), packages from wherever pip finds them on this
machine, and Buildah puts them together by the Dockerfiles that are shipped. What comes out are
archives that containerd imports. They lie in ``images`` beside the compiled programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import image_context
from sandlot_hub.local.server_wheel import build_server_wheel
from support.cluster.errors import CannotRunHereError
from support.cluster.steps import Steps, check_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIRROR = "SANDLOT_TEST_DEBIAN"
"""Variable that names a mirror of Debian."""
SUITE, PYTHON = "bookworm", (3, 11)
PACKAGES = "ca-certificates,git,python3-venv,tini"
RECIPE = 1
"""Part of every key: to be raised when the steps change."""
PYTHON_IMAGE = "python"
"""Debian and Python only: the base of the others, and what holds a pod's namespaces."""
NEEDED = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
UNUSED_S = 7 * 24 * 3600
KEPT = 3
"""Archives of each image that stay, of half a gigabyte and more: those that were used last."""

# What says where and when it was made, and what no image needs.
LEFT_OUT = (
    "etc/apt/sources.list", "etc/hostname", "etc/machine-id", "etc/resolv.conf",
    "usr/share/doc", "usr/share/locale", "usr/share/man",
    "var/cache/apt", "var/lib/apt/lists", "var/log",
)  # fmt: skip
# Whole paths: the image that holds a pod's namespaces is started without a PATH.
HOLDING = ("/usr/bin/tini", "--", "/usr/bin/sleep", "infinity")
PIP = "[global]\nno-index = true\nfind-links = /wheels\n"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An image in a file."""

    reference: str
    """What pods call it."""
    path: Path


def check_images_possible() -> None:
    """Raise with the reason if images cannot be made on this machine.

    Raises
    ------
    CannotRunHereError
        If so.
    """
    if os.geteuid() != 0:
        message = "images for the test node are made by debootstrap and Buildah, as root"
        raise CannotRunHereError(message)
    check_programs(NEEDED)
    if sys.version_info[:2] != PYTHON:
        message = "images for the test node hold Python 3.11, and need it here to get packages for"
        raise CannotRunHereError(message)


def archives(*names: str, cache: Path, say: Callable[[str], None]) -> dict[str, Archive]:
    """Return images, and the one called `PYTHON_IMAGE`; made now if the cache does not hold them.

    Parameters
    ----------
    names
        Folders below ``images/``.
    cache
        Where archives and downloads are kept.
    say
        Told what happens, a line at a time, when it is not over in a moment.

    Raises
    ------
    ClusterError
        If one cannot be made.
    """
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    # One at a time: two would do the same work twice.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob("building-*"):
            shutil.rmtree(left)
        workshop = _Workshop(folder, say=say)
        made = {PYTHON_IMAGE: workshop.python()}
        made |= {name: workshop.image(name, made[PYTHON_IMAGE]) for name in names}
        remove_unused(folder)
    return made


class _Workshop:
    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say

    def python(self) -> Archive:
        key = _key([SUITE, PACKAGES, *HOLDING, *LEFT_OUT])
        with self._made(PYTHON_IMAGE, key) as (archive, work):
            if work is not None:
                self._make_python(archive, work)
        return archive

    def image(self, name: str, base: Archive) -> Archive:
        with tempfile.TemporaryDirectory(prefix="building-", dir=self._folder) as temporary:
            (context,) = image_context.make_contexts(
                Path(temporary), [name], wheel=build_server_wheel()
            )
            files = sorted(path for path in context.rglob("*") if path.is_file())
            key = _key([base.reference, PIP, *map(_digest, files)])
            with self._made(name, key) as (archive, work):
                if work is not None:
                    self._make_image(archive, work, context, base)
        return archive

    @contextmanager
    def _made(self, name: str, key: str) -> Iterator[tuple[Archive, Path | None]]:
        """Give where an image is or will be, and a folder to work in if it must be made."""
        archive = Archive(
            reference=f"localhost/sandlot/{name}:{key}", path=self._folder / f"{name}-{key}.tar"
        )
        if archive.path.is_file():
            os.utime(archive.path)
            yield archive, None
            return
        started = time.monotonic()
        self._say(f"Making the test image {name}: about 2 minutes, once")
        with tempfile.TemporaryDirectory(prefix="building-", dir=self._folder) as work:
            yield archive, Path(work)
            # In one step: an archive with this name is complete.
            (Path(work) / "made.tar").rename(archive.path)
        self._say(f"Made {archive.path} in {time.monotonic() - started:.0f} s")

    def _make_python(self, archive: Archive, work: Path) -> None:
        steps, buildah = self._steps(work), _buildah(work)
        root = work / "root"
        asked = ["--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)]
        asked += [os.environ[MIRROR]] if MIRROR in os.environ else _sources(steps)
        steps.run("Getting Debian", "debootstrap", *asked)
        for name in LEFT_OUT:
            _remove(root / name)
        container = steps.run("Beginning an image", *buildah, "from", "scratch")
        steps.run("Packing Debian", *buildah, "add", "--quiet", container, str(root), "/")
        command = json.dumps(HOLDING)
        steps.run("Naming it", *buildah, "config", "--entrypoint", command, container)
        target = f"docker-archive:{work}/made.tar:{archive.reference}"
        steps.run("Writing it", *buildah, "commit", "--quiet", "--rm", container, target)

    def _make_image(self, archive: Archive, work: Path, context: Path, base: Archive) -> None:
        steps, buildah = self._steps(work), _buildah(work)
        wheels = self._wheels(context / "requirements.lock", steps)
        (work / "pip.conf").write_text(PIP)
        source = f"docker-archive:{base.path}"
        steps.run("Taking the base", *buildah, "pull", "--quiet", source)
        steps.run(
            f"Building {context.name}", *buildah, "build", "--network=none", "--pull=never",
            f"--build-arg=BASE={base.reference}", f"--secret=id=pip,src={work}/pip.conf",
            f"--volume={wheels}:/wheels:ro", f"--tag={archive.reference}", str(context),
        )  # fmt: skip
        target = f"docker-archive:{work}/made.tar:{archive.reference}"
        steps.run("Writing it", *buildah, "push", "--quiet", archive.reference, target)

    def _wheels(self, lock: Path, steps: Steps) -> Path:
        """Return a folder with all packages of a lock, got as pip is configured on this machine."""
        folder = self._folder / "wheels"
        folder.mkdir(exist_ok=True)
        pip = self._folder / "pip"
        if not (pip / "bin/pip").exists():
            interpreter = str(Path(getattr(sys, "_base_executable", sys.executable)))
            steps.run("Making room for pip", interpreter, "-m", "venv", str(pip))
        asked = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(lock)]
        found = [f"--dest={folder}", f"--find-links={folder}"]
        steps.run("Getting packages", str(pip / "bin/pip"), "download", *found, *asked)
        return folder

    def _steps(self, work: Path) -> Steps:
        return Steps(folder=work, say=self._say, environment={"BUILDAH_ISOLATION": "chroot"})


def _buildah(work: Path) -> list[str]:
    """Return Buildah with a storage of its own, which goes with the folder."""
    return ["buildah", f"--root={work}/store", f"--runroot={work}/run", "--storage-driver=overlay"]


def _key(parts: list[str]) -> str:
    words = [str(RECIPE), platform.machine(), *parts]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def _digest(path: Path) -> str:
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _remove(path: Path) -> None:
    """Empty a folder, or remove a file: programs expect their folders to be there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.unlink(missing_ok=True)


def remove_unused(folder: Path) -> None:
    """Remove archives that nobody has used for a week, and all but the last few of each image."""
    archives_of: dict[str, list[Path]] = {}
    for archive in sorted(folder.glob("*.tar"), key=lambda path: -path.stat().st_mtime):
        archives_of.setdefault(archive.name.rpartition("-")[0], []).append(archive)
    for found in archives_of.values():
        for position, archive in enumerate(found):
            if position >= KEPT or time.time() - archive.stat().st_mtime > UNUSED_S:
                archive.unlink()


def _sources(steps: Steps) -> list[str]:
    """Return where this machine itself gets that Debian from; nothing leaves it to debootstrap."""
    said = steps.run(
        "Looking where Debian comes from",
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", f"Codename: {SUITE}",
    )  # fmt: skip
    return said.split()[:1]
