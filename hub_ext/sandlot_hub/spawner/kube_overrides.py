"""Sets options of KubeSpawner for one start, and puts them back after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyterhub.utils import maybe_future
from tornado.web import HTTPError
from traitlets import TraitError

from sandlot_hub.domain.pods.outcomes import ASK
from sandlot_hub.domain.settings.kubespawner_override import (
    OVERRIDE_REFUSED,
    merged,
    override_problem,
)

from .exceptions import SpawnFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kubespawner import KubeSpawner
    from traitlets import HasTraits

    from sandlot_hub.domain.settings.model import SandlotSettings

_MESSAGE = (
    "Your server was not started, because what is set for this image or size cannot be used. "
    f"{ASK}: the hub's log has what it is."
)


class TraitOverrides:
    """The options of one spawner.

    Parameters
    ----------
    spawner
        Whose options are set.
    """

    def __init__(self, spawner: KubeSpawner) -> None:
        self._spawner = spawner
        self._before: dict[str, Any] = {}

    async def apply(
        self, place: str, override: Mapping[str, Any], *, resources: Collection[str]
    ) -> None:
        """Set options; mappings are merged into what they hold.

        Parameters
        ----------
        place
            Where it stands in the settings, for the log.
        override
            Values by name; a callable gets the spawner and returns the value, or what is
            awaited for it.
        resources
            Resource names of all accelerators.

        Raises
        ------
        SpawnFailed
            Something of it cannot be set.
        HTTPError
            As a callable raises it, to refuse the start.
        """
        for name, value in override.items():
            try:
                found = await maybe_future(value(self._spawner)) if callable(value) else value
                problem = override_problem(name, found, resources)
                if not problem:
                    self._set(name, found)
            except HTTPError:
                raise
            except Exception as error:
                # Code of an administrator may raise anything. It is no failure of the hub, and
                # users could otherwise end the hub by choosing this image often enough.
                self._spawner.log.exception("%s.%s cannot be used", place, name)
                raise SpawnFailed(_MESSAGE, code=OVERRIDE_REFUSED) from error
            if problem:
                self._spawner.log.error("%s: %s", place, problem)
                raise SpawnFailed(_MESSAGE, code=OVERRIDE_REFUSED)

    def undo(self) -> None:
        """Put all options back as they were."""
        for name, value in self._before.items():
            setattr(self._spawner, name, value)
        self._before.clear()

    def _set(self, name: str, value: Any) -> None:
        if not self._spawner.has_trait(name):
            message = f"KubeSpawner has no option {name!r}"
            raise TraitError(message)
        current = getattr(self._spawner, name)
        if isinstance(value, Mapping) and isinstance(current, Mapping):
            value = merged(current, value)
        setattr(self._spawner, name, value)
        self._before.setdefault(name, current)


def unknown_options(settings: SandlotSettings, spawner: type[HasTraits]) -> Iterator[str]:
    """Yield what the settings override and a spawner does not have, as dotted paths."""
    known = frozenset(spawner.class_trait_names())
    for section, entries in (("images", settings.images), ("sizes", settings.sizes)):
        for slug, entry in entries.items():
            for name in entry.kubespawner_override:
                if name not in known:
                    yield f"{section}.{slug}.kubespawner_override.{name}"
