"""Whether a part of the stack answers, and whether it is that part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from .listening import Listening, who_listens

if TYPE_CHECKING:
    from .processes import Guarded, Identity

_TIMEOUT_S = 2.0
_OK = 200
_NOT_FOUND = 404


class Health:
    """Asks parts how they are.

    Parameters
    ----------
    own_uids
        Whether every part has a uid of its own.
    """

    def __init__(self, *, own_uids: bool) -> None:
        self._own_uids = own_uids

    async def answers(self, url: str) -> bool:
        """Return whether `url` answers with 200 in a moment."""
        return await self._status(url) == _OK

    async def is_routed(self, url: str) -> bool:
        """Return whether the proxy knows where `url` leads; what is there may be down."""
        return await self._status(url) not in {None, _NOT_FOUND}

    async def _status(self, url: str) -> int | None:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def listens(self, port: int, guarded: Guarded, identity: Identity) -> bool:
        """Return whether the guarded process is the one, and the only one, at `port`."""
        found = who_listens(port, guard_pid=guarded.pid, identity=identity, own_uids=self._own_uids)
        return found is Listening.OURS
