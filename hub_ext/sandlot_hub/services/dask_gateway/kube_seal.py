"""The keys of a cluster, kept in its record for the gateway alone.

The gateway has to give them to the owner's code also after a restart, and shall not be able to read
Secrets: that right would be one for all Secrets of the namespace. So it keeps them itself, encrypted
with what it alone knows; the Secret, which it makes and cannot read, is for the pods.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from sandlot_hub.domain.dask.names import CERTIFICATE, KEY, TOKEN, secret_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterKeys:
    """Certificate, key and token of one cluster."""

    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)
    token: str = field(repr=False)

    def secret(self, name: str, *, labels: dict[str, str], owner: dict[str, Any]) -> dict[str, Any]:
        """Return the Secret for the pods of the cluster `name`.

        Parameters
        ----------
        name
            Of the cluster.
        labels
            Of the Secret.
        owner
            With which it goes.
        """
        data = {CERTIFICATE: self.certificate, KEY: self.key, TOKEN: self.token.encode()}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(name),
                "labels": labels,
                "ownerReferences": [owner],
            },
            "data": {each: base64.b64encode(value).decode() for each, value in data.items()},
        }


class UnsealableError(Exception):
    """The keys were sealed with another secret."""


class Seal:
    """Seals and opens.

    Parameters
    ----------
    key
        32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, keys: ClusterKeys) -> str:
        """Return keys as text that nobody else can read."""
        document = {
            "certificate": keys.certificate.decode(),
            "key": keys.key.decode(),
            "token": keys.token,
        }
        return self._fernet.encrypt(json.dumps(document).encode()).decode()

    def open(self, sealed: str) -> ClusterKeys:
        """Return what `close` was given.

        Raises
        ------
        UnsealableError
            If it was not this seal's.
        """
        try:
            document = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise UnsealableError from None
        return ClusterKeys(
            certificate=document["certificate"].encode(),
            key=document["key"].encode(),
            token=document["token"],
        )
