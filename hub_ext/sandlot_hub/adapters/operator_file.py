"""What ``sandlot user`` needs of a running stack: one private file of the supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .files import replace_file
from .private_file import PrivateFileError, read_private

if TYPE_CHECKING:
    from pathlib import Path


OPERATOR_FILE = "run/operator.json"
"""Below the data directory; `sandlot up` writes it and removes it at its end."""


class OperatorAccess(BaseModel):
    """The hub's API, the token for it, and what passwords are made from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hub_api_url: str
    """Such as ``http://127.0.0.1:8081/hub/api``: straight to the hub, not through the proxy."""
    token: Annotated[str, Field(min_length=1, repr=False)]
    """Of the operator; it may make and remove accounts."""
    account_secret: Annotated[str, Field(min_length=1, repr=False)]
    """Key from which the passwords of accounts are made."""


def read_operator(path: Path) -> OperatorAccess:
    """Return what the supervisor wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file: no supervisor runs.
    PermissionError
        If the data directory is closed to the caller.
    PrivateFileError
        If the file cannot be read or trusted.
    """
    path.lstat()  # tells a missing file from a closed folder
    try:
        return OperatorAccess.model_validate_json(read_private(path))
    except ValidationError:
        # The values are secrets; pydantic would repeat them.
        message = f"{path} is not of this version of Sandlot; run `sandlot up` again."
        raise PrivateFileError(message) from None


def write_operator(path: Path, access: OperatorAccess) -> None:
    """Write the file for the supervisor's own uid (and root) only."""
    replace_file(path, access.model_dump_json().encode(), mode=0o600)
