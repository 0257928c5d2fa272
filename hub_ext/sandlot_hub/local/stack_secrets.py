"""The secrets of one stack: made at its first start, kept in the supervisor's own folder."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandlot_hub.adapters.files import replace_file
from sandlot_hub.adapters.private_file import read_private

from .datadir import DataDirectoryError

if TYPE_CHECKING:
    from pathlib import Path


def _token() -> str:
    return secrets.token_hex(32)  # 64 characters: the hub takes no longer ones


class StackSecrets(BaseModel):
    """Made once. Nothing of this is printed, logged or put into an environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    stack: str = Field(default_factory=lambda: secrets.token_hex(4))
    """Names this stack among those of the machine; not secret."""
    account_secret: str = Field(default_factory=_token, repr=False)
    """Key from which the passwords of accounts are made."""
    proxy_password: str = Field(default_factory=_token, repr=False)
    """For the proxy's API."""
    operator_token: str = Field(default_factory=_token, repr=False)
    """For the hub's REST API."""
    service_tokens: dict[str, str] = Field(default_factory=dict, repr=False)
    """For the hub's REST API, by service."""


def load_secrets(path: Path, services: tuple[str, ...]) -> StackSecrets:
    """Return the kept secrets; make what is missing.

    Raises
    ------
    PrivateFileError
        If the file is open to others.
    DataDirectoryError
        If it is not what was written.
    OSError
        If it cannot be written.
    """
    kept = _read(path) if path.exists() else StackSecrets()
    tokens = {name: kept.service_tokens.get(name) or _token() for name in services}
    whole = kept.model_copy(update={"service_tokens": {**kept.service_tokens, **tokens}})
    replace_file(path, whole.model_dump_json(indent=2).encode(), mode=0o600)
    return whole


def _read(path: Path) -> StackSecrets:
    try:
        return StackSecrets.model_validate_json(read_private(path))
    except ValidationError:
        message = (
            f"{path} is not the file that Sandlot writes. Bring it back from a backup: without "
            "it all accounts get new passwords, which is what removing it does."
        )
        # Not as the cause: it quotes the file, and the file is full of secrets.
        raise DataDirectoryError(message) from None
