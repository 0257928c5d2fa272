"""YAML as an administrator means it, and nothing that a parser can be tricked with.

The scalars are those of the YAML 1.2 core schema, so that ``no``, ``on``, ``010``
and ``1:30`` are what they look like: two words, a ten and a text. Anchors, aliases
and ``<<`` work within a budget; tags that make objects, keys that occur twice and
deep nesting are refused. Every value keeps its line for the messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Location: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root to a value."""

MAXIMUM_BYTES = 256 * 1024
"""A settings file for a thousand images is smaller than this."""
MAXIMUM_DEPTH = 20
"""The settings have six levels."""
MAXIMUM_VALUES = 50_000
"""Counted after aliases are expanded, so that they cannot multiply without end."""

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(
    r"[-+]?(?:(?:\.[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,18})(?:[eE][-+]?[0-9]{1,2})?"
    r"|[0-9]{1,18}[eE][-+]?[0-9]{1,2})"
)
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class DocumentError(Exception):
    """A file that is not a document; the text is a sentence."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file says, and where."""

    data: object
    lines: Mapping[Location, int] = field(default_factory=lambda: MappingProxyType({}))
    """Line numbers, from 1, by location."""


def read_document(path: Path) -> Document:
    """Return the document in a file of at most `MAXIMUM_BYTES`, encoded in UTF-8.

    Raises
    ------
    DocumentError
        With a sentence, for anything that is not one.
    """
    try:
        if not path.is_file():
            message = "is not a file" if path.exists() else "does not exist"
            raise DocumentError(message)
        with path.open("rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise DocumentError(message) from error
    if len(content) > MAXIMUM_BYTES:
        message = f"is larger than {MAXIMUM_BYTES // 1024} KiB, so it cannot be a settings file"
        raise DocumentError(message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "is not encoded in UTF-8; save it again as UTF-8"
        raise DocumentError(message, line=line) from error
    return parse_document(text)


def parse_document(text: str) -> Document:
    """Return the one YAML (or JSON) document in `text`.

    Raises
    ------
    DocumentError
        If it is no YAML, or uses what the module's docstring excludes.
    """
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        message = f"is not valid YAML: {error.problem or error.context}"
        raise DocumentError(message, line=line) from error
    except yaml.YAMLError as error:
        message = "is not valid YAML: it contains characters that are not text"
        raise DocumentError(message) from error
    if node is None:
        message = "is empty"
        raise DocumentError(message)
    builder = _Builder()
    return Document(data=builder.build(node, ()), lines=builder.lines)


class _Loader(yaml.SafeLoader):
    """Composes nodes; resolves no more than strings and ``<<`` (see `_Builder`)."""

    yaml_implicit_resolvers: dict[str, Any] = {"<": [(f"{_TAG}merge", re.compile("<<"))]}  # noqa: RUF012 (PyYAML's own attribute)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    @override
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse depth here already, because composing is recursive."""
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            message = f"is nested deeper than {MAXIMUM_DEPTH} levels"
            raise DocumentError(message, line=self.line + 1)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Builder:
    """Makes plain values of nodes and remembers their lines."""

    def __init__(self) -> None:
        self.lines: dict[Location, int] = {}
        self._values = 0

    def build(self, node: yaml.Node, at: Location) -> object:
        """Return the value of `node`, which stands at the location `at`."""
        self._values += 1
        line = node.start_mark.line + 1
        if self._values > MAXIMUM_VALUES:
            message = f"has more than {MAXIMUM_VALUES} values once its aliases are expanded"
            raise DocumentError(message, line=line)
        if len(at) > MAXIMUM_DEPTH:
            # An alias inside its own anchor gets here: it has no end.
            message = f"is nested deeper than {MAXIMUM_DEPTH} levels"
            raise DocumentError(message, line=line)
        self.lines.setdefault(at, line)
        match node:
            case yaml.ScalarNode():
                return _scalar(node, line)
            case yaml.SequenceNode() if node.tag == f"{_TAG}seq":
                return [self.build(item, (*at, index)) for index, item in enumerate(node.value)]
            case yaml.MappingNode() if node.tag == f"{_TAG}map":
                return self._mapping(node, at)
        raise _bad_tag(node, line)

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[object, object]:
        inherited: dict[object, object] = {}
        own: dict[object, object] = {}
        seen: dict[object, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                message = "has a key that is not a plain word"
                raise DocumentError(message, line=line)
            key = key_node.value
            if key in seen:
                message = f"has the key {key[:60]!r} twice, first in line {seen[key]}"
                raise DocumentError(message, line=line)
            seen[key] = line
            if key_node.tag == f"{_TAG}merge":
                inherited = self._merged(value_node, at, line)
            else:
                self.lines[(*at, key)] = line
                own[key] = self.build(value_node, (*at, key))
        return {**inherited, **own}

    def _merged(self, node: yaml.Node, at: Location, line: int) -> dict[object, object]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[object, object] = {}
        for source in sources:
            value = self.build(source, at)
            if not isinstance(value, dict):
                message = "merges (`<<`) something that is not a mapping"
                raise DocumentError(message, line=line)
            # The first source wins, as in the YAML merge type.
            merged = {**value, **merged}
        return merged


def _scalar(node: yaml.ScalarNode, line: int) -> object:
    text: str = node.value
    if node.tag != f"{_TAG}str":
        raise _bad_tag(node, line)
    if node.style is not None:
        return text
    if text in _NOTHING:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _bad_tag(node: yaml.Node, line: int) -> DocumentError:
    message = f"uses the tag {node.tag[:80]!r}; only plain text, numbers, lists and mappings"
    return DocumentError(f"{message} are allowed", line=line)
