"""The PostgreSQL database of Dask clusters, when an administrator has one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from sandlot_hub.adapters.private_file import PrivateFileError, read_private

from .hub import HubSettingsError

if TYPE_CHECKING:
    from sandlot_hub.domain.settings.dask import DaskSettings

_DRIVER = "psycopg"
_LONGEST = 4096


def dask_database(settings: DaskSettings) -> SecretStr | None:
    """Return the URL of the database of clusters; None where the gateway keeps a file.

    Raises
    ------
    HubSettingsError
        If the file cannot be trusted or used. The text never quotes it: it has a password.
    """
    if settings.database_file is None or not settings.enabled:
        return None
    path = Path(settings.database_file)
    try:
        text = read_private(path, limit=_LONGEST).strip()
    except PrivateFileError as error:
        message = f"dask.database_file: {error}"
        raise HubSettingsError(message) from error
    if not _is_postgresql(text):
        message = (
            f"dask.database_file: {path} has to hold one line such as "
            "postgresql://user:password@host/name, and holds something else."
        )
        raise HubSettingsError(message)
    if find_spec(_DRIVER) is None:
        message = (
            "dask.database_file: the driver of PostgreSQL is missing. "
            'Install it with: pip install "sandlot[postgresql]"'
        )
        raise HubSettingsError(message)
    return SecretStr(text)


def _is_postgresql(text: str) -> bool:
    if len(text.splitlines()) != 1:
        return False
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return False
    known = url.drivername in {"postgresql", f"postgresql+{_DRIVER}"}
    return known and bool(url.host or url.query.get("host")) and bool(url.database)
