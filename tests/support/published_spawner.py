"""KubeSpawner as published, in a hub that has no cluster, and the same with our form."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner

from sandlot_hub.spawner.mixin import SandlotSpawnerMixin

from .catalogue import EVERYTHING_HERE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandlot_contracts.session import Isolation
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.choices.plan import Plan

WOULD_START = "Would start: "


class PublishedSpawner(KubeSpawner):
    """Form, options and their pages are KubeSpawner's own; a start waits for ever."""

    plan: Plan | None = None
    """What was accepted."""

    async def start(self) -> str:
        """Wait: there is nothing to start it on."""
        await asyncio.Event().wait()
        raise AssertionError

    async def stop(self, now: bool = False) -> None:  # noqa: FBT002 (the hub's signature)
        """Do nothing: nothing runs."""

    async def poll(self) -> int:
        """Say that nothing runs."""
        return 0

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Say what would be started."""
        plan = self.plan
        assert plan is not None
        names = (plan.profile.display_name, plan.image.display_name, plan.size.display_name)
        yield {"progress": 50, "message": f"{WOULD_START}{' · '.join(names)}"}


class OwnFormSpawner(SandlotSpawnerMixin, PublishedSpawner):
    """The same with our form, our options and our words."""

    async def facilities(self) -> Facilities:
        """Return that everything is here."""
        return EVERYTHING_HERE

    def isolation(self) -> Isolation:
        """Return what a cluster promises."""
        return "pod"
