"""Secrets made from another one, so that no second one has to be kept and told."""

from __future__ import annotations

import hashlib
import hmac

ROUTES_PURPOSE = "routes of the dask gateway"
"""What the gateway and the proxy to its schedulers know one another by."""
DATABASE_PURPOSE = "database of the dask gateway"
"""What the gateway encrypts the keys of clusters with."""


def derived_secret(secret: str, purpose: str) -> str:
    """Return 64 hexadecimal digits for one purpose; who knows them does not know `secret`."""
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256).hex()
