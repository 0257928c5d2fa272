"""Arrows between packages, and what each folder says of itself."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from support.house import BIN

if TYPE_CHECKING:
    from pathlib import Path

OURS = {"sandlot_cli", "sandlot_contracts", "sandlot_hub", "sandlot_server"}
THEIRS = {"aiohttp", "jupyterhub", "pydantic", "sqlalchemy", "tornado", "traitlets", "yaml"}
LEAF = {"sandlot_contracts.exits"}
SENTENCE = 40
"""A docstring shorter than this cannot say what may live in a folder and what may not."""


def test_import_contracts_hold(root: Path) -> None:
    command = [str(BIN / "lint-imports"), "--no-cache"]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_every_service_is_in_the_independence_contract(
    root: Path, pyproject: dict[str, Any]
) -> None:
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    listed = next(row["modules"] for row in contracts if row["id"] == "services-independent")
    folders = (root / "hub_ext/sandlot_hub/services").glob("*/__init__.py")

    assert set(listed) == {f"sandlot_hub.services.{path.parent.name}" for path in folders}


def test_every_folder_says_what_lives_there(sources: dict[str, str]) -> None:
    silent = [
        name
        for name, text in sources.items()
        if name.endswith("__init__.py") and len(ast.get_docstring(ast.parse(text)) or "") < SENTENCE
    ]

    assert not silent


def test_every_folder_of_modules_is_a_package(sources: dict[str, str]) -> None:
    folders = {name.rpartition("/")[0] for name in sources}

    assert not [name for name in folders if f"{name}/__init__.py" not in sources]


def test_the_command_line_imports_nothing_of_ours_but_the_exit_codes() -> None:
    """`sandlot --help` and a user's `sandlot doctor` must not need the hub's packages."""
    ours = {name for name in _modules_after("import sandlot_cli.main") if _top(name) in OURS}

    assert ours == {"sandlot_cli", "sandlot_cli.main", "sandlot_contracts", *LEAF}
    assert not THEIRS & {_top(name) for name in _modules_after("import sandlot_contracts.exits")}


def test_importing_the_domain_needs_no_hub() -> None:
    modules = _modules_after("import sandlot_hub.domain.offers.profiles")

    assert not (THEIRS - {"pydantic"}) & {_top(name) for name in modules}


def test_the_domain_reads_no_clock_and_no_file(sources: dict[str, str]) -> None:
    """Import contracts see modules; `datetime.now` and `open` need none."""
    forbidden = {"now", "utcnow", "today", "open", "print", "input"}
    found = [
        f"{name}:{node.lineno} {_called(node)}"
        for name, text in sources.items()
        if name.startswith("hub_ext/sandlot_hub/domain/")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and _called(node) in forbidden
    ]

    assert not found


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after `statement`."""
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


def _top(name: str) -> str:
    return name.partition(".")[0]
