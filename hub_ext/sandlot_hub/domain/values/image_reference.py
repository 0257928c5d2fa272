"""References of container images, taken apart.

The grammar is that of the OCI distribution specification and of the container
runtimes::

    reference  = [registry "/"] repository [":" tag] ["@" digest]
    registry   = host [":" port]
    repository = part *("/" part)

What is left out is filled in as the runtimes do it, so that what is compared is
what is run: the registry is ``docker.io`` unless the first part has a dot, a colon
or is ``localhost``; there a repository of one part is below ``library/``; without
tag and digest the tag is ``latest``.

Narrower than the grammar, on purpose: host names are compared in lower case, digests
are ``sha256`` or ``sha512``, and registries are named, never IPv6 addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from typing_extensions import override

MAXIMUM = 255
"""Length of the longest reference, in characters."""

_ALLOWED = re.compile(r"[A-Za-z0-9._:/@-]*")
_HOST = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PORT_MAXIMUM = 65_535
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_DOCKER = "docker.io"
_DOCKER_NAMES = frozenset({_DOCKER, "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """A reference with nothing left out."""

    registry: str
    """Host, with the port if there is one; in lower case."""
    repository: str
    """Path, without slashes around it."""
    tag: str | None
    """None only if there is a digest."""
    digest: str | None
    """Algorithm and value; it decides what is run, whatever the tag says."""

    @override
    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.registry}/{self.repository}{tag}{digest}"


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a text is no reference: one sentence, which repeats nothing of the text."""

    reason: str


def parse_reference(text: str) -> ImageReference | Malformed:
    """Return the parts of a reference, or what is wrong with it. It never raises.

    The text of a result is read as the same result again.
    """
    problem = _first_look(text)
    if problem is not None:
        return Malformed(problem)
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return Malformed(
            "After the @ goes a digest: sha256 or sha512, a colon, and all its digits."
        )
    name, tag = _split_tag(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        return Malformed(
            "After the last colon goes a tag: letters, digits and . _ - up to 128 of them."
        )
    registry, repository = _split_registry(name)
    if not _is_registry(registry):
        return Malformed("Its registry is not a host name, with or without a port.")
    if not all(_PART.fullmatch(part) for part in repository.split("/")):
        return Malformed(
            "Its repository has parts that are empty or have other characters than lower-case "
            "letters, digits and single . _ - between them."
        )
    found = ImageReference(
        registry=registry,
        repository=repository,
        tag="latest" if tag is None and not at else tag,
        digest=digest if at else None,
    )
    return Malformed(_TOO_LONG) if len(str(found)) > MAXIMUM else found


_TOO_LONG = f"It is longer than {MAXIMUM} characters, with what is left out filled in."


def _first_look(text: str) -> str | None:
    if not text:
        return "It is empty."
    if len(text) > MAXIMUM:
        return _TOO_LONG
    if "://" in text:
        return "Leave out :// and what is before it."
    if not _ALLOWED.fullmatch(text):
        return "Only letters, digits and the characters . _ - : / @ can stand in it."
    return None


def _split_tag(rest: str) -> tuple[str, str | None]:
    name, colon, tag = rest.rpartition(":")
    # A colon before a slash is that of a port.
    return (name, tag) if colon and "/" not in tag else (rest, None)


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first):
        registry, repository = _DOCKER, name
    else:
        registry, repository = first.lower(), rest
    if registry not in _DOCKER_NAMES:
        return registry, repository
    return _DOCKER, repository if "/" in repository else f"library/{repository}"


def _is_registry(registry: str) -> bool:
    host, colon, port = registry.partition(":")
    is_port = not colon or (_PORT.fullmatch(port) is not None and int(port) <= _PORT_MAXIMUM)
    return is_port and _HOST.fullmatch(host) is not None
