"""What the handlers of one service share; built once, passed to each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .drain import Ending, InFlight

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_hub.adapters.service_config import ServiceConfig
    from sandlot_hub.adapters.settings_file import LoadedSettings
    from sandlot_hub.domain.values.ports import Clock

    from .auth import Authenticator, ServiceOAuth
    from .metrics import ServiceMetrics
    from .tickets import Tickets


def _always_healthy() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """The parts of a running service."""

    config: ServiceConfig
    settings: LoadedSettings
    clock: Clock
    metrics: ServiceMetrics
    oauth: ServiceOAuth
    authenticator: Authenticator
    tickets: Tickets
    healthy: Callable[[], bool] = _always_healthy
    """Whether everything that the service needs answered lately. Must not ask anybody."""
    in_flight: InFlight = field(default_factory=InFlight)
    ending: Ending = field(default_factory=Ending)
