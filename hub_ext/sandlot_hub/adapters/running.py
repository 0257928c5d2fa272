"""A stack that runs on this machine, seen from outside: where its parts are, and their health."""

from __future__ import annotations

import json
import os
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from sandlot_contracts.health import Health

if TYPE_CHECKING:
    from pathlib import Path

STATE_FILE = "run/supervisor.json"
"""Below the data directory; `sandlot up` writes it and removes it at its end."""

_TIMEOUT_S = 3.0
_MAXIMUM_BYTES = 64 * 1024
_NOT_SERVICES = frozenset({"public", "hub", "proxy_api", "dask-proxy", "dask_routes"})
"""Ports where nobody tells of health: proxies, and the door of Dask's schedulers."""


class _State(BaseModel):
    """What is used of the supervisor's file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    url: str
    ports: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """Where the parts of a stack answer about their health, on loopback."""

    health_urls: dict[str, str]
    """By part: ``hub``, and each service by its name."""


def running_stack(data_dir: Path) -> RunningStack | None:
    """Return the stack that `sandlot up` runs on a data directory; None when there is none.

    The proxy is left out of the way: a part is asked where it listens itself.
    """
    try:
        state = _State.model_validate_json((data_dir / STATE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    if not _lives(state.pid):  # it was killed, and could not remove its file
        return None
    base = urlsplit(state.url).path.rstrip("/") + "/"
    urls = {
        name: f"http://127.0.0.1:{port}{base}services/{name}/health"
        for name, port in state.ports.items()
        if name not in _NOT_SERVICES
    }
    if "hub" in state.ports:
        urls["hub"] = f"http://127.0.0.1:{state.ports['hub']}{base}hub/sandlot/health"
    return RunningStack(health_urls=urls)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read_health(url: str, *, timeout: float = _TIMEOUT_S) -> Health | None:
    """Return what a part says about itself; None when it does not answer as it should."""
    # No proxy of the environment: these addresses are on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as response:
            return Health.model_validate(json.loads(response.read(_MAXIMUM_BYTES)))
    except (OSError, ValueError):
        # Refused, too slow, an error page, or an answer that is no `Health`.
        return None
