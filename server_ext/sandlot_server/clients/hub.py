"""The hub's own REST API: the little of it that a server asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from .service import ServiceClient


class HubInfo(BaseModel):
    """Reply of ``GET /hub/api/``."""

    version: str


class HubUser(BaseModel):
    """The part of ``GET /hub/api/user`` that we use."""

    name: str


class HubClient:
    """Asks the hub who it is and who we are."""

    def __init__(self, *, service: ServiceClient) -> None:
        self._service = service

    async def info(self) -> HubInfo:
        """Return the hub's version. Raises `ProblemError`."""
        return await self._service.get("", HubInfo)

    async def whoami(self) -> HubUser:
        """Return whom our token belongs to. Raises `ProblemError`."""
        return await self._service.get("user", HubUser)
