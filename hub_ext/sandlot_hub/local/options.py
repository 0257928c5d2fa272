"""What an operator asks of `sandlot up`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """The options, parsed; paths are absolute."""

    data_dir: Path
    config: Path | None = None
    """The hub's configuration file; one that only calls `install` when not given."""
    settings: Path | None = None
    """Wins over the settings that the configuration names."""
    port: int | None = None
    """Where people reach the hub; the one of the last time when not given."""
    base_url: str = "/"
    """Begins and ends with a slash."""
    public_url: str | None = None
    """How people reach the hub when a reverse proxy stands in front."""
    admin: str = "admin"
    """Name of the first administrator."""


def parse_base_url(text: str) -> str:
    """Return a path that begins and ends with a slash.

    Raises
    ------
    ValueError
        If it is more than a path.
    """
    path = f"/{text.strip('/')}/" if text.strip("/") else "/"
    if "//" in path or any(character in path for character in "?#%\\ ") or not path.isascii():
        message = f"{text!r} is not a path such as /hub/"
        raise ValueError(message)
    return path


def parse_public_url(text: str) -> str:
    """Return an absolute URL of http or https that ends with a slash.

    Raises
    ------
    ValueError
        If it is none, or has a query or fragment.
    """
    scheme, separator, rest = text.partition("://")
    host = rest.partition("/")[0]
    if scheme not in ("http", "https") or not separator or not host or set(text) & set("?#\\ "):
        message = f"{text!r} is not a URL such as https://hub.example.org/"
        raise ValueError(message)
    return text if text.endswith("/") else f"{text}/"
