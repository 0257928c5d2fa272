"""Sandlot in the user's own server: what this server is, what it uses, what the hub offers.

A Jupyter server extension. It imports `sandlot_contracts` and nothing else of ours, and
never the hub. The hub may be down, slow or absent: everything here keeps working without
it, and what needs it says so.

Only what the server must know at its start is imported then; the wire types (pydantic)
come with the first request, so that the extension costs a start next to nothing.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell jupyter-server what to load. The name is Jupyter's."""
    # `sandlot doctor` passes through this package and needs no server.
    from .app import SandlotServerApp  # noqa: PLC0415

    return [{"module": "sandlot_server", "app": SandlotServerApp}]
