"""What a module says it exports is there."""

from __future__ import annotations

import importlib

from support.house import PACKAGES, ROOT


def test_all_names_exist_and_are_sorted(sources: dict[str, str]) -> None:
    wrong: list[str] = []
    for name, text in sources.items():
        if "__all__" not in text:
            continue
        module = importlib.import_module(_dotted(name))
        listed = list(module.__all__)
        wrong += [f"{name}: {export}" for export in listed if not hasattr(module, export)]
        wrong += [f"{name}: not sorted"] if listed != sorted(listed) else []

    assert not wrong


def test_every_package_is_typed(sources: dict[str, str]) -> None:
    assert sources
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file(), package


def _dotted(name: str) -> str:
    return name.partition("/")[2].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
