"""The hub as a part of the stack: its files, its command, and what its configuration says."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.embedded import EMBEDDED_ENV, write_embedded
from sandlot_hub.adapters.settings_file import LoadedSettings, SettingsError, load_settings

from .processes import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.adapters.embedded import EmbeddedConfig

    from .health import Health
    from .processes import Completed, Guarded, Identity, Launcher

SETTINGS_ENV = "SANDLOT_SETTINGS"
DEFAULT_CONFIG = b"""\
# Written by `sandlot up`, which was started without --config.
from sandlot_hub import install

install(c)
"""
_NOT_PASSED_ON = frozenset(
    {"HOME", "LOGNAME", "MAIL", "OLDPWD", "PWD", "SHELL", "USER", "USERNAME"}
)
_PRIVATE_PREFIXES = ("SUDO_", "XDG_", "SANDLOT_", "JUPYTERHUB_SERVICE_")
_PROBE_S = 60.0
_PROBE_BYTES = 16 << 20
"""How much the probe may write: settings can be long."""
_DATABASE_S = 300.0
_GRACE_S = 10.0


class HubSettingsError(Exception):
    """The hub's configuration or its settings are wrong; the text is the whole report."""


class HubDatabaseError(Exception):
    """The hub's database cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSetup:
    """Where the hub's configuration and state are, and whom it runs as."""

    config: Path
    settings: Path | None
    """Settings file that wins over what the configuration names; absolute."""
    folder: Path
    """The hub's own."""
    identity: Identity
    surroundings: Mapping[str, str] = field(repr=False)
    """The supervisor's environment. An administrator's configuration file may read it, so
    that the hub gets it; nobody else does."""

    @property
    def database(self) -> Path:
        """The hub's database."""
        return self.folder / "jupyterhub.sqlite"

    @property
    def backups(self) -> Path:
        """Where copies of the database are kept."""
        return self.folder / "backups"

    def environment(self) -> dict[str, str]:
        """Return the environment of the hub, and of what reads its configuration."""
        passed = {
            name: value
            for name, value in self.surroundings.items()
            if name not in _NOT_PASSED_ON and not name.startswith(_PRIVATE_PREFIXES)
        }
        settings = {} if self.settings is None else {SETTINGS_ENV: str(self.settings)}
        programs = str(Path(sys.executable).parent)
        return {
            **passed,
            **settings,
            "HOME": str(self.folder),
            "USER": "sandlot-hub",
            "LOGNAME": "sandlot-hub",
            "LANG": self.surroundings.get("LANG", "C.UTF-8"),
            "PATH": f"{programs}:{self.surroundings.get('PATH', '/usr/bin:/bin')}",
        }

    def command(self, *arguments: str, **variables: str) -> Command:
        """Return how Python is run as the hub."""
        return Command(
            # Not from the working directory: nothing there may stand in for a module.
            argv=(sys.executable, "-P", *arguments),
            environment={**self.environment(), **variables},
            directory=self.folder,
            identity=self.identity,
            grace_s=_GRACE_S,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPlan:
    """The hub as a part."""

    setup: HubSetup
    embedded_file: Path
    embedded: EmbeddedConfig
    health: Health
    port_held: bool = False
    """Whether the supervisor holds the port (`held_ports`)."""
    name: str = "hub"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.embedded.hub_port

    @property
    def identity(self) -> Identity:
        """Whom it runs as."""
        return self.setup.identity

    def write_files(self) -> None:
        """Tell the hub what it needs, in a file that it alone can read."""
        identity = self.setup.identity
        write_embedded(self.embedded_file, self.embedded, identity.uid, identity.gid)

    def command(self) -> Command:
        """Return how the hub is started."""
        module = "sandlot_hub.local.held_jupyterhub" if self.port_held else "jupyterhub"
        return self.setup.command(
            "-m", module, "-f", str(self.setup.config),
            **{EMBEDDED_ENV: str(self.embedded_file)},
        )  # fmt: skip

    async def ready(self, guarded: Guarded) -> bool:
        """Return whether it answers."""
        # In this order: nothing is said to whoever may have taken the port.
        if not self.health.listens(self.port, guarded, self.identity):
            return False
        return await self.health.answers(
            f"http://127.0.0.1:{self.port}{self.embedded.base_url}hub/health"
        )


async def read_settings(setup: HubSetup, launcher: Launcher) -> LoadedSettings:
    """Return the settings that the hub's configuration leads to.

    The configuration is a program of the administrator's. It is run where it will be
    run: as the hub, with the hub's environment.

    Raises
    ------
    HubSettingsError
        If the configuration or the settings are wrong.
    """
    command = setup.command("-m", "sandlot_hub.probe", str(setup.config))
    try:
        done = await launcher.run(command, timeout_s=_PROBE_S, limit=_PROBE_BYTES)
    except TimeoutError as error:
        message = f"{setup.config} was still running after {_PROBE_S:g} s."
        raise HubSettingsError(message) from error
    if done.exit_code:
        raise HubSettingsError(_complaint(done, str(setup.config)))
    try:
        # The last line: what the configuration starts may write to standard output, too.
        answer = json.loads(done.stdout.splitlines()[-1])
        loaded, source = load_settings(answer["settings"]), str(answer["source"])
    except (ValueError, LookupError, TypeError, SettingsError) as error:
        message = (
            f"{setup.config} was run to read its settings, and that gave no settings. It must not "
            "end the program, close standard output, or write to it while the program ends."
        )
        raise HubSettingsError(message) from error
    return LoadedSettings(settings=loaded.settings, hash=loaded.hash, source=source)


async def prepare_database(setup: HubSetup, launcher: Launcher) -> str:
    """Back up the hub's database and bring it to this hub's version; return what was done.

    Raises
    ------
    HubDatabaseError
        If it cannot be used, above all when a newer hub has made it.
    """
    command = setup.command(
        "-m", "sandlot_hub.local.hub_database", str(setup.database), str(setup.backups)
    )
    try:
        done = await launcher.run(command, timeout_s=_DATABASE_S)
    except TimeoutError as error:
        message = f"Upgrading {setup.database} took longer than {_DATABASE_S:g} s."
        raise HubDatabaseError(message) from error
    if done.exit_code != ExitCode.OK:
        raise HubDatabaseError(_complaint(done, str(setup.database)))
    return done.stdout.decode(errors="replace").strip()


def _complaint(done: Completed, what: str) -> str:
    text = done.stderr.decode(errors="replace").strip()
    return text or f"{what}: exit code {done.exit_code} and no reason."
