"""Looks at a server from a terminal inside it, and says what it found.

Reads what is installed and asks the hub; changes nothing, and shows no secret.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_core.paths import jupyter_config_path, jupyter_path
from jupyter_server.extension.config import ExtensionConfigManager
from pydantic import ValidationError

from sandlot_contracts.session import Session

from .clients.connect import connect_hub, connect_offers
from .clients.service import new_http
from .errors import ProblemError

if TYPE_CHECKING:
    from .clients.hub import HubClient
    from .clients.offers import OffersClient
    from .environment import ServerEnvironment

_EXTENSION = "sandlot"
_PACKAGES = ("sandlot", "jupyter-server", "jupyterlab", "notebook", "jupyterhub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    level: Literal["ok", "warning", "failed"]
    """``warning`` where the server works without it."""
    detail: str


async def diagnose(environment: ServerEnvironment, *, timeout_s: float) -> tuple[Finding, ...]:
    """Look at everything. Takes about `timeout_s` seconds at most.

    Parameters
    ----------
    environment
        What the spawner told the server.
    timeout_s
        Seconds for one request to the hub.
    """
    with closing(new_http()) as http:
        asked = await asyncio.gather(
            _ask_hub(
                connect_hub(environment, timeout_s=timeout_s, http=http), owner=environment.owner
            ),
            _ask_offers(connect_offers(environment, timeout_s=timeout_s, http=http)),
        )
    return (
        check_session(environment.session),
        *asked,
        check_server_part(jupyter_config_path()),
        check_lab_part(jupyter_path("labextensions"), jupyter_config_path()),
        list_versions(),
    )


def check_session(text: str) -> Finding:
    """Look at what the spawner wrote about this server."""
    subject = "session"
    if not text:
        detail = (
            "There is no SANDLOT_SESSION: Sandlot did not start this server, or an old version did."
        )
        return Finding(subject=subject, level="warning", detail=detail)
    try:
        session = Session.model_validate_json(text)
    except ValidationError as error:
        detail = (
            f"SANDLOT_SESSION cannot be read ({error.error_count()} mistakes). The image and the "
            "hub may be of different versions: start the server again with a newer image."
        )
        return Finding(subject=subject, level="failed", detail=detail)
    detail = (
        f"{session.image.display_name} · {session.size.display_name}, "
        f"profile {session.profile.display_name}, of {session.owner}."
    )
    return Finding(subject=subject, level="ok", detail=detail)


def check_server_part(config_folders: list[str]) -> Finding:
    """Look at whether jupyter-server loads our extension."""
    manager = ExtensionConfigManager(read_config_path=config_folders)
    if manager.enabled("sandlot_server"):  # type: ignore[no-untyped-call]
        return Finding(subject="server part", level="ok", detail="Enabled.")
    detail = "Not enabled. Run `jupyter server extension enable sandlot_server`, then restart."
    return Finding(subject="server part", level="failed", detail=detail)


def check_lab_part(data_folders: list[str], config_folders: list[str]) -> Finding:
    """Look at whether JupyterLab finds our extension, and the one that belongs to us."""
    subject = "Lab part"
    manifests = [Path(folder) / _EXTENSION / "package.json" for folder in data_folders]
    # JupyterLab takes the first one too.
    manifest = next((path for path in manifests if path.is_file()), None)
    if manifest is None:
        detail = "Not installed here: JupyterLab shows nothing of Sandlot. Install sandlot[server]."
        return Finding(subject=subject, level="failed", detail=detail)
    for folder in config_folders:
        settings = _read_json(Path(folder) / "labconfig" / "page_config.json")
        if settings.get("disabledExtensions", {}).get(_EXTENSION):
            detail = f"Disabled in {folder}. Run `jupyter labextension enable {_EXTENSION}`."
            return Finding(subject=subject, level="warning", detail=detail)
    built, ours = _read_json(manifest).get("version"), version("sandlot")
    if built != ours:
        detail = f"{manifest.parent} is of version {built}, the server part of {ours}."
        return Finding(subject=subject, level="warning", detail=detail)
    return Finding(subject=subject, level="ok", detail=f"Installed in {manifest.parent}.")


def list_versions() -> Finding:
    """Name what a report of a problem should name."""
    found = [f"Python {sys.version.partition(' ')[0]}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return Finding(subject="versions", level="ok", detail=", ".join(found) + ".")


async def _ask_hub(hub: HubClient | None, *, owner: str) -> Finding:
    subject = "hub"
    if hub is None:
        detail = "No hub started this server."
        return Finding(subject=subject, level="warning", detail=detail)
    try:
        info, user = await asyncio.gather(hub.info(), hub.whoami())
    except ProblemError as error:
        return Finding(subject=subject, level="failed", detail=error.detail)
    if user.name != owner:
        detail = (
            f"The server's token belongs to {user.name}, the server to {owner}. "
            "Restart the server; if it stays, tell your administrator."
        )
        return Finding(subject=subject, level="failed", detail=detail)
    detail = f"JupyterHub {info.version} answers and knows this server as {user.name}'s."
    return Finding(subject=subject, level="ok", detail=detail)


async def _ask_offers(offers: OffersClient | None) -> Finding:
    subject = "offers"
    if offers is None:
        detail = "Nobody told this server where the hub's services are."
        return Finding(subject=subject, level="warning", detail=detail)
    try:
        known = (await offers.list_offers()).offers
    except ProblemError as error:
        return Finding(subject=subject, level="failed", detail=error.detail)
    available = sum(offer.state == "available" for offer in known)
    detail = f"The service answers: {available} of {len(known)} choices are available."
    return Finding(subject=subject, level="ok", detail=detail)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
