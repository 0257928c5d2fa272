"""What is wrong with settings, in words for the person who wrote them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import override

from sandlot_hub.domain.settings.base import Slug

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from .yaml_document import Location

_SLUG_PATTERN = get_args(Slug)[1].pattern
_SLUG_RULE = "lower-case letters, digits and single hyphens, beginning with a letter"
_SENTENCES = {
    "missing": "is missing",
    "too_short": "is empty; it needs at least one entry",
    "model_type": "VALUE is not a mapping of keys to values",
    "dict_type": "VALUE is not a mapping of keys to values",
    "tuple_type": "VALUE is not a list",
    "string_pattern_mismatch": "VALUE has characters that cannot stand here",
}
"""By pydantic's type of error; the wrong value takes the place of VALUE."""
_SHOWN = 20
"""More problems than these are counted, not shown."""
_QUOTED = 60
"""Characters of a wrong value that are quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsProblem:
    """One thing that is wrong."""

    path: str
    """Dotted, such as ``profiles.gpu.sizes[0]``; empty for the file as a whole."""
    message: str
    """What is wrong, one sentence without its subject."""
    allowed: tuple[str, ...] = ()
    """What may stand there instead, when that is a short list."""
    line: int | None = None
    """Line in the file, from 1, when it came from a file."""

    @override
    def __str__(self) -> str:
        """Return the problem as the lines that are printed below the name of the file."""
        line = "" if self.line is None else f"line {self.line}"
        where = f"{self.path} ({line})" if self.path and line else self.path or line
        text = f"  {where}: {self.message}" if where else f"  {self.message}"
        return f"{text}\n    allowed: {', '.join(self.allowed)}" if self.allowed else text


class SettingsError(Exception):
    """Settings that cannot be used. Its text names file, path, problem and allowed values."""

    def __init__(self, source: str, problems: Sequence[SettingsProblem]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = tuple(problems)

    @override
    def __str__(self) -> str:
        """Return the whole report, for a terminal or a log."""
        lines = [f"The settings in {self.source} are wrong:"]
        lines += [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"  and {len(self.problems) - _SHOWN} more")
        return "\n".join(lines)


def dotted(location: Location) -> str:
    """Return ``profiles.gpu.sizes[0]`` for ``("profiles", "gpu", "sizes", 0)``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def problems_of(
    error: ValidationError, model: type[BaseModel], lines: Mapping[Location, int]
) -> tuple[SettingsProblem, ...]:
    """Return pydantic's errors as problems, each with the line of its value."""
    return tuple(
        _problem(details, model, lines)
        for details in error.errors(include_url=False)
        # A list with a wrong entry is called empty as well, because none is left of it.
        if not (details["type"] == "too_short" and details["input"])
    )


def _problem(
    details: ErrorDetails, model: type[BaseModel], lines: Mapping[Location, int]
) -> SettingsProblem:
    location = tuple(part for part in details["loc"] if part != "[key]")
    message, allowed = _sentence(details, location, model)
    return SettingsProblem(
        path=dotted(location), message=message, allowed=allowed, line=_line(location, lines)
    )


def _line(location: Location, lines: Mapping[Location, int]) -> int | None:
    """Return the line of the value, or of the nearest thing around it that has one."""
    for end in range(len(location), -1, -1):
        if location[:end] in lines:
            return lines[location[:end]]
    return None


def _sentence(
    details: ErrorDetails, location: Location, model: type[BaseModel]
) -> tuple[str, tuple[str, ...]]:
    """Return what is wrong and what is allowed."""
    kind = details["type"]
    quoted = _quoted(details["input"])
    context = details.get("ctx", {})
    if "problem" in context:  # a rule of the domain, with its own words
        near = _near(details["input"], context["allowed"].split(", "))
        return f"{context['problem']}{near}", (context["allowed"],)
    if kind == "extra_forbidden":
        return _unknown_key(location, model)
    if kind == "value_error":
        return str(context["error"]), ()
    if kind == "literal_error":
        return f"{quoted} is not known here", (context["expected"],)
    if kind == "string_pattern_mismatch" and context["pattern"] == _SLUG_PATTERN:
        return f"{quoted} is not a slug", (_SLUG_RULE,)
    # "Input should be a valid string" and its kin: say what stood there, too.
    sentence = _SENTENCES.get(kind, f"VALUE: {details['msg'].removeprefix('Input ')}")
    return sentence.replace("VALUE", quoted, 1), ()


def _unknown_key(location: Location, model: type[BaseModel]) -> tuple[str, tuple[str, ...]]:
    key = str(location[-1])
    owner = _model_at(location[:-1], model)
    known = tuple(owner.model_fields) if owner else ()
    return f"there is no such key{_near(key, known)}", known


def _near(wrong: object, known: Sequence[str]) -> str:
    """Return ``; did you mean 'small'?`` when one of `known` looks like it."""
    near = difflib.get_close_matches(str(wrong), known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _model_at(location: Location, model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model whose fields are the keys at `location`."""
    kind: Any = model
    for part in location:
        kind = _inside(kind, part)
    kind = _plain(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _inside(kind: Any, part: str | int) -> Any:
    """Return the type of what `part` leads to: a field, a value of a mapping or an item."""
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _plain(kind: Any) -> Any:
    """Return the type without ``| None`` and without annotations."""
    while True:
        if hasattr(kind, "__metadata__"):
            kind = get_args(kind)[0]
        elif get_origin(kind) in {Union, UnionType}:
            kind = next((item for item in get_args(kind) if item is not type(None)), None)
        else:
            return kind


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
