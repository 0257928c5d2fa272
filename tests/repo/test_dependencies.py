"""What we import is declared, and what is declared has a reason in the documentation."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = {
    "hub_ext/sandlot_cli/": (),
    "hub_ext/sandlot_contracts/": (),
    "hub_ext/sandlot_hub/": ("hub", "kube", "local"),
    "server_ext/sandlot_server/": ("server",),
}
PARTS = {"pydantic-core": "pydantic"}
"""Released together with the distribution that needs it."""


def declared(project: dict[str, Any], extras: tuple[str, ...]) -> set[str]:
    """Return the canonical names of what these extras of the project bring."""
    lists = [project["optional-dependencies"][extra] for extra in extras]
    wanted = [*project["dependencies"], *(each for listed in lists for each in listed)]
    return {canonicalize_name(Requirement(text).name) for text in wanted}


@pytest.mark.parametrize("package", EXTRAS)
def test_what_is_imported_is_declared(
    sources: dict[str, str], pyproject: dict[str, Any], package: str
) -> None:
    owners = packages_distributions()
    allowed = declared(pyproject["project"], EXTRAS[package])
    undeclared = {
        module
        for name, text in sources.items()
        if name.startswith(package)
        for module in _foreign_modules(text)
        if not {_distribution(each) for each in owners.get(module, [module])} & allowed
    }

    assert not undeclared


def test_what_tests_and_tools_import_is_declared(
    texts: dict[str, str], everything: set[str]
) -> None:
    owners = packages_distributions()
    scripts = {n: t for n, t in texts.items() if n.startswith(("tests/", "tools/"))}
    here = {Path(name).stem for name in scripts} | {Path(name).parts[1] for name in scripts}
    undeclared = {
        f"{name}: {module}"
        for name, text in scripts.items()
        if name.endswith(".py")
        for module in _foreign_modules(text) - here
        if not {_distribution(each) for each in owners.get(module, [module])} & everything
    }

    assert not undeclared


@pytest.fixture(scope="module")
def everything(root: Path, pyproject: dict[str, Any]) -> set[str]:
    """All that pyproject.toml and requirements/*.in name."""
    project = pyproject["project"]
    wanted = declared(project, tuple(project["optional-dependencies"])) - {"sandlot"}
    for inputs in root.glob("requirements/*.in"):
        lines = [line for line in inputs.read_text().splitlines() if line[:1].isalpha()]
        wanted |= {canonicalize_name(Requirement(line).name) for line in lines}
    return wanted


def test_every_dependency_has_its_reason(root: Path, everything: set[str]) -> None:
    page = (root / "docs/dependencies.md").read_text()

    assert not {name for name in everything if f"| {name} |" not in page}


def _foreign_modules(text: str) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules.add(node.module.partition(".")[0])
    ours = {each for each in modules if each.startswith("sandlot_")}
    return modules - ours - sys.stdlib_module_names


def _distribution(name: str) -> str:
    canonical = canonicalize_name(name)
    return PARTS.get(canonical, canonical)
