"""Bring the environment of this checkout up to date: ``tools/prepare.py run`` or ``… test``.

Called by every Make target, with the environment's own interpreter. Each step notes
what it was done for, so that a second call with nothing changed does nothing, and
needs no network. Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import frontend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROOT = frontend.ROOT
VENV = ROOT / ".venv"
SETS = ("run", "test")
"""The lock files below requirements/; each holds all of the one before it."""


class StepError(RuntimeError):
    """A step failed; the message is for the person at the terminal."""


def main(arguments: list[str]) -> int:
    """Prepare what `arguments` names and return the exit code."""
    if len(arguments) != 1 or arguments[0] not in SETS:
        print(f"usage: tools/prepare.py {{{'|'.join(SETS)}}}", file=sys.stderr)
        return 2
    # Users' processes read this environment: a umask of 077 would shut them out.
    os.umask(0o022)
    started = time.monotonic()
    try:
        _check_reachable(ROOT / "hub_ext/sandlot_hub/__init__.py")
        with _alone():
            done = [*_python_steps(arguments[0]), *_frontend_steps(arguments[0])]
    except (StepError, frontend.FrontendError) as error:
        print(f"Sandlot: {error}", file=sys.stderr)
        return 1
    if done:
        print(f"Prepared in {time.monotonic() - started:.1f} s.", flush=True)
    return 0


def _check_reachable(file: Path) -> None:
    """As root, refuse a checkout that the users' uids could not read."""
    if os.geteuid() != 0:
        return
    for path in (file, *file.parents):
        if not path.stat().st_mode & (0o001 if path.is_dir() else 0o004):
            remedy = f"chmod -R go+rX {ROOT}"
            if path in ROOT.parents:
                remedy = f"move the checkout to a folder that others may enter, or chmod o+x {path}"
            message = f"as root, every user gets an own uid, and {path} is closed to them: {remedy}"
            raise StepError(message)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one `make` at a time change the environment; a second one waits here.

    Not `.lock`: that one is uv's, which would wait for us.
    """
    with (VENV / ".sandlot-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _python_steps(target: str) -> Iterator[str]:
    build = "requirements/build.lock"
    yield from _step("build", [build], "the build tools", lambda: _install_build_tools(build))
    lock = f"requirements/{target}.lock"
    # What holds the asked-for set and is up to date serves as well.
    wider = SETS[SETS.index(target) :]
    if not any(_noted(name) == frontend.digest(f"requirements/{name}.lock") for name in wider):
        yield from _step(target, [lock], "the Python packages", lambda: _install_locked(lock))
    yield from _step(
        "sandlot",
        ["pyproject.toml", "hatch_build.py"],
        "Sandlot itself",
        lambda: _uv_install("--no-deps", "--no-build-isolation", "--reinstall", "-e", "."),
    )


def _frontend_steps(target: str) -> Iterator[str]:
    fresh = frontend.build_fresh()
    wanted = target == "test" and not frontend.packages_fresh()
    if fresh and not wanted:
        return
    if frontend.node_folder() is None:
        lock = "requirements/node.lock"
        yield from _step("node", [lock], "Node", lambda: _install_locked(lock))
    if not frontend.packages_fresh():
        yield _timed("the Lab extension's packages", frontend.install_packages)
    if not frontend.build_fresh():
        yield _timed("the Lab extension", frontend.build)


def _step(name: str, inputs: list[str], title: str, action: Callable[[], None]) -> Iterator[str]:
    """Do `action` unless it was already done for these inputs; yield its title when done."""
    digest = frontend.digest(*inputs)
    if _noted(name) == digest:
        return
    yield _timed(title, action)
    (VENV / f".sandlot-{name}").write_text(digest)


def _noted(name: str) -> str | None:
    path = VENV / f".sandlot-{name}"
    return path.read_text() if path.is_file() else None


def _timed(title: str, action: Callable[[], None]) -> str:
    print(f"Preparing {title} …", flush=True)
    started = time.monotonic()
    action()
    print(f"Preparing {title}: {time.monotonic() - started:.1f} s", flush=True)
    return title


def _install_build_tools(lock: str) -> None:
    """Install uv and the build backend: with pip the first time, with uv from then on."""
    if (VENV / "bin/uv").exists():
        _install_locked(lock)
    else:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _run([*pip, "--require-hashes", "-r", lock])


def _install_locked(lock: str) -> None:
    _uv_install("--require-hashes", "-r", lock)


def _uv_install(*arguments: str) -> None:
    uv = str(VENV / "bin/uv")
    _run([uv, "pip", "install", "--quiet", "--python", sys.executable, *arguments])
    if os.geteuid() == 0:
        _open_to_others(VENV)


def _open_to_others(folder: Path) -> None:
    """Let every uid read the environment.

    uv links files from its cache, with the mode they got there: filled under a umask of
    077, it would hand users' processes files that they may not read.
    """
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0)
        if wanted != mode:
            path.chmod(wanted)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        shown = " ".join(command[:4])
        message = f"`{shown} …` failed with exit code {done.returncode}; its reason stands above."
        raise StepError(message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
