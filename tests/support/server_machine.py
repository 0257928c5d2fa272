"""Users' servers without a hub: real processes of a small program that listens, ends or waits."""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandlot_contracts.supervisor import StartServer
from sandlot_hub.adapters.settings_file import LoadedSettings, load_settings
from sandlot_hub.local.accounts import Accounts
from sandlot_hub.local.leftovers import Leftovers
from sandlot_hub.local.limits import CpuSpread, NoMemoryLimits
from sandlot_hub.local.processes import Launcher
from sandlot_hub.local.server_limits import ServerLimits
from sandlot_hub.local.servers import Servers

from .still_gpus import StillDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sandlot_hub.local.logs import Sink
    from sandlot_hub.local.processes import Command, Guarded

SETTINGS = {
    "version": 1,
    "images": {
        "base": {"display_name": "Base", "local": "base"},
        "later": {"display_name": "Not built", "local": "later"},
        "pods": {"display_name": "Elsewhere", "reference": "registry/x:1"},
    },
    "sizes": {
        "small": {"display_name": "Small", "cpus": 1, "memory": "1 GiB"},
        "large": {"display_name": "Large", "cpus": 2, "memory": "2 GiB"},
        "gpu": {
            "display_name": "One GPU",
            "cpus": 1,
            "memory": "1 GiB",
            "accelerator": {"flavor": "l4", "count": 1},
        },
    },
    "accelerators": {"l4": {"display_name": "NVIDIA L4"}},
    "profiles": {"all": {"display_name": "All", "images": ["base"], "sizes": ["small"]}},
    "local": {"stop_grace": "200 ms"},
}
SERVER = f"""#!{sys.executable}
import os, socket, sys
here = os.environ.get("JUPYTER_BEHAVIOUR", "listen")
print("I am", os.environ["USER"], "with", here, flush=True)
if here == "exit":
    sys.exit(3)
if here == "listen":
    kept = socket.create_server(("127.0.0.1", int(os.environ["JUPYTER_PORT"])))
while True:
    try:
        input()
    except EOFError:
        import signal
        signal.pause()
"""


class NotingLauncher(Launcher):
    """Notes what was started."""

    def __init__(self, *, leftovers: Leftovers) -> None:
        super().__init__(leftovers=leftovers, sole_parent=False)
        self.started: list[Command] = []

    @override
    def start(self, command: Command, *, log: Sink) -> Guarded:
        """Start it."""
        self.started.append(command)
        return super().start(command, log=log)


class Machine:
    """Everything that `Servers` stands on."""

    def __init__(self, folder: Path) -> None:
        for name in ("guards", "state", "homes", "logs"):
            (folder / name).mkdir()
        self.folder = folder
        self.image = folder / "image"
        program = self.image / "bin" / "jupyterhub-singleuser"
        program.parent.mkdir(parents=True)
        program.write_text(SERVER)
        program.chmod(0o755)
        self.bound: dict[int, frozenset[int]] = {}
        self.counts: list[dict[str, int]] = []
        """How many ran of each size, whenever that changed."""
        self.accounts = Accounts(
            database=folder / "state" / "a.sqlite", homes=folder / "homes", own_uids=False
        )
        self.launcher = NotingLauncher(leftovers=Leftovers(folder / "guards"))
        self.loaded: LoadedSettings = load_settings(SETTINGS)
        self.driver = StillDriver()
        self.leases = self.driver.leases()
        self.servers = Servers(
            launcher=self.launcher,
            accounts=self.accounts,
            environment={"base": self.image}.get,
            limits=ServerLimits(
                memory=NoMemoryLimits("Not here."),
                processors=CpuSpread((0, 1)),
                set_affinity=self.bound.__setitem__,
                stack="test",
            ),
            leases=self.leases,
            logs=folder / "logs",
            changed=self.note_change,
        )
        self.servers.use(self.loaded)

    def note_change(self) -> None:
        """Note how many run now."""
        self.counts.append(self.servers.running_by_size())

    def request(self, number: int = 1, **changes: Any) -> StartServer:
        """Return what a hub would ask for."""
        port = free_port()
        values: dict[str, object] = {
            "spawn_id": f"{number:032x}",
            "owner": "ann",
            "server_name": "",
            "image": "base",
            "size": "small",
            "settings_hash": self.loaded.hash,
            "environment": {"JUPYTER_PORT": str(port)},
            "port": port,
        }
        return StartServer.model_validate({**values, **changes})

    def free_gpus(self) -> int:
        """Return how many may be given out."""
        facts = self.leases.facts(self.loaded.settings, cpus=8, memory_bytes=1 << 40)
        assert facts.capacity is not None
        return facts.capacity.flavors["l4"].free

    def gpus_of(self, request: StartServer) -> str:
        """Return which of NVIDIA's GPUs a server was told to use."""
        port = str(request.port)
        found = [x.environment for x in self.launcher.started if port in x.environment.values()]
        return found[-1]["CUDA_VISIBLE_DEVICES"]

    def behaving(self, how: str, number: int = 1) -> StartServer:
        """Return the same for a server that does not listen: it waits, or `exit`s."""
        return self.request(number, environment={"JUPYTER_BEHAVIOUR": how})


@contextlib.asynccontextmanager
async def machine_of(folder: Path) -> AsyncIterator[Machine]:
    """Give a machine below a folder; all that runs there ends with the context."""
    made = Machine(folder)
    try:
        yield made
    finally:
        await made.servers.close(now=True)
        await made.launcher.close()
        made.accounts.close()


def free_port() -> int:
    """Return a port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
