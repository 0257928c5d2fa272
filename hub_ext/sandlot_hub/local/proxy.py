"""The proxy: traefik, from its wheel, with a static configuration of ours."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.adapters.files import replace_file

from .processes import Command

if TYPE_CHECKING:
    from .datadir import DataDirectory
    from .health import Health
    from .layout import Identities
    from .processes import Guarded, Identity

_STATIC = """\
# Written by `sandlot up` at every start.
[global]
checkNewVersion = false
sendAnonymousUsage = false

[log]
level = "WARN"
noColor = true

[api]
dashboard = false

[entryPoints.http]
address = "127.0.0.1:{public_port}"
reusePort = {port_held}

[entryPoints.http.forwardedHeaders]
trustedIPs = [{trusted}]

# Uploads and long requests take as long as they take.
[entryPoints.http.transport.respondingTimeouts]
readTimeout = "0s"

# It ends last, when nobody is left to wait for.
[entryPoints.http.transport.lifeCycle]
graceTimeOut = "1ms"

[entryPoints.auth_api]
address = "127.0.0.1:{api_port}"
reusePort = {port_held}

[providers]
providersThrottleDuration = "0s"

[providers.file]
filename = "{rules}"
watch = true
"""
_EMPTY_RULES = b"# The hub writes its routes here.\n"


class ProxyMissingError(Exception):
    """There is no traefik in the environment that Sandlot runs from."""

    def __init__(self) -> None:
        super().__init__(
            "The proxy is missing: no program `traefik` beside this Python or on the PATH. "
            "Install Sandlot with its extra: pip install 'sandlot[local]'."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPlan:
    """The proxy as a part."""

    directory: DataDirectory
    who: Identities
    health: Health
    public_port: int
    api_port: int
    base_url: str
    """Where the hub is below the root, with slashes at both ends."""
    behind_tls: bool
    """Whether a reverse proxy on this machine stands in front and says who the client is."""
    port_held: bool = False
    """Whether the supervisor holds the ports (`held_ports`)."""
    name: str = "proxy"

    @property
    def port(self) -> int:
        """Where people reach it."""
        return self.public_port

    @property
    def identity(self) -> Identity:
        """Whom it runs as."""
        return self.who.proxy

    def write_files(self) -> None:
        """Write the static configuration, and routes to begin with.

        Routes of an earlier run lead to ports where somebody else may listen now. And
        there must be a file: traefik gives up watching one that does not exist.
        """
        static = _STATIC.format(
            public_port=self.public_port,
            api_port=self.api_port,
            port_held=str(self.port_held).lower(),
            trusted='"127.0.0.1/32"' if self.behind_tls else "",
            rules=_escaped(str(self.directory.rules_file)),
        )
        gid = self.who.proxy.gid
        replace_file(self._static_file, static.encode(), mode=0o640, gid=gid)
        replace_file(
            self.directory.rules_file, _EMPTY_RULES, mode=0o640, uid=self.who.hub.uid, gid=gid
        )

    def command(self) -> Command:
        """Return how traefik is started."""
        return Command(
            argv=(str(find_traefik()), "--configfile", str(self._static_file)),
            environment={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
            directory=self.directory.proxy,
            identity=self.who.proxy,
            grace_s=2.0,
        )

    async def ready(self, guarded: Guarded) -> bool:
        """Return whether it listens at the public port, and knows the routes that there are.

        Traefik listens before it has read them, and answers everything with 404 meanwhile.
        """
        if not self.health.listens(self.public_port, guarded, self.who.proxy):
            return False
        # Only looked at, not opened: the hub owns it, and a pipe in its place would hold us.
        if self.directory.rules_file.lstat().st_size == len(_EMPTY_RULES):
            return True  # the hub has not been up yet
        return await self.health.is_routed(f"http://127.0.0.1:{self.public_port}{self.base_url}")

    @property
    def _static_file(self) -> Path:
        return self.directory.proxy / "traefik.toml"


def find_traefik() -> Path:
    """Return the program.

    Raises
    ------
    ProxyMissingError
        If there is none.
    """
    beside = Path(sys.executable).parent / "traefik"
    if beside.exists():
        return beside
    found = shutil.which("traefik")
    if found is None:
        raise ProxyMissingError
    return Path(found)


def _escaped(text: str) -> str:
    """Return `text` as it stands between the quotes of TOML."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
