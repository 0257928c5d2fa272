"""How somebody reaches an API server: the address, whom to trust, and as whom to come."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Access:
    """An address with its authority, and an account's token."""

    server: str
    """``https://host:port``."""
    authority: str
    """Certificate of the authority that vouches for it (PEM)."""
    token: str = ""
    namespace: str = "default"
    """Where a client works that is told nothing else."""

    def at(self, server: str, *, authority: str | None = None) -> Access:
        """Return the same account's access at another address, such as a proxy's."""
        return replace(self, server=server, authority=authority or self.authority)

    def as_account(self, token: str, *, namespace: str) -> Access:
        """Return another account's access to the same server."""
        return replace(self, token=token, namespace=namespace)

    def write(self, path: Path) -> Path:
        """Write a kubeconfig that only its owner can read, and return its path."""
        authority = base64.b64encode(self.authority.encode()).decode()
        cluster = {"server": self.server, "certificate-authority-data": authority}
        context = {"cluster": "test", "user": "test", "namespace": self.namespace}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(document, indent=1))
        return path
