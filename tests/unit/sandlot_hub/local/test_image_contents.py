"""Tests of what is told about the inside of an image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.images import Package
from sandlot_hub.local.image_contents import built_at, direct_packages, size_on_disk

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """# locked
--index-url https://example.org/simple
dask==2026.10.0 \\
    --hash=sha256:aa
numpy==2.4.1 --hash=sha256:bb
Scikit_Learn==1.9.0 ; python_version > "3"
psutil==7.2
./wheel.whl --hash=sha256:cc
"""


def packages(folder: Path, text: str | None) -> list[str]:
    path = folder / "requirements.in"
    if text is not None:
        path.write_text(text)
    return [f"{each.name} {each.version}" for each in direct_packages(path, LOCK)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("numpy>=2\ndask\n", ["numpy 2.4.1", "dask 2026.10.0"], id="in-its-order"),
        pytest.param("dask[distributed]>=2026.1\n", ["dask 2026.10.0"], id="extras"),
        pytest.param("scikit-learn>=1.7\n", ["scikit-learn 1.9.0"], id="names-as-pip-compares"),
        pytest.param("NumPy==2.*  # fast\n\n# psutil\n", ["NumPy 2.4.1"], id="comments"),
        pytest.param("dask\ndask\n", ["dask 2026.10.0"], id="twice"),
        pytest.param("missing\nnumpy\n", ["numpy 2.4.1"], id="not-in-the-lock"),
        pytest.param("-c other.lock\n--pre\nnumpy", ["numpy 2.4.1"], id="options"),
        pytest.param("-r requirements.in\nnumpy", ["numpy 2.4.1"], id="a-circle"),
        pytest.param("-r nothing.in\nnumpy", ["numpy 2.4.1"], id="includes-nothing"),
        pytest.param("", [], id="empty"),
        pytest.param(None, [], id="no-file"),
    ],
)
def test_what_an_image_is_made_for(tmp_path: Path, text: str | None, expected: list[str]) -> None:
    assert packages(tmp_path, text) == expected


def test_a_comment_of_another_encoding_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.in").write_bytes(b"# caf\xe9\nnumpy\n")
    assert direct_packages(tmp_path / "requirements.in", LOCK) == (
        Package(name="numpy", version="2.4.1"),
    )


def test_what_is_included_comes_last(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/requirements.in").write_text("psutil\ndask\n")
    found = packages(tmp_path, "-r base/requirements.in\nnumpy\ndask\n")
    assert found == ["numpy 2.4.1", "dask 2026.10.0", "psutil 7.2"]


def test_packages_are_wire_types(tmp_path: Path) -> None:
    (tmp_path / "requirements.in").write_text("numpy")
    assert direct_packages(tmp_path / "requirements.in", LOCK) == (
        Package(name="numpy", version="2.4.1"),
    )


def test_the_size_counts_what_lies_on_disk(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep/er").mkdir(parents=True)
    before = size_on_disk(tree)
    (tree / "deep/er/data").write_bytes(os.urandom(100_000))
    one = size_on_disk(tree)
    assert 100_000 <= one - before < 150_000
    os.link(tree / "deep/er/data", tree / "again")
    assert size_on_disk(tree) - one < 5_000
    (tree / "elsewhere").symlink_to("/")
    (tree / "nowhere").symlink_to("/nothing/here")
    assert size_on_disk(tree) - one < 20_000


def test_the_size_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        size_on_disk(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        pytest.param(
            b'{"built": "2026-11-21T10:00:00.123456+00:00"}', "2026-11-21T10:00:00Z", id="utc"
        ),
        pytest.param(
            b'{"built": "2026-11-21T10:00:00+02:00"}', "2026-11-21T08:00:00Z", id="elsewhere"
        ),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"{", None, id="cut"),
        pytest.param(b"\xff", None, id="no-text"),
        pytest.param(b"[]", None, id="another-thing"),
        pytest.param(b"{}", None, id="no-time"),
        pytest.param(b'{"built": 5}', None, id="a-number"),
        pytest.param(b'{"built": "yesterday"}', None, id="a-word"),
    ],
)
def test_when_it_was_built(note: bytes, expected: str | None) -> None:
    assert built_at(note) == expected
