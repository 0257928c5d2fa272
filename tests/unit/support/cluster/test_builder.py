from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from support.cluster.builder import (
    KUBERNETES,
    MODULE,
    NODE_PROGRAMS,
    PROGRAMS,
    STAGES,
    build_key,
    cache_folder,
    programs,
)
from support.cluster.toolchain import Go, read_version

MODULE_FILE = (MODULE / "go.mod").read_text()


def test_the_programs_say_the_version_that_they_are_built_from() -> None:
    assert f"k8s.io/kubernetes {KUBERNETES}\n" in MODULE_FILE


def test_every_program_is_a_tool_of_the_module() -> None:
    tools = MODULE_FILE.partition("tool (")[2].split()

    assert {*PROGRAMS.values(), *NODE_PROGRAMS.values()} <= set(tools)


def test_the_parts_of_kubernetes_have_one_version() -> None:
    found = set(re.findall(r"^replace (\S+) => (\S+) (\S+)$", MODULE_FILE, re.MULTILINE))

    assert found
    assert {version for _, _, version in found} == {KUBERNETES.replace("v1.", "v0.")}
    assert all(old == new for old, new, _ in found)


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_no_address_of_a_mirror_is_in_it(name: str) -> None:
    assert "://" not in (MODULE / name).read_text()


def test_another_go_makes_another_build() -> None:
    keys = {
        build_key(Go(program=Path(program), version=version, ours=ours))
        for program, version, ours in (
            ("/usr/bin/go", "go1.26.8 linux/amd64", False),
            ("/opt/go", "go1.26.8 linux/amd64", True),
            ("/usr/bin/go", "go1.26.9 linux/amd64", False),
            ("/usr/bin/go", "go1.26.8 linux/arm64", False),
        )
    }

    assert len(keys) == 3


def test_other_programs_are_kept_apart() -> None:
    go = Go(program=Path("/usr/bin/go"), version="go1.26.8 linux/amd64", ours=False)

    assert build_key(go) == build_key(go, PROGRAMS)
    assert build_key(go) != build_key(go, NODE_PROGRAMS)


GO = """\
#!/bin/sh
case "$1 $2" in
  "version "*) echo go version go1.26.8 linux/amd64 ;;
  "list -m") echo "$FAKE_GO" ;;
  "build "*)
    while [ "$1" != -o ]; do shift; done
    echo compiled > "$2"
    basename "$2" >> "$FAKE_GO/compiled" ;;
esac
"""


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go that compiles nothing, and the file in which it notes what it was asked for."""
    for name in STAGES:
        stage = tmp_path / "kustomize/stage" / name
        stage.parent.mkdir(parents=True, exist_ok=True)
        stage.touch()
    (tmp_path / "go").write_text(GO)
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_GO", str(tmp_path))
    monkeypatch.delenv("GOCACHE", raising=False)
    return tmp_path / "compiled"


def test_what_is_asked_for_with_others_is_compiled_with_them(
    compiled: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    cache = tmp_path / "cache"
    one, other = {"a": "k8s.io/a"}, {"b": "k8s.io/b", "c": "k8s.io/c"}

    first = programs(one, also=[other], cache=cache, say=told.append)
    second = programs(other, also=[one], cache=cache, say=told.append)

    assert compiled.read_text().split() == ["a", "b", "c"]
    assert [Path(made).is_file() for made in (first["a"], second["b"], second["c"])] == [True] * 3
    assert not Path(first["b"]).exists()
    assert sum("Compiling a, b, c " in line for line in told) == 1
    assert all(stage.is_file() for made in (first, second) for stage in made.stages)


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("go version go1.26.8 linux/amd64\n", "go1.26.8 linux/amd64"),
        ("go version go1.27rc1 linux/arm64\n", "go1.27rc1 linux/arm64"),
        ("go version go1.26.8 X:nodwarf5 linux/amd64\n", "go1.26.8 linux/amd64"),
        ("go version go1.25.9 linux/amd64\n", None),
        ("go version devel\n", None),
        ("", None),
    ],
)
def test_which_go_is_new_enough(answer: str, version: str | None) -> None:
    assert read_version(answer) == version


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SANDLOT_CLUSTER_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/sandlot/cluster"),
        ({"HOME": "/h"}, "/h/.cache/sandlot/cluster"),
    ],
    ids=["chosen", "xdg", "home"],
)
def test_where_programs_are_kept(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("SANDLOT_CLUSTER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert cache_folder() == Path(folder)
