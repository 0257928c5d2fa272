"""The documentation says what there is, and its links lead somewhere."""

from __future__ import annotations

import argparse
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from sandlot_contracts.exits import ExitCode
from sandlot_hub.domain.values.refusals import RefusalCode
from support.house import ROOT

LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
TARGET = re.compile(r"^(?P<name>[a-z][a-z-]*):.*## ", re.MULTILINE)
PROMISED = {
    "run",
    "test",
    "test-unit",
    "test-integration",
    "test-browser",
    "lint",
    "bench",
    "bench-smoke",
    "docs",
}
"""Targets that people and CI rely on."""


def _page(name: str) -> str:
    return (ROOT / name).read_text()


def _make_targets() -> set[str]:
    return {match["name"] for match in TARGET.finditer(_page("Makefile"))}


def test_the_promised_targets_exist() -> None:
    assert _make_targets() >= PROMISED


def test_every_target_is_documented() -> None:
    page = _page("CONTRIBUTING.md")

    assert not [name for name in _make_targets() - {"help"} if f"`make {name}`" not in page]


def test_every_command_is_documented(pyproject: dict[str, Any]) -> None:
    page = _page("docs/reference/commands.md")
    commands = pyproject["project"]["entry-points"]["sandlot.commands"]

    assert not [name for name in commands if f"| `sandlot {name}` |" not in page]


def test_every_argument_of_a_command_is_documented() -> None:
    page = _page("docs/reference/commands.md")
    options: set[str] = set()
    for point in entry_points(group="sandlot.commands"):
        parser = argparse.ArgumentParser()
        point.load()(parser)
        options |= _options(parser)

    assert "--port" in options
    assert not [option for option in options if f"`{option}" not in page]


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Return the long options of a parser and of its sub-commands, without --help."""
    found: set[str] = set()
    for action in parser._actions:  # argparse tells its options nowhere else
        found |= {name for name in action.option_strings if name.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found |= _options(below)
    return found - {"--help"}


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    assert f"| {code.value} | `{code.name}` |" in _page("docs/reference/commands.md")


@pytest.mark.parametrize("code", RefusalCode, ids=str)
def test_every_refusal_is_documented(code: RefusalCode) -> None:
    assert f"| `{code}` |" in _page("docs/reference/refusals.md")


def test_no_refusal_is_documented_that_does_not_exist() -> None:
    documented = re.findall(
        r"^\| `([a-z-]+)` \|", _page("docs/reference/refusals.md"), re.MULTILINE
    )

    assert set(documented) == {str(code) for code in RefusalCode}


def test_every_extra_is_documented(pyproject: dict[str, Any]) -> None:
    page = _page("docs/install.md")
    extras = pyproject["project"]["optional-dependencies"]

    assert not [name for name in extras if f"| `sandlot[{name}]` |" not in page]


def test_links_between_our_files_lead_somewhere(texts: dict[str, str]) -> None:
    broken = [
        f"{name}: {target}"
        for name, text in texts.items()
        if name.endswith(".md")
        for target in LINK.findall(text)
        if not re.match(r"[a-z]+:", target)
        and not (ROOT / name).parent.joinpath(target.partition("#")[0] or Path(name).name).exists()
    ]

    assert not broken
