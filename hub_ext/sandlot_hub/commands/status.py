"""``sandlot status``: what runs on a data directory, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.supervisor_client import SupervisorClient

from .asking import AskFailedError, ask, directory_of, failed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sandlot_contracts.supervisor import StackStatus


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot status`` and return what runs."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return run


def run(arguments: argparse.Namespace) -> int:
    """Ask and print."""
    try:
        status = ask(directory_of(arguments), SupervisorClient.status)
    except AskFailedError as error:
        return failed("status", error)
    print(status.model_dump_json(indent=2) if arguments.json else "\n".join(_lines(status)))
    return ExitCode.OK


def _lines(status: StackStatus) -> list[str]:
    """Return the status as a person reads it."""
    lines = [
        f"{status.url} (administrator {status.admin}, process {status.pid})",
        *([f"  people reach it at {status.public_url}"] if status.public_url else []),
        *(f"  {name:<8} {state}" for name, state in status.services.items()),
        f"  servers  {status.servers} running",
    ]
    for slug, image in status.images.items():
        detail = f", {image.progress:.0%}" if image.state == "building" else ""
        lines.append(f"  image {slug}: {image.state}{detail} {image.detail}".rstrip())
    if status.isolation == "shared-uid":
        lines.append(
            "WARNING: all accounts share one user id of this machine (not started as root)."
        )
    return lines
