"""The hub's side of the embedded proxy: it writes routes to a file, and traefik follows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import bcrypt
import toml  # type: ignore[import-untyped]  # comes with jupyterhub-traefik-proxy
from jupyterhub_traefik_proxy.fileprovider import TraefikFileProviderProxy
from traitlets import default, observe

from .files import replace_file


class RulesFile:
    """The file of the routes, readable by the proxy's uid.

    jupyterhub-traefik-proxy writes a temporary file of mode 0600, which only the uid of
    the hub can read, and the proxy has a uid of its own. Changing the mode afterwards
    would be too late: traefik reads the file the moment that it appears. Who gets to the
    file at all is decided by its folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, Any]:
        """Return what was written last; `FileNotFoundError` the first time."""
        return tomllib.loads(self._path.read_text(encoding="utf-8"))

    def atomic_dump(self, data: dict[str, Any]) -> None:
        """Replace the file in one step."""
        replace_file(self._path, toml.dumps(data).encode(), mode=0o644)


class EmbeddedProxy(TraefikFileProviderProxy):  # type: ignore[misc]  # ships no types
    """Traefik with the file provider, started and stopped by `sandlot up`."""

    @default("traefik_api_hashed_password")
    def _default_hash(self) -> str:
        # The proxy hashes the password again for every question about a route. It is 256
        # random bits, which nobody guesses however cheap the hash; the parent's rounds
        # would cost the hub seconds at its start and a quarter second for every server.
        password: str = self.traefik_api_password
        hashed: bytes = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4))
        return hashed.decode("ascii")

    @observe("dynamic_config_file")
    def _set_dynamic_config_file(self, change: Any) -> None:
        # Takes the place of the parent's observer, which has the same name.
        self.dynamic_config_handler = RulesFile(Path(change["new"]))
