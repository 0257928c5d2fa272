"""What is generated from the settings models is fresh, and what is written by hand fits them."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # comes with jupyter-events
import pytest
from pydantic import BaseModel

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.adapters.yaml_document import read_document
from sandlot_hub.commands.check import command
from sandlot_hub.domain.settings import model as settings_module
from sandlot_hub.domain.settings.base import SettingsModel
from sandlot_hub.domain.settings.model import SandlotSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config/settings.yaml"
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
FILES = [pytest.param(path, id=path.name) for path in (SHIPPED, *EXAMPLES)]
REFERENCE = ROOT / "docs/reference/settings.md"


def test_schema_and_reference_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "tools/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def _models() -> Iterator[type[BaseModel]]:
    """Yield the models of the settings that stand somewhere in the file."""
    for each in vars(settings_module).values():
        if isinstance(each, type) and issubclass(each, BaseModel):
            bases = {SettingsModel, settings_module.CatalogueEntry, BaseModel}
            if each not in bases:
                yield each


def test_every_key_is_in_the_reference_with_its_meaning() -> None:
    """Asked of the models, not of the generator, so that it cannot leave something out."""
    text = REFERENCE.read_text(encoding="utf-8")
    missing = [
        f"{model.__name__}.{name}"
        for model in _models()
        for name, field in model.model_fields.items()
        if not re.search(
            rf"^\| `{name}` \|.*{re.escape(' '.join((field.description or '?').split()))}",
            text,
            re.MULTILINE,
        )
    ]

    assert not missing


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param("max_running", "a whole number of at least 1, at most 1000000", id="whole"),
        pytest.param("price", "a number of at least 0, at most 1000000", id="number"),
        pytest.param("weight", "a number above 0, at most 1000000", id="above"),
        pytest.param("repository", "such as `our-lab/notebook`,", id="examples"),
        pytest.param("images", "a list of slugs, at least one", id="slugs"),
        pytest.param("allow", "a list of mappings, see below, at least one", id="mappings"),
        pytest.param("groups", "a list of texts", id="texts"),
        pytest.param("node_selector", "a mapping from texts to texts", id="text-to-text"),
        pytest.param("homes", "one of the mappings below, told apart by `kind`", id="kinds"),
        pytest.param("per", "`user` or `server`", id="choices"),
    ],
)
def test_the_reference_says_what_a_key_takes(key: str, words: str) -> None:
    assert f"| `{key}` | {words}" in REFERENCE.read_text(encoding="utf-8")


def test_there_are_examples() -> None:
    assert {path.name for path in EXAMPLES} >= {"minimal.yaml", "teaching.yaml", "gpu.yaml"}


@pytest.mark.parametrize("path", FILES)
def test_every_file_is_right(path: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    run = command(parser)

    arguments = parser.parse_args([str(path)], argparse.Namespace(data_dir=tmp_path))
    assert run(arguments) == ExitCode.OK


@pytest.mark.parametrize("path", FILES)
def test_every_file_fits_the_json_schema(path: Path) -> None:
    schema = json.loads((ROOT / "config/settings.schema.json").read_text(encoding="utf-8"))

    jsonschema.validate(read_document(path).data, schema)


def test_the_json_schema_refuses_what_the_models_refuse() -> None:
    schema = json.loads((ROOT / "config/settings.schema.json").read_text(encoding="utf-8"))
    document: Any = read_document(SHIPPED).data
    document["sizes"]["small"]["memroy"] = "1 GiB"

    with pytest.raises(jsonschema.ValidationError, match="memroy"):
        jsonschema.validate(document, schema)


@pytest.mark.parametrize("path", FILES)
def test_every_file_tells_editors_its_schema(path: Path) -> None:
    match = re.search(r"yaml-language-server: \$schema=(\S+)", path.read_text(encoding="utf-8"))

    assert match is not None
    assert (path.parent / match[1]).resolve() == ROOT / "config/settings.schema.json"


def test_the_shipped_file_serves_two_groups_and_a_machine_without_gpu() -> None:
    settings = load_settings(SHIPPED).settings

    groups = {group for each in settings.profiles.values() for group in each.allow.groups}
    assert len(groups) >= 2
    assert any(not each.allow.groups for each in settings.profiles.values())
    assert {each.local for each in settings.images.values()} == {"base", "scipy"}
    assert any(each.accelerator for each in settings.sizes.values())
    assert all((ROOT / "images" / (each.local or "")).is_dir() for each in settings.images.values())


def test_the_examples_use_every_key() -> None:
    """Annotated examples are where people look first."""
    used: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            used.update(value)
            for each in value.values():
                collect(each)
        if isinstance(value, list):
            for each in value:
                collect(each)

    for path in (SHIPPED, *EXAMPLES):
        collect(read_document(path).data)
    keys = {name for model in _models() for name in model.model_fields}
    assert SandlotSettings.model_fields.keys() <= keys
    assert keys <= used
