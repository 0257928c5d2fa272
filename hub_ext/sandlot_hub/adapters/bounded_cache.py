"""A cache that forgets by age and never grows beyond its capacity."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

KeyT = TypeVar("KeyT", bound="Hashable")
ValueT = TypeVar("ValueT")


class BoundedCache(Generic[KeyT, ValueT]):
    """Values that are good for a fixed time, the newest `capacity` of them.

    Parameters
    ----------
    capacity
        Largest number of entries; the oldest makes room.
    max_age
        Seconds that an entry is good for.
    monotonic
        Seconds that never go back.
    """

    def __init__(self, *, capacity: int, max_age: float, monotonic: Callable[[], float]) -> None:
        self._capacity = capacity
        self._max_age = max_age
        self._monotonic = monotonic
        # All entries live equally long, so the order of insertion is the order of expiry.
        self._entries: OrderedDict[KeyT, tuple[float, ValueT]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: KeyT) -> ValueT | None:
        """Return the value of `key`; None when there is none or it is too old."""
        self._expire()
        entry = self._entries.get(key)
        return None if entry is None else entry[1]

    def put(self, key: KeyT, value: ValueT) -> None:
        """Keep `value`, from now on for the full time."""
        self._entries.pop(key, None)
        self._entries[key] = (self._monotonic() + self._max_age, value)
        self._expire()
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def _expire(self) -> None:
        now = self._monotonic()
        while self._entries and next(iter(self._entries.values()))[0] <= now:
            self._entries.popitem(last=False)
