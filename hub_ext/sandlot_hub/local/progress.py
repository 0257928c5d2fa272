"""What `sandlot up` says on the terminal while it starts, and when it is ready."""

from __future__ import annotations

import contextlib
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandlot_contracts.session import Isolation
    from sandlot_contracts.supervisor import LocalImage

log = logging.getLogger(__name__)

SHARED_UID = (
    "Not started as root: ALL ACCOUNTS SHARE ONE USER ID of this machine, so that every user can "
    "read and change the files of all others, and the hub's. Let in only people whom all "
    "trust. Started as root, Sandlot gives each user an own uid."
)
OWN_UID = "Started as root: every user has an own user id, home and processes."
_STEP = 0.25
"""How far a build goes on until that is said again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What an operator needs to know when the login page answers."""

    url: str
    public_url: str | None
    port: int
    admin: str
    password: str | None
    """Only at the first start."""
    password_file: str
    isolation: Isolation


class Progress:
    """Prints one line for every step, with the time since the start.

    Parameters
    ----------
    clock
        Seconds that never go back.
    stream
        Where to print.
    """

    def __init__(self, *, clock: Callable[[], float], stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = sys.stdout if stream is None else stream
        self._started = clock()
        self._images: dict[str, tuple[str, int]] = {}

    def step(self, sentence: str) -> None:
        """Say what happens now, on the terminal and in the supervisor's log."""
        log.info(sentence)
        self._print(f"[{self._clock() - self._started:5.1f} s] {sentence}")

    def quote(self, lines: Sequence[str]) -> None:
        """Show the end of a log."""
        for line in lines:
            self._print(f"    {line}")

    def fail(self, sentence: str) -> None:
        """Say why Sandlot does not start; it is what a script finds on standard error."""
        log.error(sentence)
        with contextlib.suppress(OSError):
            print(f"sandlot up: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 (the terminal)

    def ready(self, found: Ready, *, display: bool) -> None:
        """Say that people can log in, where and how."""
        self.step("The login page answers.")
        self._print("")
        for line in ready_lines(found, display=display):
            self._print(f"  {line}")
        self._print("")

    def images(self, states: Mapping[str, LocalImage]) -> None:
        """Say what has changed about the images since the last call."""
        for slug, image in states.items():
            now = (image.state, int(image.progress / _STEP) if image.state == "building" else 0)
            if self._images.get(slug) == now:
                continue
            self._images[slug] = now
            self.step(image_line(slug, image))

    def _print(self, line: str) -> None:
        # When nobody reads any more (the terminal was closed) the stack goes on.
        with contextlib.suppress(OSError):
            print(line, file=self._stream, flush=True)


def ready_lines(found: Ready, *, display: bool) -> list[str]:
    """Return what is said when the login page answers."""
    lines = [f"Sandlot is ready: {found.url}"]
    if found.public_url is not None:
        lines.append(f"People reach it at {found.public_url}")
    if found.password is None:
        lines.append(f"Log in as {found.admin}; the password is in {found.password_file}.")
    else:
        lines += [
            f"Log in as {found.admin} with the password {found.password}",
            f"(also in {found.password_file}; it is not printed again).",
        ]
    if not display:
        path = urlsplit(found.url).path
        lines += [
            "From another computer, first run there:",
            f"  ssh -L {found.port}:127.0.0.1:{found.port} USER@THIS-MACHINE",
            f"and then open http://127.0.0.1:{found.port}{path}",
        ]
    lines.append(OWN_UID if found.isolation == "own-uid" else f"WARNING. {SHARED_UID}")
    lines.append("`sandlot user add NAME` lets others in; Ctrl-C stops everything.")
    return lines


def image_line(slug: str, image: LocalImage) -> str:
    """Return one line about one image."""
    match image.state:
        case "ready":
            return f"Image {slug}: ready."
        case "building":
            return f"Image {slug}: {image.progress:.0%} built. {image.detail}".rstrip()
        case _:
            return f"Image {slug}: {image.state}. {image.detail}".rstrip()


def has_display(environment: Mapping[str, str]) -> bool:
    """Return whether a browser can be opened beside the terminal."""
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in environment
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
