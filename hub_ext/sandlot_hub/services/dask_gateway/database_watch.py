"""Knows whether what becomes of clusters can be kept, before somebody orders something in vain."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sandlot_hub.services.logs import FIELDS

if TYPE_CHECKING:
    from .database import ClusterDatabase

logger = logging.getLogger(__name__)

_BETWEEN_S = 0.5
"""Between two looks: people are told within two seconds, of which the look itself may take one."""


class DatabaseWatch:
    """Looks at the database, again and again, in a thread beside the one that serves.

    Parameters
    ----------
    database
        Is looked at.
    """

    def __init__(self, *, database: ClusterDatabase) -> None:
        self._database = database
        self.answered = True
        """Whether something could have been written when it was last looked at."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self._note(await asyncio.to_thread(self._why_not))
            await asyncio.sleep(_BETWEEN_S)

    def _why_not(self) -> str:
        try:
            self._database.probe()
        except sa.exc.DBAPIError as error:
            # The driver's own words: those of SQLAlchemy quote the statement, too.
            return f"{type(error.orig).__name__}: {error.orig}"
        except sa.exc.SQLAlchemyError as error:
            return type(error).__name__
        return ""

    def _note(self, reason: str) -> None:
        if reason and self.answered:
            fields = {FIELDS: {"reason": reason}}
            logger.warning("the database of clusters cannot be written", extra=fields)
        elif not reason and not self.answered:
            logger.info("the database of clusters can be written again")
        self.answered = not reason
        self._database.away = bool(reason)
