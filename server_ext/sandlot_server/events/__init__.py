"""The events that this server sends to its pages: one schema file each, and how to send it.

Payloads are wire types; a test compares each schema with its type.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from sandlot_contracts.session import Usage

USAGE = "urn:sandlot:event:usage:v1"

SCHEMAS = (Path(__file__).parent / "usage-v1.yaml",)


def register(events: EventLogger) -> None:
    """Make our events known. A page that subscribes later than this hears them."""
    for schema in SCHEMAS:
        events.register_event_schema(schema)


def emit_usage(events: EventLogger, usage: Usage) -> None:
    """Tell all open pages of this server what its processes use."""
    events.emit(schema_id=USAGE, data=usage.model_dump(mode="json"))
