"""Resolve every ``requirements`` file of the project into its lock: ``tools/lock.py [--upgrade]``.

A lock holds exact versions with hashes for every platform and every Python from
`PYTHON` on, and no address of a package registry, so that it works with a mirror too.
Without ``--upgrade`` (or ``--upgrade-package NAME``) the versions of the present lock
are kept wherever they still fit. Standard library only; needs uv and the network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.11"
"""The oldest Python that the locks work with."""

LOCKS = {
    "requirements/build.in": "requirements/build.lock",
    "requirements/node.in": "requirements/node.lock",
    "requirements/go.in": "requirements/go.lock",
    "requirements/run.in": "requirements/run.lock",
    "requirements/test.in": "requirements/test.lock",
    "images/base/requirements.in": "images/base/requirements.lock",
    "images/scipy/requirements.in": "images/scipy/requirements.lock",
}
"""Input → lock. An input that names another one's lock with ``-c`` stands after it."""

OPTIONS = (
    "--universal",
    f"--python-version={PYTHON}",
    "--generate-hashes",
    # No trace of the machine that made it.
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    # An input may ask for Sandlot's own extras; the checkout itself is not locked.
    "--no-emit-package=sandlot",
    "--quiet",
)


def main(arguments: list[str]) -> int:
    """Write all locks, passing `arguments` on to ``uv pip compile``; return the exit code."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None:
        print("Sandlot: uv was not found; `make run` installs it into .venv.", file=sys.stderr)
        return 1
    for source, lock in LOCKS.items():
        print(f"Locking {lock} …", flush=True)
        command = [uv, "pip", "compile", *OPTIONS, *arguments, "-o", lock, source]
        # Where the registry is, is this machine's affair: its own settings stay in force.
        done = subprocess.run(
            command, cwd=ROOT, check=False, env=os.environ, stdout=subprocess.DEVNULL
        )
        if done.returncode:
            print(f"Sandlot: {lock} could not be made; uv's reason stands above.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
