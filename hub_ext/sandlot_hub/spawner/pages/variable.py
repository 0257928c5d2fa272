"""What the templates of the hub's pages get as ``sandlot``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jupyterhub.user import User

from sandlot_hub.domain.values.names import printable
from sandlot_hub.spawner.addresses import ServerAddresses
from sandlot_hub.spawner.chosen import chosen_names
from sandlot_hub.spawner.mixin import STATE_KEY, SandlotSpawnerMixin, read_end
from sandlot_hub.spawner.page_files import page_files

from .catalogue import CATALOGUE_PATH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from sandlot_hub.spawner.mixin import ServerEnd

VARIABLE = "sandlot"
SERVICE_INFO = "sandlot"
"""Key in the ``info`` of a service of ours; below it ``title`` and ``description``."""

ServerState = Literal["running", "starting", "stopping", "stopped", "failed"]

_PENDING: Mapping[str | None, ServerState] = {
    "spawn": "starting",
    "stop": "stopping",
    "check": "running",  # the hub has just started, and looks whether it still is
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeServer:
    """One server of a user, running or not."""

    name: str
    """Empty for the default server."""
    title: str
    state: ServerState
    profile: str
    image: str
    size: str
    choice: str
    """The three in one line; all are empty when it was never started."""
    started: str
    """UTC, ISO 8601; empty while there is none."""
    last_activity: str
    """UTC, ISO 8601; empty when there was none."""
    failure: str
    """Why the last start failed or the last server ended; empty when nothing is to be told."""
    failure_code: str
    """The stable code of that."""
    url: str
    """Where it opens."""
    pending_url: str
    """Where its start is shown."""
    spawn_url: str
    """Where it is started."""
    again_url: str
    """What starts the last choice at once; `spawn_url` when there is none."""
    api_url: str
    """Where REST clients start and stop it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLink:
    """A service of ours."""

    name: str
    title: str
    description: str
    url: str


class SandlotVariable:
    """Made for every page of the hub; finds out nothing before a template asks.

    Parameters
    ----------
    user
        Who looks at the page; None before the login, where there are no servers and the
        addresses are relative to the hub's prefix.
    """

    def __init__(self, user: object) -> None:
        self._user = user if isinstance(user, User) else None
        self._hub = "" if self._user is None else str(self._user.settings["hub"].base_url)

    @property
    def static_url(self) -> str:
        """Folder of the pages' modules and styles, without a slash at its end."""
        return page_files().url(self._hub)

    @property
    def catalogue_url(self) -> str:
        """The page for administrators."""
        return f"{self._hub}{CATALOGUE_PATH.lstrip('/')}"

    @property
    def servers(self) -> tuple[HomeServer, ...]:
        """The user's servers, the default one first."""
        user = self._user
        if user is None:
            return ()
        # Made if it is not there: the page always has the default server.
        default = user.spawner
        named = user.all_spawners(include_default=False)
        return tuple(self._server(user, each) for each in (default, *named))

    def ended(self, user: User, server_name: str) -> ServerEnd | None:
        """Return why a server of somebody has ended; None when there is nothing to tell."""
        stored = user.orm_spawners.get(server_name)
        return None if stored is None else read_end(stored.state)

    def services(self, expanded_scopes: Collection[str]) -> tuple[ServiceLink, ...]:
        """Return the services of ours that somebody with these scopes may open."""
        return () if self._user is None else tuple(_services(self._user, expanded_scopes))

    def _server(self, user: User, entry: Any) -> HomeServer:
        # The hub has a spawner for what runs or ran lately, else the line of its database.
        spawner = entry if isinstance(entry, SandlotSpawnerMixin) else None
        stored = entry if spawner is None else spawner.orm_spawner
        options = _last_options(stored.state) if spawner is None else spawner.last_options
        names = chosen_names(options, user.spawner.required_settings)
        addresses = ServerAddresses(hub=self._hub, user=user.name, server_name=stored.name)
        failure, code = _failure(spawner, stored)
        return HomeServer(
            name=stored.name,
            title=printable(stored.display_name or stored.name or "Default server"),
            state="stopped" if spawner is None else _state(spawner),
            profile=names.profile,
            image=names.image,
            size=names.size,
            choice=names.title,
            started=_moment(stored.started),
            last_activity=_moment(stored.last_activity),
            failure=failure,
            failure_code=code,
            url=user.server_url(stored.name),
            pending_url=addresses.pending,
            spawn_url=addresses.spawn,
            again_url=addresses.start(options) if options else addresses.spawn,
            api_url=addresses.api,
        )


def _state(spawner: SandlotSpawnerMixin) -> ServerState:
    if spawner.pending in _PENDING:
        return _PENDING[spawner.pending]
    if spawner.ready:
        return "running"
    return "failed" if spawner.story.failure else "stopped"


def _failure(spawner: SandlotSpawnerMixin | None, stored: Any) -> tuple[str, str]:
    """Return why the last start failed or the last server ended, and the code of that."""
    if spawner is not None and spawner.active:
        return "", ""
    if spawner is not None and spawner.story.failure:
        return spawner.story.failure, spawner.story.told[-1].get("code", "")
    end = read_end(stored.state)
    return ("", "") if end is None else (end.message, end.code)


def _last_options(state: Mapping[str, Any] | None) -> dict[str, str] | None:
    options: dict[str, str] | None = ((state or {}).get(STATE_KEY) or {}).get("last_options")
    return options


def _moment(moment: datetime | None) -> str:
    # The hub stores UTC, and does not say so.
    return "" if moment is None else f"{moment.isoformat(timespec='seconds')}Z"


def _services(user: User, scopes: Collection[str]) -> Iterator[ServiceLink]:
    for service in user.settings.get("services", {}).values():
        told = service.info.get(SERVICE_INFO)
        allowed = {"access:services", f"access:services!service={service.name}"}
        if told is None or not service.url or allowed.isdisjoint(scopes):
            continue
        yield ServiceLink(
            name=service.name,
            title=told.get("title") or service.name,
            description=told.get("description", ""),
            # Not `href`, which leaves the port of `subdomain_host` out.
            url=f"{service.host}{service.prefix}",
        )
