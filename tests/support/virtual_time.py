"""Time that passes only while somebody waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@dataclass
class VirtualTime:
    """Implements `domain.ports.Clock`, and a sleep that takes no time."""

    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)
    """What was waited, in order."""

    def now(self) -> datetime:
        """Return the time of day."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self.pauses.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)
