"""Editing ``c`` so that an administrator finds everything again that they wrote into it.

Three manners, after the table in docs/architecture.md: a key is *taken* (Sandlot's
value stands, the administrator's is named), *merged into* (theirs stay, ours are
added) or *offered* (ours is a default). Each leaves an `Expectation`, by which the
start of the hub checks that nothing has been overwritten since.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from traitlets.config.loader import LazyConfigValue

from .refusal import InstallRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from traitlets.config import Config


class Must(Enum):
    """What an expectation says of a key."""

    EQUAL = "equal"
    CONTAIN = "contain"
    BE_ABSENT = "be absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must still be in the configuration when the hub starts."""

    sections: tuple[str, ...]
    """Where the key may stand; the first that has it wins."""
    key: str
    must: Must
    value: Any = None
    """What the key must equal or contain."""

    @property
    def name(self) -> str:
        """The key as an administrator writes it."""
        return f"c.{self.sections[-1]}.{self.key}"

    def holds(self, config: Config) -> bool:
        """Return whether the loaded configuration still says so."""
        sections = [config.get(name, {}) for name in self.sections]
        found = [section[self.key] for section in sections if self.key in section]
        match self.must:
            case Must.BE_ABSENT:
                return not found
            case Must.EQUAL:
                return bool(found) and bool(found[0] == self.value)
            case Must.CONTAIN:
                return bool(found) and self.value in found[0]


@dataclass(kw_only=True)
class ConfigEditor:
    """One pass over ``c``. Values are never logged: some are secrets."""

    config: Config
    touched: list[str] = field(default_factory=list)
    """Keys that were written, as ``Class.key``."""
    notes: list[str] = field(default_factory=list)
    """Sentences about explicit values that are not used, or that switch something off."""
    expectations: list[Expectation] = field(default_factory=list)

    def has(self, section: str, key: str) -> bool:
        """Return whether the administrator (or an earlier `install`) set the key."""
        return key in self.config.get(section, {})

    def get(self, section: str, key: str, default: Any = None) -> Any:
        """Return the value of a key, without making the empty entry that ``c.A.b`` makes."""
        return self.config[section][key] if self.has(section, key) else default

    def container(self, section: str, key: str, empty: Any) -> Any:
        """Return a list, set or mapping, also from ``c.A.b.append(…)`` and its kin."""
        value = self.get(section, key, empty)
        return value.get_value(empty) if isinstance(value, LazyConfigValue) else value

    def take(self, sections: tuple[str, ...], key: str, value: Any, why: str) -> None:
        """Set a key that Sandlot owns in the last, most general section, and clear the others."""
        self.clear(sections[:-1], key, why)
        general = sections[-1]
        if self.get(general, key, value) != value:
            self._name(general, key, why)
        self.put(sections, key, value)

    def put(self, sections: tuple[str, ...], key: str, value: Any) -> None:
        """Set a key of Sandlot's own, whatever it holds."""
        self._set(sections[-1], key, value)
        self._expect(sections, key, Must.EQUAL, value)

    def forbid(self, section: str, key: str, why: str) -> None:
        """Remove a key that contradicts a taken one."""
        self.clear((section,), key, why)
        self._expect((section,), key, Must.BE_ABSENT)

    def clear(self, sections: Iterable[str], key: str, why: str) -> None:
        """Remove a key that would win over a taken one, or that does nothing here."""
        for section in sections:
            if self.has(section, key):
                del self.config[section][key]
                self._name(section, key, why)

    def offer(self, sections: tuple[str, ...], key: str, value: Any) -> None:
        """Set a default in the most general section, unless some section has the key."""
        if not any(self.has(section, key) for section in sections):
            self._set(sections[-1], key, value)

    def merge_named(self, section: str, key: str, entries: Iterable[Mapping[str, Any]]) -> None:
        """Append entries to a list whose items have a ``name``; a name belongs to one side."""
        merged = list(self.container(section, key, []))
        theirs = {item.get("name"): item for item in merged}
        for entry in entries:
            if entry["name"] not in theirs:
                merged.append(copy.deepcopy(dict(entry)))
            elif theirs[entry["name"]] != entry:
                message = (
                    f"c.{section}.{key} already has an entry named {entry['name']!r}, "
                    "which is a name of Sandlot's. Give yours another name."
                )
                raise InstallRefusedError(message)
            self._expect((section,), key, Must.CONTAIN, dict(entry))
        self._set(section, key, merged)

    def merge_list(self, section: str, key: str, entries: Iterable[Any]) -> None:
        """Append what is not yet in a list; the administrator's come first, so that they win."""
        merged = list(self.container(section, key, []))
        for entry in entries:
            if entry not in merged:
                merged.append(entry)
            self._expect((section,), key, Must.CONTAIN, entry)
        self._set(section, key, merged)

    def merge_set(self, section: str, key: str, entries: Iterable[Any]) -> None:
        """Add to a set."""
        ours = set(entries)
        self._set(section, key, set(self.container(section, key, set())) | ours)
        for entry in sorted(ours):
            self._expect((section,), key, Must.CONTAIN, entry)

    def merge_mapping(self, section: str, key: str, entries: Mapping[str, Any]) -> None:
        """Add to a mapping; entries of the administrator with the same name stay."""
        self._set(section, key, {**entries, **self.container(section, key, {})})
        for entry in entries:
            self._expect((section,), key, Must.CONTAIN, entry)

    def _set(self, section: str, key: str, value: Any) -> None:
        self.config[section][key] = value
        name = f"{section}.{key}"
        if name not in self.touched:
            self.touched.append(name)

    def _name(self, section: str, key: str, why: str) -> None:
        self.notes.append(f"c.{section}.{key} is set, but not used: {why}.")

    def _expect(self, sections: tuple[str, ...], key: str, must: Must, value: Any = None) -> None:
        self.expectations.append(Expectation(sections=sections, key=key, must=must, value=value))
