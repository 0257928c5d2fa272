"""Quantities as Kubernetes writes them, such as ``"2"``, ``"500m"`` or ``"1Gi"``, as whole numbers.

What others wrote into a cluster is read here: whatever it is, reading it never fails. What cannot
be read, is negative, or is more than any machine has, is None: not known.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# ASCII digits only: `\d` would take those of every script.
_QUANTITY = re.compile(r"\+?([0-9]*)(\.[0-9]*)?([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?")
_LONGEST = 40
"""In characters. The API server writes at most about twenty."""
_SUFFIXES: Mapping[str, Fraction] = {
    **{f"{unit}i": Fraction(1024**power) for power, unit in enumerate("KMGTPE", 1)},
    **{unit: Fraction(1000**power) for power, unit in enumerate("kMGTPE", 1)},
    **{unit: Fraction(1, 1000**power) for power, unit in enumerate("mun", 1)},
}

CPU = "cpu"
MEMORY = "memory"
PODS = "pods"
_BYTES = frozenset({MEMORY, "ephemeral-storage", "storage"})
_BYTES_PREFIX = "hugepages-"
_MOST_CPU = 1_000_000 * 1000
_MOST_BYTES = 2**60
_MOST_PIECES = 1_000_000
"""Of accelerators, pods and the like on one machine: more is no count of anything real."""


class Amounts(NamedTuple):
    """What a mapping of quantities says."""

    known: dict[str, int]
    """By resource name: thousandths of a CPU, bytes, pieces."""
    unknown: frozenset[str]
    """Resources whose quantity could not be read."""


def read_quantity(quantity: object, *, per_unit: int = 1, up: bool) -> int | None:
    """Return a quantity as a whole number; None when it is none, or negative.

    Parameters
    ----------
    quantity
        As the API server writes it; anything else is no quantity.
    per_unit
        How many of what is counted make one: 1000 for thousandths.
    up
        Whether a rest counts as a whole: of what is asked for it does, of what is there not.
    """
    if isinstance(quantity, int) and not isinstance(quantity, bool):
        return quantity * per_unit if quantity >= 0 else None
    if not isinstance(quantity, str) or len(quantity) > _LONGEST:
        return None
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        return None
    whole, rest, suffix = match[1], match[2], match[3]
    if not whole and rest in (None, "."):
        return None
    if rest is None and suffix is None:
        return int(whole) * per_unit
    digits = rest[1:] if rest else ""
    exact = Fraction(int((whole + digits) or "0"), 10 ** len(digits)) * _factor(suffix) * per_unit
    return -(-exact.numerator // exact.denominator) if up else exact.numerator // exact.denominator


def _factor(suffix: str | None) -> Fraction:
    if not suffix:
        return Fraction(1)
    known = _SUFFIXES.get(suffix)
    return Fraction(10) ** int(suffix[1:]) if known is None else known


def read_amount(resource: str, quantity: object, *, up: bool) -> int | None:
    """Return how much of a resource that is, in its unit; None when that is not known.

    Parameters
    ----------
    resource
        Its name, which decides about the unit: thousandths of a CPU, bytes, or pieces.
    quantity
        As the API server writes it.
    up
        See `read_quantity`.
    """
    if resource == CPU:
        per_unit, most = 1000, _MOST_CPU
    elif resource in _BYTES or resource.startswith(_BYTES_PREFIX):
        per_unit, most = 1, _MOST_BYTES
    else:
        per_unit, most = 1, _MOST_PIECES
    amount = read_quantity(quantity, per_unit=per_unit, up=up)
    return None if amount is None or amount > most else amount


def read_amounts(quantities: Mapping[str, object], *, up: bool) -> Amounts:
    """Return the amounts of several resources.

    Parameters
    ----------
    quantities
        By resource name, as the API server writes them.
    up
        See `read_quantity`.
    """
    known: dict[str, int] = {}
    unknown: list[str] = []
    for resource, quantity in quantities.items():
        amount = read_amount(resource, quantity, up=up)
        if amount is None:
            unknown.append(resource)
        else:
            known[resource] = amount
    return Amounts(known, frozenset(unknown))
