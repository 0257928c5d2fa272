"""Expected documents in files, refreshed with ``pytest --update-golden`` and read in the diff."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Golden:
    """The golden files of one folder."""

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder = folder
        self._update = update

    def check(self, name: str, document: Any) -> None:
        """Compare a document with its file, or write the file when that was asked for."""
        path = self._folder / f"{name}.json"
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if self._update:
            self._folder.mkdir(exist_ok=True)
            path.write_text(text)
        expected = path.read_text() if path.exists() else ""
        assert text == expected, f"{path} differs; if that is right: pytest --update-golden"
