"""What a stack stands on: its directory, uids, ports and secrets, before any process runs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.adapters.files import replace_file
from sandlot_hub.adapters.operator_file import OPERATOR_FILE, OperatorAccess, write_operator
from sandlot_hub.adapters.passwords import account_password

from .accounts import Accounts
from .datadir import DataDirectory, DirectoryLock, open_directory
from .held_ports import HeldPorts
from .layout import (
    DASK_GATEWAY,
    DASK_PROXY,
    DASK_ROUTES,
    SERVICES,
    Identities,
    identities,
    make_folders,
    make_private_folders,
)
from .leftovers import Leftovers
from .limits import CpuSpread, find_memory_limits
from .ports import PUBLIC, choose_ports, read_ports, write_ports
from .processes import Launcher
from .reachability import Needed, check_reachable, needed_by_everybody
from .server_limits import ServerLimits
from .stack_secrets import StackSecrets, load_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_contracts.session import Isolation

    from .held_ports import LentPort
    from .options import UpOptions

HUB = "hub"
PROXY_API = "proxy_api"
IMAGES_ENV = "SANDLOT_IMAGES_DIR"
"""Names another folder for the local environments, to be shared by several stacks."""
_PATIENCE_S = 8.0
"""How long the processes of a killed run may take to end by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """Everything that is decided before the first process starts."""

    options: UpOptions
    directory: DataDirectory
    lock: DirectoryLock
    accounts: Accounts
    who: Identities
    ports: Mapping[str, int]
    held_ports: HeldPorts
    lent_ports: Mapping[str, LentPort]
    """Those of `held_ports` that parts are lent for their starts, by the name of the part."""
    secrets: StackSecrets
    launcher: Launcher
    limits: ServerLimits
    images_dir: Path
    new_password: str | None
    """The first administrator's, until a start has come so far as to print it."""

    @property
    def own_uids(self) -> bool:
        """Whether every part and every user has an own uid."""
        return self.accounts.own_uids

    @property
    def isolation(self) -> Isolation:
        """What keeps users apart."""
        return "own-uid" if self.own_uids else "shared-uid"

    @property
    def config(self) -> Path:
        """The hub's configuration file."""
        return self.options.config or self.directory.run / "jupyterhub_config.py"

    @property
    def url(self) -> str:
        """The hub's root on this machine."""
        return f"http://127.0.0.1:{self.ports[PUBLIC]}{self.options.base_url}"

    def tell_others(self) -> None:
        """Write who runs this directory and where, for the ``sandlot`` command."""
        self.lock.tell(url=self.url)
        known = {"pid": os.getpid(), "url": self.url, "ports": dict(self.ports)}
        replace_file(self.directory.running_file, json.dumps(known).encode(), mode=0o600)
        access = OperatorAccess(
            hub_api_url=f"http://127.0.0.1:{self.ports[HUB]}{self.options.base_url}hub/api",
            token=self.secrets.operator_token,
            account_secret=self.secrets.account_secret,
        )
        write_operator(self.directory.root / OPERATOR_FILE, access)

    def note_password_told(self) -> None:
        """Have later starts not print the password again."""
        self.directory.password_told_file.touch(mode=0o600)

    def close(self) -> None:
        """Let go of the directory."""
        (self.directory.root / OPERATOR_FILE).unlink(missing_ok=True)
        self.directory.running_file.unlink(missing_ok=True)
        self.held_ports.close()
        self.accounts.close()
        self.lock.release()


async def lay_foundation(options: UpOptions, environment: Mapping[str, str]) -> Foundation:
    """Check everything that can be checked, and take the data directory.

    What is wrong is found in the order in which it would hurt, and before anything is
    written where that is possible.

    Raises
    ------
    UnreachableError, DataDirectoryError, AlreadyRunningError, NoUidsError, PortInUseError,
    LeftoversError, PrivateFileError, OSError
        Each with its sentence.
    """
    own_uids = os.geteuid() == 0 and sys.platform == "linux"
    images_dir = _images_dir(options, environment)
    if own_uids:
        check_reachable(_needed(options, images_dir))
    directory = open_directory(options.data_dir)
    with contextlib.ExitStack() as on_error:
        lock = DirectoryLock(directory)
        lock.acquire()
        on_error.callback(lock.release)
        make_private_folders(directory)
        accounts = Accounts(
            database=directory.state / "accounts.sqlite", homes=directory.homes, own_uids=own_uids
        )
        on_error.callback(accounts.close)
        leftovers = Leftovers(directory.guards)
        await leftovers.clear(patience_s=_PATIENCE_S, uids=accounts.reserved())
        # Only now: what was left may have held the ports.
        ports = _ports(directory, options)
        who = identities(accounts)
        held_ports = HeldPorts()
        on_error.callback(held_ports.close)
        lent_ports = {}
        if own_uids:  # else everybody is the one uid for which a port could be held
            held_ports.hold(_listeners(ports, who))
            lent_ports[DASK_PROXY] = held_ports.hold_to_lend(ports[DASK_PROXY])
        make_folders(directory, who, own_uids=own_uids)
        secrets = load_secrets(directory.state / "secrets.json", SERVICES)
        foundation = Foundation(
            options=options,
            directory=directory,
            lock=lock,
            accounts=accounts,
            who=who,
            ports=ports,
            held_ports=held_ports,
            lent_ports=lent_ports,
            secrets=secrets,
            launcher=Launcher(leftovers=leftovers),
            limits=_limits(secrets.stack),
            images_dir=images_dir,
            new_password=_write_password(directory, options.admin, secrets),
        )
        on_error.pop_all()
    return foundation


def _ports(directory: DataDirectory, options: UpOptions) -> dict[str, int]:
    file = directory.state / "ports.json"
    names = (HUB, PROXY_API, *SERVICES, DASK_ROUTES, DASK_PROXY)
    ports = choose_ports(read_ports(file), names, wanted=options.port)
    write_ports(file, ports)
    return ports


def _listeners(ports: Mapping[str, int], who: Identities) -> dict[int, int]:
    """Return the uid that will listen at each port that is held for one.

    The proxy to schedulers cannot share a port, and is lent its own. What goes there is encrypted
    from end to end with each cluster's own key: whoever took it could only be in the way.
    """
    parts = {
        PUBLIC: who.proxy,
        PROXY_API: who.proxy,
        HUB: who.hub,
        DASK_ROUTES: who.services[DASK_GATEWAY],
        **who.services,
    }
    return {port: parts[name].uid for name, port in ports.items() if name in parts}


def _images_dir(options: UpOptions, environment: Mapping[str, str]) -> Path:
    return Path(environment.get(IMAGES_ENV) or options.data_dir / "images").absolute()


def _needed(options: UpOptions, images_dir: Path) -> list[Needed]:
    package = Path(__file__).parent.parent
    needed = needed_by_everybody([package, package.parent / "sandlot_contracts"])
    for path, what in (
        (options.config, "the hub's configuration"),
        (options.settings, "the settings"),
    ):
        if path is not None:
            needed.append(Needed(path, what))
    needed.append(Needed(options.data_dir, "the data directory", contents=False))
    needed.append(Needed(images_dir, "the environments of images", contents=False))
    return needed


def _limits(stack: str) -> ServerLimits:
    affinity = getattr(os, "sched_setaffinity", None)
    processors = sorted(os.sched_getaffinity(0)) if affinity else range(os.cpu_count() or 1)
    return ServerLimits(
        memory=find_memory_limits(),
        processors=CpuSpread(tuple(processors)),
        set_affinity=affinity,
        stack=stack,
    )


def _write_password(directory: DataDirectory, admin: str, secrets: StackSecrets) -> str | None:
    """Keep the administrator's password in its file; return it when nobody was told it yet."""
    password = account_password(admin, secrets.account_secret)
    text = f"{password}\n".encode()
    path, told = directory.admin_password_file, directory.password_told_file
    if not path.exists() or path.read_bytes() != text:
        # In this order: a start that is killed in between rather tells it twice than never.
        told.unlink(missing_ok=True)
        replace_file(path, text, mode=0o600)
    return None if told.exists() else password
