"""The events that this server sends to its pages: one schema file each, and how to send it.

Payloads are wire types; a test compares each schema with its type.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from sandlot_contracts.clusters import ClustersChanged
    from sandlot_contracts.session import Usage

CLUSTERS = "urn:sandlot:event:clusters:v1"
USAGE = "urn:sandlot:event:usage:v1"

_FOLDER = Path(__file__).parent
SCHEMAS = (_FOLDER / "clusters-v1.yaml", _FOLDER / "usage-v1.yaml")


def register(events: EventLogger) -> None:
    """Make our events known. A page that subscribes later than this hears them."""
    for schema in SCHEMAS:
        events.register_event_schema(schema)


def emit_usage(events: EventLogger, usage: Usage) -> None:
    """Tell all open pages of this server what its processes use."""
    events.emit(schema_id=USAGE, data=usage.model_dump(mode="json"))


def emit_clusters(events: EventLogger, change: ClustersChanged) -> None:
    """Tell all open pages of this server that the list of clusters is another one."""
    events.emit(schema_id=CLUSTERS, data=change.model_dump(mode="json"))
