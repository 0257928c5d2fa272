"""``sandlot check``: whether settings are right, and fit a running hub or a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.running import read_health, running_stack
from sandlot_hub.adapters.settings_file import LoadedSettings, SettingsError, load_settings

from .check_cluster import ClusterReport, check_cluster, print_cluster

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sandlot_hub.domain.settings.model import SandlotSettings

_CANDIDATES = (
    "settings.yaml",
    "config/settings.yaml",
    "jupyterhub_config.py",
    "config/jupyterhub_config.py",
)
"""Looked for in the working directory, in this order, when no FILE is given."""
_PROBE_TIMEOUT_S = 60


@dataclass(kw_only=True)
class Report:
    """What was found, for people and for ``--json``."""

    file: str
    hash: str | None = None
    summary: str = ""
    error: str = ""
    """Why the file cannot be used; empty when it is right."""
    problems: list[dict[str, Any]] = field(default_factory=list)
    settings: SandlotSettings | None = None
    """The settings, if they are right."""
    parts: dict[str, str | None] = field(default_factory=dict)
    """Settings hash of every part that runs; None when it does not answer."""
    cluster: ClusterReport | None = None
    """What was found in a cluster, if that was asked for."""

    @property
    def warnings(self) -> list[str]:
        """Sentences about parts that do not work from this file."""
        sentences = []
        for name, found in self.parts.items():
            if found is None:
                sentences.append(f"{name} does not answer; see `sandlot status`.")
            elif self.hash is not None and found != self.hash:
                sentences.append(
                    f"{name} works from other settings ({found}); "
                    "`sandlot restart hub` makes it use this file."
                )
        known = {found for found in self.parts.values() if found is not None}
        if len(known) > 1:
            sentences.append("The parts of the running stack work from different settings.")
        return sentences

    @property
    def exit_code(self) -> ExitCode:
        """What the command returns."""
        if self.error:
            return ExitCode.SETTINGS
        if self.cluster is not None and self.cluster.error:
            return ExitCode.FAILURE
        found = self.warnings or (self.cluster is not None and self.cluster.findings)
        return ExitCode.WARNING if found else ExitCode.OK


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot check`` and return what runs."""
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="settings (.yaml, .json) or a hub's configuration (.py); "
        "without it: " + ", ".join(_CANDIDATES),
    )
    parser.add_argument(
        "--cluster", action="store_true", help="compare the settings with a Kubernetes cluster, too"
    )
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="how to reach the cluster; without it, what kubectl would use",
    )
    parser.add_argument(
        "--namespace",
        default="",
        metavar="NAME",
        help="where servers run; without it, the namespace of the kubeconfig",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return run


def run(arguments: argparse.Namespace) -> int:
    """Check the file and the stack that runs on the data directory."""
    path = Path(arguments.file) if arguments.file else _candidate()
    if path is None:
        print(f"Name a FILE: there is no {' or '.join(_CANDIDATES)} here.", file=sys.stderr)
        return ExitCode.USAGE
    report = _check_config(path) if path.suffix == ".py" else _check_settings(path)
    stack = running_stack(Path(arguments.data_dir))
    if stack is not None:
        for name, url in stack.health_urls.items():
            health = read_health(url)
            report.parts[name] = health.settings_hash if health else None
    if arguments.cluster and report.settings is not None:
        report.cluster = check_cluster(
            report.settings, credentials=arguments.kubeconfig, namespace=arguments.namespace
        )
    _print(report, as_json=arguments.json)
    return report.exit_code


def _candidate() -> Path | None:
    return next((path for name in _CANDIDATES if (path := Path(name)).is_file()), None)


def _check_settings(path: Path) -> Report:
    try:
        return _right(load_settings(path), str(path))
    except SettingsError as error:
        problems = [
            {"path": each.path, "line": each.line, "message": each.message, "allowed": each.allowed}
            for each in error.problems
        ]
        return Report(file=str(path), error=str(error), problems=problems)


def _check_config(path: Path) -> Report:
    """Check a configuration file in a process of its own, because it is a program."""
    try:
        done = subprocess.run(  # noqa: S603 (our interpreter, our module, the file asked for)
            [sys.executable, "-m", "sandlot_hub.probe", str(path)],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        error = f"{path} was still running after {_PROBE_TIMEOUT_S} s."
        return Report(file=str(path), error=error)
    if done.returncode:
        error = done.stderr.strip() or f"{path} ended with exit code {done.returncode}."
        return Report(file=str(path), error=error)
    answer = json.loads(done.stdout)
    return _right(load_settings(answer["settings"]), f"{path}, with {answer['source']}")


def _right(loaded: LoadedSettings, file: str) -> Report:
    settings = loaded.settings
    counts = {
        "profile": len(settings.profiles),
        "image": len(settings.images),
        "size": len(settings.sizes),
    }
    summary = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items())
    return Report(file=file, hash=loaded.hash, summary=summary, settings=settings)


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        document = {
            "file": report.file,
            "ok": not report.error,
            "hash": report.hash,
            "error": report.error or None,
            "problems": report.problems,
            "parts": report.parts,
            "warnings": report.warnings,
            "cluster": None if report.cluster is None else report.cluster.document(),
        }
        print(json.dumps(document))
        return
    if report.error:
        print(report.error, file=sys.stderr)
    else:
        print(f"{report.file} is right: {report.summary} (settings {report.hash}).")
    same = [name for name, found in report.parts.items() if found and found == report.hash]
    if same:
        print(f"These work from it: {', '.join(same)}.")
    for warning in report.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    if report.cluster is not None:
        print_cluster(report.cluster)
