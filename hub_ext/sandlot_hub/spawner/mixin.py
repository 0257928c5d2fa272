"""What every Sandlot spawner does, wherever its servers run."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.orm import object_session
from traitlets import default

from sandlot_contracts.session import IMAGE_ENV, SESSION_ENV, Named, Session
from sandlot_hub.domain.offers.profiles import resolve_start
from sandlot_hub.domain.values.refusals import Refused

from . import hooks
from .chosen import chosen_names
from .exceptions import SpawnRefused, SpawnUnavailableError
from .oauth_clients import take_own_client
from .progress import LOCAL_STEPS, StartStory
from .session import session_size
from .shown_steps import shown_steps
from .spawn_form import SpawnForm
from .stored_options import UserOptions, keep_options_storable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Mapping

    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.choices.plan import Plan

    from .progress import KnownStep
    from .shown_steps import ShownStep

STATE_KEY = "sandlot"
"""Where a server's stored state holds what is ours."""


class ServerEnd(NamedTuple):
    """Why a server that was ready has ended."""

    code: str
    message: str
    """What is, why, and what to do next, as plain text."""


class SandlotSpawnerMixin(SpawnForm):
    """Options, plan, form, session and progress of a start.

    Stands before the hub's spawner class in the list of bases. A subclass says what can
    be started (`facilities`) and what keeps its servers apart (`isolation`).
    """

    user_options = UserOptions(
        help="What was asked for, of any shape. What was allowed is the plan."
    )

    plan: Plan | None = None
    """What this start starts. Set by the options hook, before anything is created."""

    ended: ServerEnd | None = None
    """Why the last server has ended, when nobody of the hub asked for that; None after a start."""

    spawn_id: str = ""
    """Unique for every start of every server; empty while there is none."""

    _planned_with: Facilities | None = None

    def __init__(self, **kwargs: Any) -> None:
        keep_options_storable()
        self.story = StartStory(monotonic=time.monotonic)
        super().__init__(**kwargs)
        take_own_client(self)

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        return hooks.apply_user_options

    @default("options_form")
    def _default_options_form(self) -> Any:
        # The hub's pages ask whether there is a form by looking at this trait.
        return hooks.render_options_form

    # --- options ---------------------------------------------------------------------

    async def plan_start(self, requested: object) -> None:
        """Set `plan`, or refuse; see `hooks.apply_user_options`."""
        self.release_start()
        self.plan = None
        self.story.begin()
        try:
            # Between the count of the places and the plan that takes one, nothing may wait.
            found = await self.facilities()
            facilities = self.counted(found, self.counted_at)
        except SpawnUnavailableError as error:
            self.story.fail(error)
            raise
        decision = resolve_start(
            None if self._is_last_choice(requested) else requested,
            self.last_options,
            entitlements=self.entitlements(),
            settings=self.required_settings,
            facilities=facilities,
        )
        if isinstance(decision, Refused):
            raise self._take_back(requested, decision)
        self._keep(decision, facilities)

    def _is_last_choice(self, requested: object) -> bool:
        # A start without options comes with the stored ones, as the very object that the
        # database gave; options that somebody sent are stored as a copy (`storable`). So
        # it can be told whether a last choice that is gone was asked for, which is
        # refused, or would only have been repeated, which gives way to the default.
        stored = self.orm_spawner.user_options
        return requested is stored and requested == self.last_options

    def _take_back(self, requested: object, decision: Refused) -> SpawnRefused:
        """Put the stored options back to the last that resolved, and return what to raise."""
        self.refused_options, self.refusal = requested, decision
        refused = SpawnRefused(decision)
        self.story.fail(refused)
        self.user_options = self.orm_spawner.user_options = dict(self.last_options or {})
        database = object_session(self.orm_spawner)
        if database is not None:
            database.commit()
        return refused

    def _keep(self, plan: Plan, facilities: Facilities) -> None:
        self.plan = plan
        self.places.begin(self._place, plan.size_slug)
        self.spawn_id = uuid.uuid4().hex
        self.ended = None
        self.last_options = plan.options
        self.user_options = self.orm_spawner.user_options = plan.options
        # The hub commits before it lets `start` run: one that is killed during the start
        # has the spawn id by which the next one finds the server.
        self.orm_spawner.state = self.get_state()
        self.refused_options = self.refusal = None
        self._planned_with = facilities
        for sentence in plan.redirected:
            self.story.tell("allowed", sentence)
        allowed = f"Allowed: {plan.image.display_name}, {plan.size.display_name}."
        self.story.tell("allowed", allowed, done=True)

    # --- the running server ----------------------------------------------------------

    @property
    def choice_title(self) -> str:
        """The last choice as people read it; empty when nothing was started yet."""
        return chosen_names(self.last_options, self.required_settings).title

    @property
    def started_at(self) -> str:
        """When the server was started, UTC, ISO 8601; empty while there is none."""
        started = self.orm_spawner.started
        return "" if started is None else f"{started.isoformat(timespec='seconds')}Z"

    def get_env(self) -> dict[str, str]:
        """Return the server's environment, with what Sandlot tells it about itself."""
        env: dict[str, str] = super().get_env()
        if self.plan is not None and self._planned_with is not None:
            session = self._session(self.plan, self._planned_with)
            env[SESSION_ENV] = session.model_dump_json()
            env[IMAGE_ENV] = session.image.slug
        return env

    def _session(self, plan: Plan, facilities: Facilities) -> Session:
        # No secrets: whoever can run code in the server can read it.
        return Session(
            owner=plan.owner,
            server_name=self.name,
            spawn_id=self.spawn_id,
            profile=Named(slug=plan.profile_slug, display_name=plan.profile.display_name),
            image=Named(slug=plan.image_slug, display_name=plan.image.display_name),
            image_version=plan.image.version,
            size=session_size(plan, facilities),
            isolation=self.isolation(),
            settings_hash=self.settings_hash,
        )

    @property
    def known_steps(self) -> tuple[KnownStep, ...]:
        """The steps of a start, in their order, as the progress page has a line for each."""
        return LOCAL_STEPS

    def shown_steps(self, *, failed: bool = False) -> list[ShownStep]:
        """Return how the steps stand, as pages draw them."""
        return shown_steps(self.known_steps, self.story.told, failed=failed)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what happens in this start, from its beginning."""
        async for event in self.story.events():
            yield event

    def note_placed(self) -> None:
        """Note that the server was handed over to what runs it, which counts it from now on."""
        self.places.placed(self._place, self.clock.monotonic())

    def note_end(self, message: str, *, code: str) -> None:
        """Keep why the server has ended, for the pages and the log.

        Parameters
        ----------
        message
            What is, why, and what to do next, as plain text.
        code
            Stable code.
        """
        self.ended = ServerEnd(code, message)
        self.log.warning("The server of %s has ended (%s): %s", self._log_name, code, message)

    # --- state -----------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return what survives a restart of the hub."""
        state: dict[str, Any] = super().get_state()
        state[STATE_KEY] = {"spawn_id": self.spawn_id, "last_options": self.last_options}
        if self.ended is not None:
            state[STATE_KEY]["ended"] = self.ended._asdict()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` returned."""
        super().load_state(state)
        ours = state.get(STATE_KEY, {})
        self.spawn_id = ours.get("spawn_id", "")
        self.last_options = ours.get("last_options")
        self.ended = read_end(state)
        if self.spawn_id and self.last_options and self.orm_spawner.server is not None:
            # It ran when the hub ended. The hub looks after it next, and forgets what is gone.
            self.places.take(self._place, self.last_options["size"])

    def clear_state(self) -> None:
        """Forget the server. The last options stay: the next start goes back to them."""
        super().clear_state()
        self.spawn_id = ""
        self.places.release(self._place)

    @property
    def _place(self) -> Hashable:
        # Unlike its name, the number of a server never changes.
        number: Hashable = self.orm_spawner.id
        return number


def read_end(state: Mapping[str, Any] | None) -> ServerEnd | None:
    """Return why a server has ended, from its stored state; None when there is nothing to tell."""
    stored = ((state or {}).get(STATE_KEY) or {}).get("ended")
    return None if stored is None else ServerEnd(**stored)
