from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.yaml_document import (
    MAXIMUM_BYTES,
    Document,
    DocumentError,
    parse_document,
    read_document,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("no", "no", id="no is a word"),
        pytest.param("on", "on", id="on is a word"),
        pytest.param("true", True, id="true"),
        pytest.param("~", None, id="nothing"),
        pytest.param("", None, id="left out"),
        pytest.param("010", 10, id="leading zero is no octal"),
        pytest.param("1:30", "1:30", id="no sexagesimal number"),
        pytest.param("2026-10-01", "2026-10-01", id="no date"),
        pytest.param("0x10", "0x10", id="no hexadecimal"),
        pytest.param("-3", -3, id="negative"),
        pytest.param("0.5", 0.5, id="fraction"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".inf", ".inf", id="no infinity"),
        pytest.param("'2'", "2", id="quoted"),
        pytest.param("9" * 19, "9" * 19, id="too long for a number"),
    ],
)
def test_scalars_are_what_they_look_like(written: str, meant: object) -> None:
    document = parse_document(f"key: {written}\n")

    assert document.data == {"key": meant}


def test_json_is_read_too() -> None:
    assert parse_document('{"a": [1, "x", null]}').data == {"a": [1, "x", None]}


def test_every_value_has_its_line() -> None:
    document = parse_document("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")

    assert document.lines[("a", "b")] == 2
    assert document.lines[("a", "c", 1)] == 5
    assert document.lines[("a", "c", 1, "y")] == 5


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("a: &x {p: 1}\nb: *x\n", {"a": {"p": 1}, "b": {"p": 1}}, id="alias is a copy"),
        pytest.param(
            "a: &x {p: 1, q: 1}\nb: {<<: *x, q: 2}\n",
            {"a": {"p": 1, "q": 1}, "b": {"p": 1, "q": 2}},
            id="own key wins over a merged one",
        ),
        pytest.param(
            "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}\n",
            {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}},
            id="the first merged one wins",
        ),
    ],
)
def test_aliases_and_merges_work(text: str, data: object) -> None:
    assert parse_document(text).data == data


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join(['*' + chr(97 + level)] * 9)}]\n"
    for level in range(8)
)


@pytest.mark.parametrize(
    ("text", "sentence", "line"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", "'a' twice, first in line 1", 3, id="duplicate key"),
        pytest.param("a: {<<: {}, <<: {}}\n", "'<<' twice", 1, id="two merges"),
        pytest.param("a: {<<: 3}\n", "not a mapping", 1, id="merge of a scalar"),
        pytest.param(
            "\na: !!python/object/apply:os.system ['true']\n", "python/object", 2, id="object"
        ),
        pytest.param("a: !!binary aGk=\n", "binary", 1, id="binary"),
        pytest.param("a: !!int x\n", "int", 1, id="explicit scalar tag"),
        pytest.param("a: &a [*a]\n", "nested deeper", 1, id="endless alias"),
        pytest.param("\n" + "[" * 5000, "nested deeper", 2, id="deep"),
        pytest.param(BOMB, "50000 values", 1, id="bomb"),
        pytest.param("a: [\n", "not valid YAML", 2, id="unfinished"),
        pytest.param("a: \t- b\n", "not valid YAML", 1, id="tab"),
        pytest.param("a: *nothing\n", "undefined alias", 1, id="unknown alias"),
        pytest.param("a: 1\n---\nb: 2\n", "another document", 2, id="two documents"),
        pytest.param("? [a]\n: 1\n", "not a plain word", 1, id="list as key"),
        pytest.param("\0", "not text", None, id="control character"),
        pytest.param("# nothing\n", "is empty", None, id="only a comment"),
    ],
)
def test_what_is_no_document_is_refused_with_its_line(
    text: str, sentence: str, line: int | None
) -> None:
    with pytest.raises(DocumentError, match=sentence) as caught:
        parse_document(text)

    assert caught.value.line == line


def test_a_file_is_read_as_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\n")

    assert read_document(path).data == {"name": "café"}


def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"a: 1\nname: caf\xe9\n")

    with pytest.raises(DocumentError, match="UTF-8") as caught:
        read_document(path)
    assert caught.value.line == 2


def test_the_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"#" * MAXIMUM_BYTES)
    with pytest.raises(DocumentError, match="is empty"):
        read_document(path)

    path.write_bytes(b"#" * (MAXIMUM_BYTES + 1))
    with pytest.raises(DocumentError, match="larger than 256 KiB"):
        read_document(path)


def test_a_missing_file_a_folder_and_a_pipe_are_told_apart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(DocumentError, match="does not exist"):
        read_document(tmp_path / "nothing")
    with pytest.raises(DocumentError, match="is not a file"):
        read_document(tmp_path)
    with pytest.raises(DocumentError, match="is not a file"):
        read_document(tmp_path / "pipe")


def test_a_document_without_lines_can_be_made() -> None:
    assert Document(data={}).lines == {}
