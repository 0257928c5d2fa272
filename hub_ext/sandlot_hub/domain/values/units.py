"""Units, parsed once: memory, CPU, durations and counts.

Everywhere behind the settings a quantity is a number in its base unit: bytes,
cores, seconds. Binary prefixes are powers of 1024 (``Ki Mi Gi Ti``, also written
``KiB`` …); decimal ones powers of 1000 (``k M G T``, also ``kB`` …), as in
IEC 80000-13 and the Kubernetes quantity format. Every ``format_…`` is the exact
inverse of its ``parse_…``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

# ASCII digits only: `\d` would take those of every script.
_MEMORY = re.compile(r"([0-9]{1,16}(?:\.[0-9]{1,9})?) ?(Ki|Mi|Gi|Ti|k|M|G|T)?B?")
_MEMORY_FACTORS = {
    "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4,
    "k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4,
}  # fmt: skip
_MEMORY_MAXIMUM = 1024**5
_CPU = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(m)?")
_CPU_MAXIMUM = 10_000
_DURATION_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(d|h|min|m|s|ms)(?: +|$|(?=[0-9]))")
_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION_MAXIMUM = 366 * 86_400_000
_COUNT = re.compile(r"[0-9]{1,4}")
_COUNT_MAXIMUM = 1024
_QUOTED = 40
"""How much of a wrong value a message repeats, in characters."""


def parse_memory(value: object) -> int:
    """Return bytes from ``"4 GiB"``, ``"512M"`` or a whole number of bytes.

    Raises
    ------
    ValueError
        If the text has no known unit, is not a whole number of bytes, is not
        positive, or is above 1 PiB.
    """
    if isinstance(value, str):
        size = _whole_bytes(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        msg = "memory must be text like '4 GiB', or a whole number of bytes"
        raise ValueError(msg)  # noqa: TRY004 (pydantic makes a field's error of ValueError only)
    if not 0 < size <= _MEMORY_MAXIMUM:
        msg = "memory must be more than 0 and at most 1 PiB"
        raise ValueError(msg)
    return size


def _whole_bytes(text: str) -> int:
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        msg = (
            f"{text[:_QUOTED]!r} is not a memory size; write a number and one of "
            "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, such as '4 GiB'"
        )
        raise ValueError(msg)
    exact = Decimal(match[1]) * (_MEMORY_FACTORS[match[2]] if match[2] else 1)
    if exact != int(exact):
        msg = f"{text[:_QUOTED]!r} is not a whole number of bytes"
        raise ValueError(msg)
    return int(exact)


def format_memory(size: int) -> str:
    """Return the shortest exact text, such as ``4 GiB``; binary units first."""
    texts = [f"{size} B"]
    for prefix, factor in _MEMORY_FACTORS.items():
        halves, rest = divmod(2 * size, factor)
        if halves and not rest:
            texts.append(f"{halves // 2}{'.5' if halves % 2 else ''} {prefix}B")
    return min(texts, key=len)


def describe_memory(size: int) -> str:
    """Return `size` rounded down, as people read it: ``15.6 GiB``. Never parsed again."""
    for prefix in ("Ti", "Gi", "Mi", "Ki"):
        tenths = 10 * size // _MEMORY_FACTORS[prefix]
        if tenths >= 10:  # noqa: PLR2004 (one whole unit)
            return f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''} {prefix}B"
    return f"{size} B"


def parse_cpus(value: object) -> float:
    """Return cores from ``2``, ``0.5``, ``"500m"`` (thousandths).

    Raises
    ------
    ValueError
        If it is no number, not positive, finer than a thousandth, or above 10,000.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        msg = "cpus must be a number like 2 or 0.5, or text like '500m'"
        raise ValueError(msg)  # noqa: TRY004 (as in parse_memory)
    if not isinstance(value, str) and not 0 < value <= _CPU_MAXIMUM:  # NaN fails this too
        msg = "cpus must be more than 0 and at most 10000"
        raise ValueError(msg)
    text = str(value).strip()
    match = _CPU.fullmatch(text)
    if match is None:
        msg = f"{text[:_QUOTED]!r} is not a number of CPU cores; write 2, 0.5 or '500m'"
        raise ValueError(msg)
    exact = Decimal(match[1]) / (1000 if match[2] else 1)
    if exact * 1000 != int(exact * 1000):
        msg = "cpus cannot be finer than a thousandth of a core"
        raise ValueError(msg)
    if not 0 < exact <= _CPU_MAXIMUM:
        msg = "cpus must be more than 0 and at most 10000"
        raise ValueError(msg)
    return float(exact)


def format_cpus(cpus: float) -> str:
    """Return ``2`` or ``0.5``."""
    return f"{cpus:.3f}".rstrip("0").rstrip(".")


def parse_duration(value: object) -> float:
    """Return seconds from ``"1 h 30 min"``, ``"90s"``, ``"250 ms"`` or a number of seconds.

    Raises
    ------
    ValueError
        If a part has no unit, the sum is not positive, finer than a millisecond,
        or above 366 days.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        msg = "a duration must be text like '10 min', or a number of seconds"
        raise ValueError(msg)  # noqa: TRY004 (as in parse_memory)
    if isinstance(value, str):
        exact = sum(_duration_parts(value), start=Decimal(0))
    elif 0 < value <= _DURATION_MAXIMUM:  # NaN and infinity fail this
        exact = Decimal(str(value)) * 1000
    else:
        exact = Decimal(0)
    if not 0 < exact <= _DURATION_MAXIMUM:
        msg = "a duration must be more than 0 and at most 366 days"
        raise ValueError(msg)
    if exact != int(exact):
        msg = "a duration cannot be finer than a millisecond"
        raise ValueError(msg)
    return int(exact) / 1000


def _duration_parts(text: str) -> Iterator[Decimal]:
    """Yield each part in milliseconds."""
    rest, position = text.strip(), 0
    while position < len(rest) or not rest:
        match = _DURATION_PART.match(rest, position)
        if match is None:
            msg = (
                f"{text[:_QUOTED]!r} is not a duration; write numbers with d, h, min, s or ms, "
                "such as '1 h 30 min'"
            )
            raise ValueError(msg)
        yield Decimal(match[1]) * _MILLISECONDS[match[2]]
        position = match.end()


def format_duration(seconds: float) -> str:
    """Return ``1 h 30 min``."""
    rest = round(seconds * 1000)
    parts: list[str] = []
    for unit in ("d", "h", "min", "s", "ms"):
        count, rest = divmod(rest, _MILLISECONDS[unit])
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def parse_count(value: object) -> int:
    """Return a whole number of accelerators, 1 to 1024, never from a fraction or text with a unit.

    Raises
    ------
    ValueError
        If it is anything else, ``"1e9"`` and ``"0x10"`` included.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        count = value
    else:
        count = int(value) if isinstance(value, str) and _COUNT.fullmatch(value) else 0
    if not 1 <= count <= _COUNT_MAXIMUM:
        msg = "an accelerator count must be a whole number from 1 to 1024"
        raise ValueError(msg)
    return count


def _schema(kind: str, *examples: str | float) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": kind}], "examples": list(examples)},
        mode="validation",
    )


Memory = Annotated[
    int,
    BeforeValidator(parse_memory),
    PlainSerializer(format_memory),
    _schema("integer", "4 GiB", "512 MiB"),
]
"""Bytes; written as text with a unit."""

Cpus = Annotated[
    float,
    BeforeValidator(parse_cpus),
    PlainSerializer(format_cpus),
    _schema("number", 2, 0.5, "500m"),
]
"""Cores."""

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    _schema("number", "10 min", "1 h 30 min"),
]
"""Seconds; written as text with units."""

AcceleratorCount = Annotated[int, BeforeValidator(parse_count), _schema("integer", 1, 8)]
"""A whole number of accelerators."""
