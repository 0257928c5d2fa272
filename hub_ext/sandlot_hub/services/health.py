"""``GET /health``: whether the service works, and which settings it works from."""

from __future__ import annotations

from importlib.metadata import version

from typing_extensions import override

from sandlot_contracts.health import Health

from .handlers import ServiceHandler


class HealthHandler(ServiceHandler):
    """Open: the supervisor and `sandlot check` ask it, and neither has a token for it."""

    @override
    async def get(self) -> None:
        """Answer from what is known; asking others would make their delay ours."""
        self.write_model(
            Health(
                status="ok" if self.context.healthy() else "degraded",
                service=self.context.config.name,
                version=version("sandlot"),
                settings_hash=self.context.settings.hash,
            )
        )
