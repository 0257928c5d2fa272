"""The extension as jupyter-server loads it: options, routes, events."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, TraitError, Unicode, default, validate
from typing_extensions import override

from . import events, routes
from .environment import SERVICES_URL_ENV, read_environment
from .factory import Factory, Timing


class SandlotServerApp(ExtensionApp):
    """Sandlot's part in a user's server."""

    name = "sandlot"
    load_other_extensions = True

    services_url = Unicode(
        help=f"""
        Address below which the hub's services answer to this server, ending in `/services/`.

        The offers service, for example, is asked at `<services_url>offers/api/v1/offers`,
        with this server's own token. Sandlot's spawners tell it in the environment
        variable {SERVICES_URL_ENV}, which is the default.
        Set it when this server reaches the hub by another address than the one that the
        spawner knows (a pod behind a gateway, for example).
        Empty: what needs a service says that it is not known; everything else works.

        .. versionadded:: 0.1
        """
    ).tag(config=True)

    hub_timeout = Float(
        10.0,
        help="""
        Seconds that a request to a service of the hub may take, connecting included.

        When the hub is down, a page waits this long before it says so. Notebooks,
        terminals and files never wait for the hub here.

        .. versionadded:: 0.1
        """,
    ).tag(config=True)

    usage_interval = Float(
        5.0,
        help="""
        Seconds between two measurements of what this server's processes use.

        Each walks the process table in a thread: about 2 ms of CPU time on a quiet
        machine, about 15 ms with a thousand processes of others. Pages hear of a change
        this late at most.

        .. versionadded:: 0.1
        """,
    ).tag(config=True)

    usage_lease = Float(
        90.0,
        help="""
        Seconds that measuring goes on after a page last asked for the usage.

        Visible pages ask every 30 seconds. With less than that here the figures in the
        status bar stand still in between; with more, a server goes on measuring for that
        long after the last page was closed or hidden. The list of Dask clusters is listened to
        for as long after a page last asked for it.

        .. versionadded:: 0.1
        """,
    ).tag(config=True)

    _factory: Factory

    @default("services_url")
    def _default_services_url(self) -> str:
        return os.environ.get(SERVICES_URL_ENV, "")

    @validate("hub_timeout", "usage_interval", "usage_lease")
    def _validate_positive(self, proposal: dict[str, Any]) -> float:
        value = float(proposal["value"])
        if value <= 0:
            message = (
                f"{type(self).__name__}.{proposal['trait'].name} must be a number of seconds "
                f"greater than 0, not {value:g}."
            )
            raise TraitError(message)
        return value

    @override
    def initialize_handlers(self) -> None:
        server = self.serverapp
        # jupyter-server links an extension and makes its event logger before this.
        assert server is not None  # noqa: S101
        assert server.event_logger is not None  # noqa: S101
        environment = read_environment(os.environ)
        self._factory = Factory(
            environment=dataclasses.replace(environment, services_url=self.services_url),
            events=server.event_logger,
            log=self.log,
            timing=Timing(
                hub_timeout=self.hub_timeout,
                usage_interval=self.usage_interval,
                usage_lease=self.usage_lease,
            ),
        )
        self.handlers.extend(routes.build_table(self._factory))
        events.register(server.event_logger)

    @override
    async def stop_extension(self) -> None:
        await self._factory.close()
