"""Keeps traffic from whoever takes the port of a part that is down.

The second line of defence: the ports are held for their parts (`held_ports`), and where a
kernel keeps that promise there is nothing to see here. Where it does not, the proxy would
send people's passwords and cookies to a stranger. So while a part is not running its port
is looked at ten times a second, and as soon as somebody else has it the proxy is taken
down, until the port is ours again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from . import procfs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .parts import Part

_LOOK_S = 0.1


class PortWatch:
    """Looks at the ports of the parts that do not run.

    Parameters
    ----------
    parts
        All parts; more may be added later.
    proxy
        Name of the one that sends traffic to the others.
    say
        Takes sentences for the operator.
    apart
        Parts to which the proxy sends nothing.
    """

    def __init__(
        self,
        *,
        parts: Mapping[str, Part],
        proxy: str,
        say: Callable[[str], None],
        apart: frozenset[str] = frozenset(),
    ) -> None:
        self._parts = parts
        self._proxy = proxy
        self._say = say
        self._apart = apart
        self._known: dict[str, int] = {}

    async def run(self) -> None:
        """Look and act, for ever."""
        while True:
            await self._look()
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        taken = {
            name: thief
            for name, part in self._parts.items()
            if part.state != "running" and (thief := _thief(part)) is not None
        }
        if self._endangered(taken) and not self._endangered(self._known):
            await self._parts[self._proxy].stop(now=True)
        for name in taken.keys() - self._known.keys():
            self._say(self._sentence(name, taken[name]))
        if self._endangered(self._known) and not self._endangered(taken):
            self._say("All ports are Sandlot's again. The proxy is started.")
            self._parts[self._proxy].start()
        self._known = taken

    def _endangered(self, taken: Mapping[str, int]) -> bool:
        """Return whether the proxy would send something to a thief."""
        return bool(taken.keys() - self._apart - {self._proxy})

    def _sentence(self, name: str, uid: int) -> str:
        port = self._parts[name].plan.port
        if name == self._proxy:
            then = "Nobody can log in until that program ends."
        elif name in self._apart:
            then = "It works again when that program ends."
        else:
            then = "The proxy was stopped, so that nothing is sent there. End that program."
        return f"WARNING. A process of uid {uid} has taken port {port} of the {name}. {then}"


def _thief(part: Part) -> int | None:
    """Return the uid that listens in a part's place."""
    ours = part.plan.identity.uid
    others = [each.uid for each in procfs.listeners(part.plan.port) if each.uid != ours]
    return others[0] if others else None
