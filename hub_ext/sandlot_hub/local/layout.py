"""Whom the parts run as, and the folders of a data directory with their owners and modes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .accounts import IMAGES

if TYPE_CHECKING:
    from pathlib import Path

    from sandlot_hub.domain.settings.model import SandlotSettings

    from .accounts import Accounts
    from .datadir import DataDirectory
    from .processes import Identity

DASK_GATEWAY = "dask-gateway"
DASK_ROUTES = "dask_routes"
"""The port at which the gateway listens to schedulers and to its proxy."""
DASK_PROXY = "dask-proxy"
"""The proxy to the schedulers of Dask clusters."""

SERVICES = ("offers", DASK_GATEWAY)
"""The hub services of the stack, each with a uid, a port and a token of its own."""


def wanted_services(settings: SandlotSettings) -> tuple[str, ...]:
    """Return the services that run with these settings."""
    return tuple(name for name in SERVICES if name != DASK_GATEWAY or settings.dask.enabled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Whom everything but users' servers runs as. All the same when the supervisor is not root."""

    hub: Identity
    proxy: Identity
    services: dict[str, Identity]
    dask_proxy: Identity
    images: Identity
    """Builds the local environments."""
    stack_gid: int
    """The group of hub and services: it alone may enter ``run/``, where the socket is."""


def identities(accounts: Accounts) -> Identities:
    """Return the identities of the parts; each gets its uid at the first start."""
    stack_gid = accounts.part("stack").gid
    return Identities(
        hub=accounts.part("hub", groups=(stack_gid,)),
        proxy=accounts.part("proxy"),
        services={name: accounts.part(name, groups=(stack_gid,)) for name in SERVICES},
        dask_proxy=accounts.part(DASK_PROXY),
        images=accounts.part(IMAGES),
        stack_gid=stack_gid,
    )


def make_private_folders(directory: DataDirectory) -> None:
    """Make the folders that the supervisor alone opens; they are needed first of all."""
    logs = (directory.logs, directory.server_logs, directory.dask_logs)
    for folder in (directory.state, directory.guards, *logs):
        _folder(folder, 0o700)


def make_folders(directory: DataDirectory, who: Identities, *, own_uids: bool) -> None:
    """Make all other folders, and set owners and modes again on those that are there.

    Everybody passes through the data directory and ``homes``, and may list neither.
    """
    _folder(directory.root, 0o711 if own_uids else 0o700)
    for passage in (directory.homes, directory.proxy, directory.services):
        _folder(passage, 0o711)
    _folder(directory.run, 0o750, uid=os.geteuid(), gid=who.stack_gid)
    _folder(directory.hub, 0o700, uid=who.hub.uid, gid=who.hub.gid)
    # The hub writes routes, and each new file gets the folder's group: the proxy's.
    _folder(directory.rules, 0o2750, uid=who.hub.uid, gid=who.proxy.gid)
    for name, identity in who.services.items():
        _folder(directory.service(name), 0o700, uid=identity.uid, gid=identity.gid)


def _folder(path: Path, mode: int, *, uid: int = -1, gid: int = -1) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(mode)  # whatever the umask
