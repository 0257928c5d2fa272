"""The peer of the main road: plain JupyterHub, the same proxy, the same interpreter.

Published packages, default behaviour: `SimpleLocalProcessSpawner`, a dummy
authenticator, traefik by jupyterhub-traefik-proxy. Everything on loopback.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_hub.local.procfs import processes
from support.processes import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandlot_hub.local.procfs import Process

READY_SECONDS = 120
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainHub:
    """A running peer."""

    url: str
    token: str
    started_seconds: float
    """From the start of the process to the first answer of the login page."""


def free_ports(count: int) -> list[int]:
    """Return `count` ports of loopback that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [entry.getsockname()[1] for entry in sockets]
    for entry in sockets:
        entry.close()
    return ports


def wait_for_login(url: str, process: subprocess.Popen[bytes]) -> float:
    """Return the seconds until ``hub/login`` answers 200.

    Raises
    ------
    RuntimeError
        If the process ends, or nothing answers within `READY_SECONDS`.
    """
    began = time.monotonic()
    while time.monotonic() - began < READY_SECONDS:
        if process.poll() is not None:
            msg = f"the hub ended with {process.returncode} before it answered"
            raise RuntimeError(msg)
        try:
            with urllib.request.urlopen(f"{url}hub/login", timeout=5) as reply:  # noqa: S310 (loopback)
                if reply.status == 200:
                    return time.monotonic() - began
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(POLL_SECONDS)
    msg = "the hub did not answer in time"
    raise RuntimeError(msg)


def _config(folder: Path, environment: Path, ports: list[int], token: str) -> str:
    public, hub, api = ports
    values = {
        "JupyterHub.bind_url": f"http://127.0.0.1:{public}/",
        "JupyterHub.hub_ip": "127.0.0.1",
        "JupyterHub.hub_port": hub,
        "JupyterHub.db_url": f"sqlite:///{folder}/hub.sqlite",
        "JupyterHub.cookie_secret_file": f"{folder}/cookie",
        "JupyterHub.authenticator_class": "dummy",
        "Authenticator.allow_all": True,
        "JupyterHub.spawner_class": "simple",
        "SimpleLocalProcessSpawner.home_dir_template": f"{folder}/home/{{username}}",
        "Spawner.cmd": [str(environment / "bin" / "jupyterhub-singleuser")],
        "Spawner.args": ["--allow-root"] if os.geteuid() == 0 else [],
        "Spawner.default_url": "/lab",
        "Spawner.environment": {"PATH": f"{environment}/bin:{os.environ['PATH']}"},
        "JupyterHub.proxy_class": "traefik_file",
        "TraefikProxy.traefik_api_url": f"http://127.0.0.1:{api}",
        "TraefikProxy.traefik_api_password": secrets.token_hex(16),
        "TraefikProxy.static_config_file": f"{folder}/traefik.toml",
        "TraefikFileProviderProxy.dynamic_config_file": f"{folder}/rules.toml",
        "JupyterHub.services": [{"name": "bench", "api_token": token}],
        "JupyterHub.load_roles": [
            {"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers"]}
        ],
    }
    lines = []
    for name, value in values.items():
        lines.append(f"c.{name} = {value!r}")
    return "\n".join(lines) + "\n"


@contextmanager
def plain_hub(folder: Path, environment: Path) -> Iterator[PlainHub]:
    """Run a plain hub whose servers live in the Python `environment`; end it by pid."""
    folder.mkdir(parents=True, exist_ok=True)
    ports, token = free_ports(3), secrets.token_hex(16)
    config = folder / "jupyterhub_config.py"
    config.write_text(_config(folder, environment, ports, token))
    scripts = Path(sys.executable).parent
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{ports[0]}/"
            yield PlainHub(url=url, token=token, started_seconds=wait_for_login(url, process))
        finally:
            started = below(process.pid)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=10)
            _end(started)


def _end(started: Iterable[Process]) -> None:
    """End what is left: a hub that is told to stop while it begins leaves its proxy behind."""
    left = processes()
    for each in started:
        if left.get(each.pid) == each:
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)


def stop_server(url: str, token: str, user: str) -> None:
    """Stop a user's default server through the hub's REST API and wait until it is gone.

    Raises
    ------
    RuntimeError
        If it is still there after `READY_SECONDS`.
    """
    headers = {"Authorization": f"token {token}"}
    delete = urllib.request.Request(  # noqa: S310 (loopback)
        f"{url}hub/api/users/{user}/server", method="DELETE", headers=headers
    )
    with urllib.request.urlopen(delete, timeout=60):  # noqa: S310 (loopback)
        pass
    began = time.monotonic()
    while time.monotonic() - began < READY_SECONDS:
        model = urllib.request.Request(f"{url}hub/api/users/{user}", headers=headers)  # noqa: S310 (loopback)
        with urllib.request.urlopen(model, timeout=10) as reply:  # noqa: S310 (loopback)
            user_model = json.load(reply)
        if user_model["server"] is None and user_model["pending"] is None:
            return
        time.sleep(POLL_SECONDS)
    msg = f"the server of {user} did not stop in time"
    raise RuntimeError(msg)
