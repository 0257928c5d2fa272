"""Sandlot's part for users' servers, as a wheel made from what is installed here.

A user's environment gets only what runs there: the wire types, the command line and
the server extension with its prebuilt Lab extension, never the hub's side. The wheel
is made from the installed packages, so that it works from a checkout and from an
installed wheel, without a build tool and without the network. The same files always
give the same bytes: environments are keyed by them.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DISTRIBUTION = "sandlot"
PACKAGES = ("sandlot_contracts", "sandlot_cli", "sandlot_server")
"""What a user's server needs. Named, never imported: the hub does not load the server's code."""

_SERVER_PACKAGE = "sandlot_server"
_LABEXTENSION = "labextension"
_JUPYTER_CONFIG = "jupyter-config"
_DATA_FOLDERS = {
    _LABEXTENSION: "share/jupyter/labextensions/sandlot",
    _JUPYTER_CONFIG: "etc/jupyter/jupyter_server_config.d",
}
"""Folder of the server package → where its files go below the environment."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_EXTRA = re.compile(r";.*\bextra\s*==\s*['\"](?P<name>[^'\"]+)['\"]")


class ServerWheelError(Exception):
    """A part of Sandlot that belongs into the wheel cannot be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWheel:
    """A built wheel. Small enough (some MB) to be kept in memory."""

    filename: str
    """Name that installers expect, such as ``sandlot-1.0-py3-none-any.whl``."""
    content: bytes
    digest: str
    """SHA-256 of the content, in hexadecimal."""
    has_labextension: bool
    """False in a checkout whose Lab extension was never built."""


def build_server_wheel() -> ServerWheel:
    """Return the wheel for users' environments.

    Raises
    ------
    ServerWheelError
        If Sandlot is not installed, or one of its packages is missing.
    """
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError as error:
        message = "Sandlot's own metadata is missing; install it with `make run` or with pip"
        raise ServerWheelError(message) from error
    version = distribution.version
    stem = f"{DISTRIBUTION}-{version.replace('-', '_')}"
    files: dict[str, bytes] = {}
    for name in PACKAGES:
        files.update(_package_files(name, _package_folder(name)))
    data = dict(_data_files(_package_folder(_SERVER_PACKAGE), f"{stem}.data/data"))
    files.update(data)
    files.update(_metadata_files(distribution, version, f"{stem}.dist-info"))
    content = _zip(files, f"{stem}.dist-info/RECORD")
    return ServerWheel(
        filename=f"{stem}-py3-none-any.whl",
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        has_labextension=any(_DATA_FOLDERS[_LABEXTENSION] in name for name in data),
    )


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        message = f"the package {name} is missing from this installation of Sandlot"
        raise ServerWheelError(message)
    return Path(spec.submodule_search_locations[0])


def _package_files(name: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in _walk(folder):
        relative = path.relative_to(folder)
        if relative.parts[0] not in _DATA_FOLDERS:
            yield f"{name}/{relative.as_posix()}", path.read_bytes()


def _data_files(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for source, target in _DATA_FOLDERS.items():
        for path in _walk(folder / source):
            relative = path.relative_to(folder / source).as_posix()
            yield f"{prefix}/{target}/{relative}", path.read_bytes()


def _walk(folder: Path) -> Iterable[Path]:
    """Return the files of a folder in a fixed order, without what Python leaves behind."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _metadata_files(
    distribution: importlib.metadata.Distribution, version: str, prefix: str
) -> Iterator[tuple[str, bytes]]:
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {DISTRIBUTION}",
        f"Version: {version}",
        "Summary: Sandlot in a user's server.",
        "Provides-Extra: server",
    ]
    for requirement in distribution.requires or ():
        extra = _EXTRA.search(requirement)
        if extra is None or extra["name"] == "server":
            metadata.append(f"Requires-Dist: {requirement}")
    yield f"{prefix}/METADATA", _lines(metadata)
    wheel = ["Wheel-Version: 1.0", f"Generator: {DISTRIBUTION}", "Root-Is-Purelib: true"]
    yield f"{prefix}/WHEEL", _lines([*wheel, "Tag: py3-none-any"])
    yield f"{prefix}/entry_points.txt", _lines(_entry_points(distribution))


def _entry_points(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """Yield the sections of those entry points whose module is in the wheel."""
    groups: dict[str, list[str]] = {}
    for point in distribution.entry_points:
        if point.value.partition(".")[0] in PACKAGES:
            groups.setdefault(point.group, []).append(f"{point.name} = {point.value}")
    for group, points in sorted(groups.items()):
        yield from (f"[{group}]", *sorted(points), "")


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _zip(files: Mapping[str, bytes], record: str) -> bytes:
    """Pack without compression (it is read once, from the same disk), with fixed times and modes."""
    rows = [f"{name},{_record_hash(content)},{len(content)}" for name, content in files.items()]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in [*files.items(), (record, _lines([*rows, f"{record},,"]))]:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _record_hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"
