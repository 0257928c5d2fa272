"""Whether two processes work from the same settings."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import SandlotSettings


def settings_hash(settings: SandlotSettings) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
    document = settings.model_dump(mode="json")
    canonical = json.dumps(document, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]
