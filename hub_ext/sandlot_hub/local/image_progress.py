"""How far a build is, read from what uv writes."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .logs import Sink

_DOWNLOADING = re.compile(
    r"Downloading (?P<name>\S+) \((?P<size>\d+(?:\.\d+)?)(?P<unit>[KMGT]i)?B\)"
)
_DOWNLOADED = re.compile(r" ?Downloaded (?P<name>\S+)")
_UNITS = {None: 1.0, "Ki": 1024.0, "Mi": 1024.0**2, "Gi": 1024.0**3, "Ti": 1024.0**4}
_STAGES = (
    # What uv writes, the fraction that is done then, and what it does next.
    (re.compile(r"Resolved \d+ package"), 0.05, "Getting the packages."),
    (re.compile(r"Prepared \d+ package"), 0.55, "Installing the packages."),
    (re.compile(r"Installed \d+ package"), 0.65, "Preparing the packages for fast starts."),
    (re.compile(r"Bytecode compiled \d+ file"), 0.95, "Checking the environment."),
)
_DOWNLOAD_FROM, _DOWNLOAD_SHARE = 0.05, 0.5
_LINE_LIMIT = 2000
_KEPT_LINES = 8
_REASON_LIMIT = 400
_CREDENTIALS = re.compile(r"://[^/\s@]+@")


class BuildProgress:
    """A fraction and a sentence. Lines that it does not know change nothing."""

    def __init__(self) -> None:
        self.fraction = 0.0
        """From 0 to 1; it never goes back."""
        self.sentence = "Making the environment."
        self._sizes: dict[str, float] = {}
        self._done: set[str] = set()

    def feed(self, line: str) -> None:
        """Take one line of uv's output."""
        if match := _DOWNLOADING.match(line):
            self._sizes[match["name"]] = float(match["size"]) * _UNITS[match["unit"]]
            self._count_downloads()
        elif match := _DOWNLOADED.match(line):
            self._done.add(match["name"])
            self._count_downloads()
        for pattern, fraction, sentence in _STAGES:
            if pattern.match(line):
                self._advance(fraction, sentence)

    def _count_downloads(self) -> None:
        total = sum(self._sizes.values())
        got = sum(size for name, size in self._sizes.items() if name in self._done)
        if not total:
            return
        mebibyte = _UNITS["Mi"]
        sentence = f"Getting the packages: {got / mebibyte:.0f} of {total / mebibyte:.0f} MiB."
        self._advance(_DOWNLOAD_FROM + _DOWNLOAD_SHARE * got / total, sentence)

    def _advance(self, fraction: float, sentence: str) -> None:
        self.fraction = max(self.fraction, fraction)
        self.sentence = sentence


class BuildOutput:
    """Takes what the steps of one build write: for the log, the progress and the reason."""

    def __init__(self, *, log: Sink) -> None:
        self.progress = BuildProgress()
        self._log = log
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._rest = b""

    def write(self, chunk: bytes) -> None:
        """Take one piece, which may end in the middle of a line."""
        self._log.write(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[:_LINE_LIMIT]
        for line in lines:
            self._take(line)

    def reason(self) -> str:
        """Return the last lines as one text, without credentials, for people."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""
        text = " ".join(line.strip() for line in self._lines)
        text = _CREDENTIALS.sub("://", text)
        return text if len(text) <= _REASON_LIMIT else f"… {text[-_REASON_LIMIT:]}"

    def _take(self, raw: bytes) -> None:
        line = raw[:_LINE_LIMIT].decode(errors="replace").rstrip()
        if line:
            self.progress.feed(line)
            self._lines.append(line)
