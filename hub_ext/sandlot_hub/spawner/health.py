"""Which settings the hub works from, for `sandlot check` and for monitoring."""

from __future__ import annotations

from importlib.metadata import version

from jupyterhub.handlers.base import BaseHandler

from sandlot_contracts.health import Health

HEALTH_PATH = "/sandlot/health"
"""Below the hub's prefix. The hub's own ``/hub/health`` belongs to JupyterHub."""


class HubHealthHandler(BaseHandler):
    """``GET /hub/sandlot/health``: open to everybody, tells nothing about anybody.

    Parameters
    ----------
    settings_hash
        Hash of the settings that the hub has loaded.
    """

    def initialize(self, settings_hash: str) -> None:
        """Take what `install` registered the handler with."""
        self._settings_hash = settings_hash

    def get(self) -> None:
        """Answer with a `Health`."""
        health = Health(
            status="ok",
            service="hub",
            version=version("sandlot"),
            settings_hash=self._settings_hash,
        )
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(health.model_dump_json())
