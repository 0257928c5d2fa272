from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.datadir import DataDirectoryError
from sandlot_hub.local.ports import (
    PUBLIC,
    PortInUseError,
    choose_ports,
    is_free,
    read_ports,
    write_ports,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ("hub", "offers")


def free_but(*taken: int) -> Callable[[int], bool]:
    return lambda port: port not in taken


def counting() -> Callable[[int, int], int]:
    drawn = iter(range(20_000, 21_000))
    return lambda _first, _last: next(drawn)


def choose(kept: dict[str, int], *taken: int, wanted: int | None = None) -> dict[str, int]:
    return choose_ports(kept, NAMES, wanted=wanted, free=free_but(*taken), draw=counting())


@pytest.mark.parametrize(
    ("kept", "taken", "wanted", "expected"),
    [
        pytest.param({}, (), None, {PUBLIC: 8000, "hub": 20000, "offers": 20001}, id="first"),
        pytest.param({}, (8000,), None, {PUBLIC: 20000, "hub": 20001, "offers": 20002}, id="8000-taken"),
        pytest.param({}, (), 9000, {PUBLIC: 9000, "hub": 20000, "offers": 20001}, id="wanted"),
        pytest.param(
            {PUBLIC: 9000, "hub": 30000, "offers": 30001}, (), None,
            {PUBLIC: 9000, "hub": 30000, "offers": 30001}, id="kept",
        ),
        pytest.param(
            {PUBLIC: 9000, "hub": 30000, "offers": 30001}, (30000, 20000), None,
            {PUBLIC: 9000, "hub": 20001, "offers": 30001}, id="inner-one-taken",
        ),
        pytest.param(
            {PUBLIC: 9000, "hub": 30000, "offers": 30001}, (), 30000,
            {PUBLIC: 30000, "hub": 20000, "offers": 30001}, id="wanted-is-an-inner-one",
        ),
    ],
)  # fmt: skip
def test_choice(
    kept: dict[str, int], taken: tuple[int, ...], wanted: int | None, expected: dict[str, int]
) -> None:
    assert choose(kept, *taken, wanted=wanted) == expected


def test_no_port_is_given_twice() -> None:
    drawn = iter([20_000, 20_000, 8000, 20_001])
    chosen = choose_ports({}, NAMES, free=free_but(), draw=lambda _first, _last: next(drawn))
    assert chosen == {PUBLIC: 8000, "hub": 20_000, "offers": 20_001}


@pytest.mark.parametrize(
    ("kept", "wanted"),
    [pytest.param({PUBLIC: 9000}, None, id="kept"), pytest.param({}, 9000, id="wanted")],
)
def test_the_public_port_never_changes_by_itself(kept: dict[str, int], wanted: int | None) -> None:
    with pytest.raises(PortInUseError, match=r"Port 9000 .* --port"):
        choose(kept, 9000, wanted=wanted)


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        assert not is_free(port)
    assert is_free(port)


def test_ports_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    assert read_ports(path) == {}
    write_ports(path, {PUBLIC: 8000})
    assert read_ports(path) == {PUBLIC: 8000}
    assert json.loads(path.read_text()) == {PUBLIC: 8000}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '{"public": "8000"}',
        '{"public": 0}',
        '{"public": 65536}',
        '{"hub": null}',
    ],
)
def test_a_broken_file_of_ports_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(text)
    with pytest.raises(DataDirectoryError, match=r"ports\.json is not the file"):
        read_ports(path)
