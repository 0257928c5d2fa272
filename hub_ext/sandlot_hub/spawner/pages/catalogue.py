"""The catalogue as a user or the members of some groups meet it, for administrators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado.web import authenticated

from sandlot_hub.domain.offers.catalogue_view import view_catalogue
from sandlot_hub.domain.settings.access import named_groups
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.domain.values.names import quoted
from sandlot_hub.spawner.exceptions import SpawnUnavailableError

if TYPE_CHECKING:
    from sandlot_hub.domain.offers.catalogue_view import ViewedProfile
    from sandlot_hub.spawner.mixin import SandlotSpawnerMixin

CATALOGUE_PATH = "/sandlot/catalogue"

_NAMES_MAXIMUM = 500
"""Names that are suggested; others can be typed."""
_GROUPS_MAXIMUM = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """Whose view it is."""

    name: str
    """Empty for members of groups."""
    groups: tuple[str, ...]
    admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePage:
    """What the template ``catalogue.html`` gets as ``catalogue``."""

    users: tuple[str, ...]
    """Names to choose from, in their order; those that begin with ``prefix``, if that is given."""
    more_users: bool
    """Whether there are more than these."""
    groups: tuple[str, ...]
    """Groups of the hub and of the settings, in their order."""
    prefix: str = ""
    asked_user: str = ""
    asked_groups: tuple[str, ...] = ()
    problem: str = ""
    """Why there is nothing to see, one sentence; empty when there is."""
    viewed: Viewed | None = None
    profiles: tuple[ViewedProfile, ...] = ()
    known: bool = False
    """Whether what can be started is known."""
    as_of: str = ""
    """Since when: UTC, ISO 8601; empty when it is not known."""


class CatalogueHandler(BaseHandler):
    """``GET /hub/sandlot/catalogue?user=NAME`` or ``?group=NAME&group=…``: read-only."""

    @authenticated
    # The hub's own page for administrators asks for the first; the others, because this one
    # names people and tells their groups.
    @needs_scope("admin-ui")
    @needs_scope("list:users")
    @needs_scope("read:users:groups")
    @needs_scope("list:groups")
    async def get(self) -> None:
        """Answer with the page."""
        page = await self._view(self._picker())
        self.finish(await self.render_template("catalogue.html", catalogue=page))

    def _picker(self) -> CataloguePage:
        prefix = self.get_query_argument("prefix", "")
        query = self.db.query(orm.User.name).order_by(orm.User.name)
        if prefix:
            query = query.filter(orm.User.name.startswith(prefix, autoescape=True))
        users = [name for (name,) in query.limit(_NAMES_MAXIMUM + 1)]
        return CataloguePage(
            users=tuple(users[:_NAMES_MAXIMUM]),
            more_users=len(users) > _NAMES_MAXIMUM,
            groups=self._all_groups(),
            prefix=prefix,
            asked_user=self.get_query_argument("user", ""),
            asked_groups=tuple(dict.fromkeys(filter(None, self.get_query_arguments("group")))),
        )

    def _all_groups(self) -> tuple[str, ...]:
        named = named_groups(self._spawner.required_settings)
        query = self.db.query(orm.Group.name).order_by(orm.Group.name)
        return tuple(sorted(named | {name for (name,) in query.limit(_NAMES_MAXIMUM)}))

    @property
    def _spawner(self) -> SandlotSpawnerMixin:
        """The viewer's own, which knows what all spawners of this hub have in common."""
        spawner: SandlotSpawnerMixin = self.current_user.spawner
        return spawner

    async def _view(self, page: CataloguePage) -> CataloguePage:
        who = self._whose(page)
        if who is None or isinstance(who, str):
            return replace(page, problem=who or "")
        spawner = self._spawner
        try:
            seen = await spawner.availability()
        except SpawnUnavailableError as error:
            return replace(page, problem=error.jupyterhub_message)
        facilities = spawner.counted(seen.facilities, seen.counted_at)
        as_of = datetime.now(UTC) - timedelta(seconds=seen.age_s)
        return replace(
            page,
            viewed=Viewed(name=who.user, groups=tuple(sorted(who.groups)), admin=who.admin),
            profiles=view_catalogue(who, spawner.required_settings, facilities),
            # What was asked of the machine itself just now is known as well.
            known=seen.live or seen.age_s == 0,
            as_of=as_of.isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    def _whose(self, page: CataloguePage) -> Entitlements | str | None:
        """Return whose view was asked for, why there is none, or None when nobody's was."""
        if page.asked_user:
            user = self.find_user(page.asked_user)
            if user is None:
                return f"There is no user {quoted(page.asked_user)}."
            spawner: SandlotSpawnerMixin = user.spawner
            return spawner.entitlements()
        if not page.asked_groups:
            return None
        if len(page.asked_groups) > _GROUPS_MAXIMUM:
            return f"These are more than {_GROUPS_MAXIMUM} groups."
        for group in page.asked_groups:
            if group not in page.groups and orm.Group.find(self.db, group) is None:
                return f"There is no group {quoted(group)}, in the hub or in the settings."
        return Entitlements(user="", groups=frozenset(page.asked_groups))
