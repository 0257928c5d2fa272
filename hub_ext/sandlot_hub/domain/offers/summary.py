"""A profile in one line: what its sizes have in common for one user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.choices.room_reasons import FULL

from .shown import ProfileSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandlot_hub.domain.settings.model import SandlotSettings, SizeSettings

    from .shown import VisibleChoice

    _Size = VisibleChoice[SizeSettings]


def summarize(settings: SandlotSettings, sizes: Iterable[_Size]) -> ProfileSummary:
    """Return what a profile's sizes have in common, as one user sees them."""
    counted = [size for size in sizes if size.refusal is None or _is_full(size)]
    prices = [size.entry.price for size in counted]
    places = _total([size.places for size in counted])
    return ProfileSummary(
        accelerators=_accelerators(settings, counted),
        places=places,
        taken=None if places is None else _total([_taken(size) for size in counted]),
        price_from=_lowest(prices),
    )


def _is_full(size: _Size) -> bool:
    return size.refusal is not None and size.refusal.code in FULL


def _taken(size: _Size) -> int | None:
    """Return how many places are taken; more may run where the limit was lowered."""
    if size.places is None or size.taken is None:
        return None
    return min(size.taken, size.places)


def _total(numbers: Sequence[int | None]) -> int | None:
    """Return the sum; None when there is nothing to add, or one of them is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None


def _lowest(prices: Sequence[float | None]) -> float | None:
    """Return the lowest price; None when there is none, or one of them is not known."""
    known = [price for price in prices if price is not None]
    return min(known) if known and len(known) == len(prices) else None


def _accelerators(settings: SandlotSettings, sizes: Sequence[_Size]) -> tuple[str, ...]:
    counts: dict[str, list[int]] = {}
    for size in sizes:
        wanted = size.entry.accelerator
        if wanted is not None:
            counts.setdefault(wanted.flavor, []).append(wanted.count)
    return tuple(
        f"{_span(found)} × {settings.accelerators[flavor].display_name}"
        for flavor, found in counts.items()
    )


def _span(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least}–{most}"
