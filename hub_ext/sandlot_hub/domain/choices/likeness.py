"""How like one size is to another, as far as accelerators go."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.model import SizeSettings

NONE_OF_THEM = 2
"""The first number of a size without accelerators, where some are wanted."""


def unlikeness(size: SizeSettings, wanted: SizeSettings | None) -> tuple[int, int]:
    """Return numbers that are smaller, the more a size is like another one.

    First those of the same flavor, then of others, then without accelerators; within a flavor those
    of nearly as many. Where none are wanted, all are alike.
    """
    if wanted is None or wanted.accelerator is None:
        return 0, 0
    if size.accelerator is None:
        return NONE_OF_THEM, 0
    apart = abs(size.accelerator.count - wanted.accelerator.count)
    return int(size.accelerator.flavor != wanted.accelerator.flavor), apart
