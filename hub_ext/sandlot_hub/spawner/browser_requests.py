"""Requests of browsers to start a server: the form and the address."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyterhub.utils import url_escape_path, url_path_join

from sandlot_hub.domain.options import options_from_form, options_from_query

from .base import SandlotBase
from .claims import StartClaims
from .exceptions import StartUnderwayError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CLAIMS_KEY = "sandlot_claims"


class BrowserRequests(SandlotBase):
    """Reads what a form or an address asks for. Both only parse; the options hook decides."""

    def run_options_from_form(self, form_data: Mapping[str, Sequence[Any]]) -> dict[str, object]:
        """Return the options that a posted form asks for, valid or not.

        Raises
        ------
        StartUnderwayError
            Another request has asked for this server just now.
        """
        self._claim_start()
        return options_from_form(_only_text(form_data))

    def options_from_query(self, query_data: Mapping[str, Sequence[Any]]) -> dict[str, object]:
        """Return the options that a start by URL asks for, valid or not.

        Raises
        ------
        StartUnderwayError
            Another request has asked for this server just now.
        """
        self._claim_start()
        return options_from_query(_only_text(query_data))

    @property
    def _claims(self) -> StartClaims:
        # In the hub's settings, because each of two requests may have a spawner of its own:
        # the hub makes a new one after a failed start.
        shared: dict[str, Any] = self.user.settings
        if _CLAIMS_KEY not in shared:
            shared[_CLAIMS_KEY] = StartClaims(monotonic=time.monotonic)
        claims: StartClaims = shared[_CLAIMS_KEY]
        return claims

    def _claim_start(self) -> None:
        if not self._claims.take((self.user.name, self.name)):
            pending = ("spawn-pending", self.user.escaped_name, url_escape_path(self.name))
            raise StartUnderwayError(url_path_join(self.hub.base_url, *pending))

    def release_start(self) -> None:
        """Let the next request for this server pass: the hub calls it pending now."""
        self._claims.release((self.user.name, self.name))


def _only_text(data: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Return form data with a name in place of every uploaded file: no option is a file."""
    return {
        key: [value if isinstance(value, str) else "(a file)" for value in values]
        for key, values in data.items()
    }
