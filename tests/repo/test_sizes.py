"""The house numbers: a file and a function that can be read in one go."""

from __future__ import annotations

import ast
import statistics

import pytest

LIMITS = [
    # prefix, suffix, lines
    ("hub_ext/sandlot_hub/domain/", ".py", 250),
    ("hub_ext/sandlot_hub/spawner/", ".py", 250),
    ("", ".py", 400),
    ("labextension/src/", (".ts", ".tsx"), 300),
    ("hub_ext/sandlot_hub/spawner/static/", ".js", 300),
    ("hub_ext/sandlot_hub/spawner/static/", ".css", 400),
]
GENERATED = "generated"
LONGEST_FUNCTION = 80
MEDIAN_FUNCTION = 15


@pytest.mark.parametrize(
    ("prefix", "suffix", "limit"), [pytest.param(*row, id=f"{row[0]}*{row[1]}") for row in LIMITS]
)
def test_files_are_short(
    texts: dict[str, str], prefix: str, suffix: str | tuple[str, ...], limit: int
) -> None:
    long = {
        name: text.count("\n")
        for name, text in texts.items()
        if name.startswith(prefix)
        and name.endswith(suffix)
        and text.count("\n") > limit
        and GENERATED not in text[:300].lower()
    }

    assert not long


def test_no_function_is_long(texts: dict[str, str]) -> None:
    lengths = _function_lengths({n: t for n, t in texts.items() if n.endswith(".py")})

    assert not {name: size for name, size in lengths.items() if size > LONGEST_FUNCTION}


def test_functions_are_short_as_a_rule(sources: dict[str, str]) -> None:
    assert statistics.median(_function_lengths(sources).values()) <= MEDIAN_FUNCTION


def _function_lengths(texts: dict[str, str]) -> dict[str, int]:
    """Return the lines of each function, by file, line and name."""
    return {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
