"""Paths of the hub's pages about one server, escaped; none ends with a slash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from jupyterhub.utils import url_escape_path

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddresses:
    """Where a server's pages are."""

    hub: str
    """The hub's prefix, with slashes at both ends."""
    user: str
    """Name of the owner."""
    server_name: str
    """Empty for the default server."""

    @property
    def spawn(self) -> str:
        """Where it is started."""
        return self._of("spawn")

    @property
    def pending(self) -> str:
        """Where its start is shown."""
        return self._of("spawn-pending")

    @property
    def api(self) -> str:
        """Where REST clients start and stop it."""
        servers = f"servers/{_quoted(self.server_name)}" if self.server_name else "server"
        return f"{self.hub}api/users/{_quoted(self.user)}/{servers}"

    @property
    def ticket(self) -> str:
        """Where its open page gets the next ticket."""
        query = urlencode({"user": self.user, "server": self.server_name})
        return f"{self.hub}sandlot/ticket?{query}"

    def start(self, options: Mapping[str, str]) -> str:
        """Return what starts a choice at once."""
        query = urlencode({f"opt-{name}": value for name, value in options.items()})
        return f"{self.spawn}?{query}"

    def fill_in(self, options: Mapping[str, str], *, keep: Mapping[str, str]) -> str:
        """Return what opens the form with a choice. What it is stays in the browser.

        Parameters
        ----------
        options
            The choice.
        keep
            Parameters of the page that are not about the choice.
        """
        query = f"?{urlencode(keep)}" if keep else ""
        fragment = f"#{urlencode(options)}" if options else ""
        return f"{self.spawn}{query}{fragment}"

    def _of(self, page: str) -> str:
        names = (self.user, self.server_name) if self.server_name else (self.user,)
        return "/".join([f"{self.hub}{page}", *map(_quoted, names)])


def _quoted(text: str) -> str:
    # As the hub writes them: an `@` stays.
    return str(url_escape_path(text))
