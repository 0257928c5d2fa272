"""The stack: proxy, services, hub and users' servers, as one thing that starts and stops."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from sandlot_contracts.supervisor import Account, LocalFacilities, StackStatus
from sandlot_hub.adapters.files import replace_file
from sandlot_hub.adapters.settings_file import write_resolved

from .dask_database import dask_database
from .foundation import HUB
from .health import Health
from .hub import DEFAULT_CONFIG, HubSettingsError, prepare_database, read_settings
from .layout import DASK_GATEWAY, DASK_PROXY, wanted_services
from .logs import RotatingLog
from .parts import Part, PartDiedError, PartRuntime
from .plans import embedded_config, hub_plan, hub_setup, proxy_plan, service_plans
from .port_watch import PortWatch
from .refusals import RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandlot_contracts.supervisor import LocalImage
    from sandlot_hub.adapters.settings_file import LoadedSettings

    from .dask import DaskProcesses
    from .facility_news import FacilityNews
    from .foundation import Foundation
    from .gpu_leases import GpuLeases
    from .parts import Plan
    from .servers import Servers
    from .stack_images import StackImages

PROXY = "proxy"
_LOOK_S = 0.05
_RESTART_S = 100.0
_FRESH_S = 1.0
"""How long an answer waits for the drivers of GPUs, when nobody has asked for a while."""


class Stack:
    """Runs the parts. What the operator asks for over the socket ends here.

    Parameters
    ----------
    foundation
        What it stands on.
    servers
        Users' servers.
    dask
        Users' Dask clusters.
    images
        Their environments.
    leases
        Who has which GPU.
    news
        Lets others wait for changes of what this machine can do.
    say
        Takes sentences for the operator.
    stop
        Begins to end everything.
    """

    def __init__(  # noqa: PLR0913 (what it works with, injected)
        self,
        *,
        foundation: Foundation,
        servers: Servers,
        dask: DaskProcesses,
        images: StackImages,
        leases: GpuLeases,
        news: FacilityNews,
        say: Callable[[str], None],
        stop: Callable[[], None],
    ) -> None:
        self._foundation = foundation
        self._servers = servers
        self._dask = dask
        self._images = images
        self._leases = leases
        self._news = news
        self._say = say
        self.stop = stop
        self._health = Health(own_uids=foundation.own_uids)
        self._setup = hub_setup(foundation)
        self._loaded: LoadedSettings | None = None
        self._parts: dict[str, Part] = {}
        self._changing = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start everything, and wait until the login page answers.

        The order: the proxy, which needs nobody; meanwhile the settings are read and
        the database is prepared, since both decide whether there will be a hub at all;
        then services and hub together, because the hub asks its services at its start.

        Raises
        ------
        HubSettingsError
            If the hub's configuration or its settings are wrong.
        HubDatabaseError
            If the hub's database cannot be used.
        PartDiedError
            If a part cannot be brought to work.
        """
        proxy = proxy_plan(self._foundation, self._health)
        proxy.write_files()
        self._start_part(proxy)
        self._watch_ports()
        if self._foundation.options.config is None:
            replace_file(self._setup.config, DEFAULT_CONFIG, mode=0o644)
        self._say("Reading the settings.")
        launcher = self._foundation.launcher
        loaded, done = await asyncio.gather(
            read_settings(self._setup, launcher), prepare_database(self._setup, launcher)
        )
        if done:
            self._say(done)
        self._say(f"Settings {loaded.hash} from {loaded.source}. Starting hub and services.")
        self._adopt(loaded)
        await asyncio.gather(*(part.works() for part in self._parts.values()))
        await self._login_page()

    async def close(self, *, now: bool = False) -> None:
        """End everything in order: users' servers, hub, services, proxy; and builds at last."""
        if self._watching is not None:
            self._watching.cancel()
        await self._servers.close(now=now)
        await self._dask.close(now=now)
        for name in sorted(self._parts, key=_end_order):
            await self._parts[name].stop(now=now)
        # What is half built is removed now, and that takes a while.
        await self._images.close()

    async def restart(self, part: str) -> StackStatus:
        """Restart a part, and wait until it works again.

        Restarting the hub reads its settings anew; when they are wrong the running hub
        is left alone.

        Raises
        ------
        RefusedRequestError
            If there is no such part, the settings are wrong, or it does not come up.
        """
        if part not in self._parts:
            known = ", ".join(sorted(self._parts))
            sentence = f"There is no part {part[:40]!r}; there are: {known}."
            raise RefusedRequestError(sentence, code="part-unknown", status=404)
        async with self._changing:
            try:
                async with asyncio.timeout(_RESTART_S):
                    await (self._restart_hub() if part == HUB else self._parts[part].restart())
            except HubSettingsError as error:
                raise RefusedRequestError(str(error), code="settings", status=409) from error
            except (PartDiedError, TimeoutError) as error:
                sentence = f"The {part} does not work again; see `sandlot logs {part}`."
                raise RefusedRequestError(sentence, code="part-failed", status=503) from error
        return self.status()

    def status(self) -> StackStatus:
        """Return how everything is."""
        return StackStatus(
            url=self._foundation.url,
            public_url=self._foundation.options.public_url,
            admin=self._foundation.options.admin,
            pid=os.getpid(),
            services={name: part.state for name, part in self._parts.items()},
            isolation=self._foundation.isolation,
            images=self.images(),
            servers=self._servers.running(),
            settings_hash="" if self._loaded is None else self._loaded.hash,
        )

    def images(self) -> dict[str, LocalImage]:
        """Return how the images of the settings stand."""
        return {} if self._loaded is None else self._images.states(self._loaded.settings)

    async def facilities(self) -> LocalFacilities:
        """Return what this machine can do."""
        await self._leases.fresh(wait_s=_FRESH_S)
        return self._facilities()

    def _facilities(self) -> LocalFacilities:
        limits = self._foundation.limits
        memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        gpus = self._leases.facts(
            None if self._loaded is None else self._loaded.settings,
            cpus=limits.cpus,
            memory_bytes=memory_bytes,
        )
        found = LocalFacilities(
            images=self.images(),
            running=self._servers.running_by_size(),
            cpus=limits.cpus,
            memory_bytes=memory_bytes,
            cpu_enforced=limits.cpu_enforced,
            memory_enforced=not limits.memory_reason,
            memory_detail=limits.memory_reason,
            isolation=self._foundation.isolation,
            capacity=gpus.capacity,
            missing_flavors=gpus.missing,
            gpu_holders=gpus.holders,
        )
        return self._news.number(found)

    async def facilities_after(
        self, version: int, *, wait_s: float, gone: Callable[[], bool]
    ) -> LocalFacilities:
        """Return the same, and wait up to `wait_s` for a change while the version is that one."""
        await self._leases.fresh(wait_s=min(wait_s, _FRESH_S))
        return await self._news.after(version, self._facilities, wait_s=wait_s, gone=gone)

    def end_waiting(self) -> None:
        """Answer those who wait for a change now."""
        self._news.close()

    def account(self, user: str) -> Account:
        """Return where a user's files are.

        Raises
        ------
        RefusedRequestError
            If nothing was ever started for them (404).
        """
        account = self._foundation.accounts.known_user(user)
        if account is None:
            sentence = "Nothing was ever started for that user."
            raise RefusedRequestError(sentence, code="account-unknown", status=404)
        return account

    async def build_images(self) -> None:
        """Have the environments of the images built that are missing, in the background."""
        if self._loaded is not None:
            await self._images.want(self._loaded.settings)

    async def _restart_hub(self) -> None:
        loaded = await read_settings(self._setup, self._foundation.launcher)
        changed = self._loaded is None or loaded.hash != self._loaded.hash
        self._adopt(loaded)
        wanted = wanted_services(loaded.settings)
        if DASK_GATEWAY not in wanted:
            await self._without_dask()
        restarted = (HUB, *wanted) if changed else (HUB,)
        await asyncio.gather(*(self._parts[name].restart() for name in restarted))
        await self._login_page()
        self._servers.settle()
        self._dask.settle()
        await self.build_images()

    async def _without_dask(self) -> None:
        for name in (DASK_GATEWAY, DASK_PROXY):
            if name in self._parts:
                await self._parts.pop(name).stop()
        await self._dask.end_all()

    def _adopt(self, loaded: LoadedSettings) -> None:
        """Write what hub and services read at their start, and start those that do not run yet."""
        foundation = self._foundation
        database = dask_database(loaded.settings.dask)
        write_resolved(foundation.directory.settings_file, loaded.settings, mode=0o644)
        embedded = embedded_config(foundation, loaded)
        services = service_plans(foundation, self._health, embedded, dask_database=database)
        plans: list[Plan] = [*services.values()]
        plans.append(hub_plan(foundation, self._health, embedded))
        self._loaded = loaded
        self._servers.use(loaded)
        self._dask.use(loaded)
        self._news.tell()
        for plan in plans:
            plan.write_files()
            if plan.name in self._parts:
                self._parts[plan.name].plan = plan
            else:
                self._start_part(plan)

    def _watch_ports(self) -> None:
        # When all share one uid a port tells nothing about who has taken it.
        if self._foundation.own_uids:
            watch = PortWatch(
                parts=self._parts, proxy=PROXY, say=self._say, apart=frozenset({DASK_PROXY})
            )
            self._watching = asyncio.get_running_loop().create_task(watch.run())

    def _start_part(self, plan: Plan) -> None:
        log = RotatingLog(self._foundation.directory.log_file(plan.name))
        runtime = PartRuntime(launcher=self._foundation.launcher, say=self._say)
        port = self._foundation.lent_ports.get(plan.name)
        part = Part(plan=plan, log=log, runtime=runtime, port=port)
        self._parts[plan.name] = part
        part.start()

    async def _login_page(self) -> None:
        """Wait until people can reach the hub through the proxy."""
        while True:
            if await self._health.answers(f"{self._foundation.url}hub/health"):
                return
            await asyncio.sleep(_LOOK_S)


def _end_order(name: str) -> tuple[bool, bool]:
    """Return what sorts parts by when they end: the hub first, the proxy last."""
    return name == PROXY, name != HUB
