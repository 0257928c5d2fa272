"""Servers as processes of this machine, started and kept by the embedded supervisor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port, url_path_join
from traitlets import Unicode, default
from typing_extensions import override

from sandlot_contracts.supervisor import StartServer
from sandlot_hub.adapters.server_answers import server_answers
from sandlot_hub.adapters.supervisor_client import SupervisorClient
from sandlot_hub.domain.capacity.machine import machine_facilities

from .availability import look_at_machine
from .exceptions import SpawnUnavailableError
from .machine import MACHINE_KEY, LocalMachine, as_trouble
from .mixin import SandlotSpawnerMixin
from .process import SERVER_EXITED, LocalProcess
from .session import allowed_environment

if TYPE_CHECKING:
    from sandlot_contracts.session import Isolation
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.choices.plan import Plan

    from .availability import Availability

LOOPBACK = "127.0.0.1"

_POLL_S = 3
"""Seconds between two looks whether a server still runs."""
_MARGIN = 15.0
"""Seconds that the hub waits longer than we do, so that our sentence is what people read."""
_EXPECTED = frozenset({"JPY_API_TOKEN"})
"""What the hub sets of itself and a server does not need: no reason for a warning."""


class SandlotLocalSpawner(SandlotSpawnerMixin, Spawner):
    """Starts servers through the supervisor of ``sandlot up``.

    The hub has no right to start processes as other users, and asks the supervisor over
    its socket. That is the parent of the servers and keeps them through a restart of the
    hub, which then finds them again by their spawn id.
    """

    supervisor_socket = Unicode(
        config=True,
        help="""
        Path of the unix socket of the supervisor that starts servers.

        `install` sets it when the hub runs under `sandlot up`. Without it no server can
        be started.
        """,
    )

    _process: LocalProcess | None = None

    _stopping = False
    """Whether the hub has asked for the end."""

    @default("poll_interval")
    def _default_poll_interval(self) -> int:
        # Until a look finds that a server has ended, its route leads to a port where
        # somebody else of this machine may listen. A look costs half a millisecond.
        return _POLL_S

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return int(self.required_settings.local.start_timeout + _MARGIN)

    @property
    def machine(self) -> LocalMachine:
        """The supervisor, shared by all servers of this hub."""
        return self.shared(
            MACHINE_KEY,
            lambda: LocalMachine(
                supervisor=SupervisorClient(self._socket_path()), monotonic=time.monotonic
            ),
        )

    def _socket_path(self) -> Path:
        if not self.supervisor_socket:
            message = (
                "This hub was not told where its supervisor is, so no server can be started. "
                "Next: an administrator starts the hub with “sandlot up”."
            )
            raise SpawnUnavailableError(message, code="supervisor-missing")
        return Path(self.supervisor_socket)

    # --- what can be started ---------------------------------------------------------

    @override
    async def facilities(self) -> Facilities:
        """Return what this machine can do, as of a moment ago."""
        return machine_facilities(await self.machine.facilities())

    @property
    @override
    def counted_at(self) -> float:
        """When the supervisor was asked what is free."""
        return self.machine.asked_at

    @override
    def isolation(self) -> Isolation:
        """Return whether servers have uids of their own here; the worse while that is unknown."""
        latest = self.machine.latest
        return "shared-uid" if latest is None else latest.isolation

    @override
    async def availability(self) -> Availability:
        """Return what the form shows, without asking the machine where a service tells of it."""
        return await look_at_machine(lambda: self.machine, self.feed)

    # --- the process -----------------------------------------------------------------

    async def start(self) -> tuple[str, int]:
        """Start the planned server and return where it listens.

        Raises
        ------
        SpawnFailed
            It ended by itself, or did not answer in time.
        SpawnUnavailableError
            The supervisor could not start it.
        """
        if self.plan is None:
            message = "Nothing was planned, so nothing was started: the options hook did not run."
            raise SpawnUnavailableError(message, code="plan-missing")
        plan = self.plan
        self._process = self._new_process()
        await self._process.start(
            lambda: self._request(plan),
            self._answers,
            name=plan.image.display_name,
            limit=self.required_settings.local.start_timeout,
        )
        return self.ip, self.port

    async def _answers(self) -> bool:
        path = str(url_path_join(self.server.base_url, "api"))
        return await server_answers(LOOPBACK, self.port, path)

    def _new_process(self) -> LocalProcess:
        return LocalProcess(
            supervisor=self.machine.supervisor, spawn_id=self.spawn_id, story=self.story
        )

    def _known_process(self) -> LocalProcess:
        if self._process is None:  # started by an earlier hub
            self._process = self._new_process()
        return self._process

    def _request(self, plan: Plan) -> StartServer:
        # The supervisor takes what it needs in answering the request, or refuses it.
        self.note_placed()
        self.ip, self.port = LOOPBACK, random_port()
        environment, left_out = allowed_environment(self.get_env())
        unexpected = sorted(set(left_out) - _EXPECTED)
        if unexpected:
            self.log.warning(
                "A local server only takes JUPYTERHUB_*, JUPYTER_* and SANDLOT_* variables. "
                "Not passed to the one of %r: %s",
                self._log_name,
                ", ".join(unexpected),
            )
        return StartServer(
            spawn_id=self.spawn_id,
            owner=self.user.name,
            server_name=self.name,
            image=plan.image_slug,
            size=plan.size_slug,
            settings_hash=self.settings_hash,
            environment=environment,
            port=self.port,
        )

    async def poll(self) -> int | None:
        """Return None while the server runs, else its exit code (0 when that is not known)."""
        if not self.spawn_id:
            return 0
        process = self._known_process()
        try:
            status = await process.exit_code()
        except SpawnUnavailableError as error:
            # Not knowing is no reason to take a server away from somebody who works in it.
            self.log.warning("Cannot look after the server of %r: %s", self._log_name, error)
            return None
        # A start that failed, and a stop, tell more than the process's end does.
        if status is not None and process.why_ended and not (self.story.failure or self._stopping):
            message = f"Your server has ended. {process.why_ended} Next: start it again."
            self.note_end(message, code=SERVER_EXITED)
        return status

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 (the hub's signature)
        """Stop the server and everything it started.

        Raises
        ------
        SpawnUnavailableError
            It could not be stopped.
        """
        self._stopping = True
        process = self._known_process()
        await process.stop(now=now, limit=self.required_settings.local.stop_grace + _MARGIN)

    async def get_url(self) -> str:
        """Return where the server listens.

        The hub asks after a restart: one that ended in the middle of a start has written
        down nothing but the spawn id.
        """
        try:
            port = await self._known_process().port()
        except SpawnUnavailableError:
            port = None  # an error would keep the hub from starting
        if port is None:
            return str(self.server.url)
        return str(url_path_join(f"http://{LOOPBACK}:{port}", self.server.base_url))

    async def delete_forever(self) -> None:
        """Keep the files of a deleted user, and log where they are."""
        if self.name:
            return  # a named server has no files of its own
        async with as_trouble():
            account = await self.machine.supervisor.account(self.user.name)
        if account is not None:
            self.log.info(
                "The files of the deleted user %r were kept in %s. Remove that folder to delete "
                "them too.",
                self.user.name,
                account.home,
            )

    # --- state -----------------------------------------------------------------------

    @override
    def clear_state(self) -> None:
        """Forget the server, and that the accelerators which it held are taken."""
        super().clear_state()
        if self._process is not None and (self.plan is None or self.plan.size.accelerator):
            self.machine.forget()
        self._process = None
        self._stopping = False
