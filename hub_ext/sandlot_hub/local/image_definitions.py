"""Which images can be built here, and from what: the folders below ``images/``."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import image_user_site
from .image_contents import REQUIREMENTS, direct_packages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_contracts.images import Package

    from .server_wheel import ServerWheel

LOCK = "requirements.lock"
"""A folder below ``images/`` with this file is an image; its name is what settings call `local`."""

_OVERLAY = "overlay"
_PACKAGED = "_images"
_RECIPE = 1
"""Part of every key: to be raised when the steps of a build change."""
_KEY_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonInfo:
    """The interpreter that environments link to."""

    executable: Path
    version: str
    """Full version, such as ``3.11.2``."""
    platform: str
    """System and architecture, such as ``linux-x86_64``."""

    @property
    def site_packages(self) -> Path:
        """Where packages lie, relative to an environment."""
        minor = ".".join(self.version.split(".")[:2])
        return Path("lib") / f"python{minor}" / "site-packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDefinition:
    """Everything that an environment is made from, read once."""

    name: str
    slot: str
    """Name of the environment's folder: the image's name and a key of all that goes into it."""
    requirements: bytes
    """The lock, and the server wheel with its hash."""
    files: Mapping[Path, bytes]
    """Further files, by path relative to the environment."""
    packages: tuple[Package, ...] = ()
    """What it is made for, to be shown to people."""


def running_python() -> PythonInfo:
    """Return the interpreter that this process's own environment was made from.

    Not the environment's: a user's environment must not depend on the supervisor's.
    """
    executable = getattr(sys, "_base_executable", None) or sys.executable
    return PythonInfo(
        executable=Path(os.path.realpath(executable)),
        version=platform.python_version(),
        platform=sysconfig.get_platform(),
    )


def images_folder() -> Path:
    """Return the ``images`` folder: the checkout's when this is one, else the installed copy."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "images").is_dir():
        return checkout / "images"
    return package / _PACKAGED


def read_definitions(
    folder: Path, *, python: PythonInfo, wheel: ServerWheel
) -> dict[str, ImageDefinition]:
    """Return the images that `folder` defines, by name.

    Raises
    ------
    OSError
        If a file of an image cannot be read.
    """
    shared = _overlay(folder / _OVERLAY, python)
    definitions = {}
    for lock in sorted(folder.glob(f"*/{LOCK}")):
        name = lock.parent.name
        # By name, because where the wheel will lie is not part of what it is.
        pinned = f"\n./{wheel.filename} --hash=sha256:{wheel.digest}\n"
        locked = lock.read_bytes()
        requirements = locked + pinned.encode()
        definitions[name] = ImageDefinition(
            name=name,
            slot=f"{name}-{_key(requirements, shared, python)}",
            requirements=requirements,
            files=shared,
            packages=direct_packages(
                lock.with_name(REQUIREMENTS), locked.decode("utf-8", "replace")
            ),
        )
    return definitions


def _overlay(folder: Path, python: PythonInfo) -> dict[Path, bytes]:
    files = {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    module = image_user_site.INSTALLED_AS
    files[python.site_packages / f"{module}.py"] = Path(image_user_site.__file__).read_bytes()
    files[python.site_packages / f"{module}.pth"] = f"import {module}; {module}.enable()\n".encode()
    return files


def _key(requirements: bytes, files: Mapping[Path, bytes], python: PythonInfo) -> str:
    parts = {
        "recipe": _RECIPE,
        "requirements": _digest(requirements),
        "files": {path.as_posix(): _digest(content) for path, content in files.items()},
        "python": [str(python.executable), python.version, python.platform],
    }
    return _digest(json.dumps(parts, sort_keys=True).encode())[:_KEY_LENGTH]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
