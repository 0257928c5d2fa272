"""The proxy to the schedulers of Dask clusters: dask-gateway's own, a program in its wheel.

It has a part of its own, because people compute through it: restarting the gateway must not cut
them off. It knows schedulers by the name in the TLS handshake, and passes on what it cannot read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .processes import Command

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec

    from .health import Health
    from .processes import Guarded, Identity

_PROGRAM = "dask-gateway-proxy"


class DaskProxyMissingError(Exception):
    """There is no dask-gateway-server in the environment that Sandlot runs from."""

    def __init__(self) -> None:
        super().__init__(
            "The proxy to Dask clusters is missing: there is no dask-gateway-server beside this "
            "Python. Install Sandlot with its extra: pip install 'sandlot[local]'."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskProxyPlan:
    """The proxy as a part."""

    port: int
    """Where clients reach schedulers, on 127.0.0.1."""
    routes_port: int
    """Where the gateway tells the routes."""
    token: str = field(repr=False)
    """For the routes."""
    identity: Identity
    health: Health
    name: str = "dask-proxy"

    def write_files(self) -> None:
        """Write nothing: all that it needs stands in its command and its environment."""

    def command(self) -> Command:
        """Return how it is started."""
        address = f"127.0.0.1:{self.port}"
        return Command(
            argv=(
                str(find_dask_proxy()),
                *("-address", address),
                *("-tcp-address", address),
                *("-api-url", f"http://127.0.0.1:{self.routes_port}/api/v1/routes"),
                *("-log-level", "warn"),
            ),
            environment={"DASK_GATEWAY_PROXY_TOKEN": self.token, "PATH": "/usr/bin:/bin"},
            directory=Path("/"),
            identity=self.identity,
            grace_s=2.0,
        )

    async def ready(self, guarded: Guarded) -> bool:
        """Return whether it listens; routes come when the gateway tells them."""
        return self.health.listens(self.port, guarded, self.identity)


def find_dask_proxy(find: Callable[[str], ModuleSpec | None] = find_spec) -> Path:
    """Return the program.

    Parameters
    ----------
    find
        Returns where a package is, without importing it: dask-gateway-server changes options of
        the whole process.

    Raises
    ------
    DaskProxyMissingError
        If there is none.
    """
    found = find("dask_gateway_server")
    if found is None or found.origin is None:
        raise DaskProxyMissingError
    program = Path(found.origin).parent / "proxy" / _PROGRAM
    if not program.is_file():
        raise DaskProxyMissingError
    return program
