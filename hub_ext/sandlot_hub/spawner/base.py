"""Sandlot's options as a spawner has them: the settings and their fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sandlot_hub.domain.settings.fingerprint import settings_hash

from .exceptions import SpawnUnavailableError
from .traits import Sandlot

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyterhub.spawner import Spawner

    from sandlot_hub.domain.settings.model import SandlotSettings

    class _Base(Sandlot, Spawner):
        """For type checkers a mixin is a spawner, so that `super()` knows the hub's methods."""

else:
    _Base = Sandlot

_HASH_KEY = "sandlot_settings_hash"

ValueT = TypeVar("ValueT")


class SandlotBase(_Base):
    """What the parts of the mixin share."""

    def shared(self, key: str, build: Callable[[], ValueT]) -> ValueT:
        """Return what all spawners of this hub have in common, made when it is first asked for.

        It is kept in the hub's own settings, so that two hubs in one process share nothing.
        """
        settings: dict[str, Any] = self.user.settings
        if key not in settings:
            settings[key] = build()
        value: ValueT = settings[key]
        return value

    @property
    def required_settings(self) -> SandlotSettings:
        """The settings.

        Raises
        ------
        SpawnUnavailableError
            There are none.
        """
        settings = self.settings
        if settings is None:
            message = (
                "Sandlot has no settings, so no server can be started. Next: an administrator "
                "calls install(c, …) in jupyterhub_config.py and restarts the hub."
            )
            raise SpawnUnavailableError(message, code="settings-missing")
        return settings

    @property
    def settings_hash(self) -> str:
        """Fingerprint of the settings, computed once for all servers of this hub."""
        return self.shared(_HASH_KEY, lambda: settings_hash(self.required_settings))
