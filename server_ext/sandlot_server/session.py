"""What this server was started as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from sandlot_contracts.session import Session, SessionView

if TYPE_CHECKING:
    from logging import Logger

    from .caller import Caller


def read_session(text: str, *, log: Logger) -> Session | None:
    """Parse what the spawner wrote.

    Returns
    -------
    Session or None
        None when the server was not started by Sandlot, and when the text is broken:
        a wrong label is no reason to keep anybody from their work.
    """
    if not text:
        return None
    try:
        return Session.model_validate_json(text)
    except ValidationError as error:
        places = ", ".join(
            ".".join(map(str, item["loc"])) or "all of it" for item in error.errors()
        )
        log.warning("SANDLOT_SESSION cannot be read (%s); the session is not shown.", places)
        return None


def build_view(session: Session | None, *, caller: Caller, hub_home_url: str | None) -> SessionView:
    """Return the session as `caller` may see it. It holds no secrets, so visitors see it too."""
    return SessionView(
        session=session,
        visitor=caller.visitor,
        viewer=caller.name,
        hub_home_url=hub_home_url,
    )
