"""A hub service as a part of the stack."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from sandlot_hub.adapters.service_config import ServiceConfig, write_service_config

from .processes import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.adapters.embedded import EmbeddedConfig

    from .health import Health
    from .processes import Guarded, Identity

_MARGIN_S = 2.0
"""How much longer than its own grace period a service may take to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """One service: its private file, its command, its health."""

    name: str
    folder: Path
    identity: Identity
    health: Health
    embedded: EmbeddedConfig
    ports: Mapping[str, int] = field(default_factory=dict)
    """Further ports that it is told, by name."""
    database: SecretStr | None = None
    """URL of its database, when it has one that is no file of its own."""
    port_held: bool = False
    """Whether the supervisor holds the port (`held_ports`)."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._config().port

    def write_files(self) -> None:
        """Tell the service what it needs, in a file that it alone can read."""
        write_service_config(
            self._file, self._config(), uid=self.identity.uid, gid=self.identity.gid
        )

    def command(self) -> Command:
        """Return how the service is started."""
        module = f"sandlot_hub.services.{self.name.replace('-', '_')}"
        return Command(
            argv=(sys.executable, "-P", "-m", module, "--config", str(self._file)),
            environment={
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            },
            directory=self.folder,
            identity=self.identity,
            grace_s=self._config().stop_grace + _MARGIN_S,
        )

    async def ready(self, guarded: Guarded) -> bool:
        """Return whether it answers."""
        if not self.health.listens(self.port, guarded, self.identity):
            return False
        config = self._config()
        return await self.health.answers(f"{config.url}{config.prefix}health")

    @property
    def _file(self) -> Path:
        return self.folder / "service.json"

    def _config(self) -> ServiceConfig:
        told = self.embedded.services[self.name]
        base_url = self.embedded.base_url
        return ServiceConfig(
            name=self.name,
            url=told.url,
            prefix=f"{base_url}services/{self.name}/",
            hub_api_url=f"http://127.0.0.1:{self.embedded.hub_port}{base_url}hub/api",
            hub_base_url=base_url,
            token=SecretStr(told.token),
            oauth_client_id=told.oauth_client_id,
            settings_file=self.embedded.settings_file,
            supervisor_socket=self.embedded.socket,
            public_url=self.embedded.public_url,
            folder=self.folder,
            database=self.database,
            ports=dict(self.ports),
            port_held=self.port_held,
        )
