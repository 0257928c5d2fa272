"""Requests of browsers to start a server: the form and the address."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from traitlets import observe

from sandlot_hub.domain.choices.options import options_from_form, options_from_query

from .addresses import ServerAddresses
from .base import SandlotBase
from .claims import StartClaims
from .exceptions import StartUnderwayError, UnconfirmedStartError
from .form import preselection
from .link_starts import NamedImages, is_opened, named_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from tornado.web import RequestHandler
    from traitlets import Bunch

_CLAIMS_KEY = "sandlot_claims"
_NAMED_KEY = "sandlot_named_images"
_OF_THE_HUB = ("next", "display_name")
"""What the hub itself reads in the address of a spawn page."""

_POSTED: ContextVar[BrowserRequests | None] = ContextVar("sandlot_posted", default=None)
"""The server that the request in this task has posted a form for.

When a posted form is refused, the hub asks the *default* server for the form to show again,
whatever server it was posted for. Every request has a task, and so a context, of its own.
"""

_OPENED: ContextVar[RequestHandler | None] = ContextVar("sandlot_opened", default=None)
"""What answers the request in this task, if it is for a spawn page.

The spawner's own `handler` is that of the request that came last, and none once a start ends.
"""


class BrowserRequests(SandlotBase):
    """Reads what a form or an address asks for, and whether an address may ask for a start.

    What may be started the options hook decides.
    """

    last_options: dict[str, str] | None = None
    """The options that resolved last, to go back to after a refusal. Outlives starts and hubs."""

    @observe("handler")
    def _note_handler(self, change: Bunch) -> None:
        if change.new is not None:
            _OPENED.set(change.new)

    def run_options_from_form(self, form_data: Mapping[str, Sequence[Any]]) -> dict[str, object]:
        """Return the options that a posted form asks for, valid or not.

        Raises
        ------
        StartUnderwayError
            Another request has asked for this server just now.
        """
        _POSTED.set(self)
        self._claim_start()
        options = options_from_form(_only_text(form_data))
        self._named_images.note(self.user.name, options)
        return options

    def options_from_query(self, query_data: Mapping[str, Sequence[Any]]) -> dict[str, object]:
        """Return the options that a start by URL asks for, valid or not.

        Raises
        ------
        UnconfirmedStartError
            This address only fills in the form; see `link_starts`.
        StartUnderwayError
            Another request has asked for this server just now.
        """
        options = options_from_query(_only_text(query_data))
        if not self._may_start(options):
            raise UnconfirmedStartError(self._filled_in(options))
        self._claim_start()
        return options

    @property
    def posted_for(self) -> Self:
        """The server whose form this request has posted, if it is of the same user; else this."""
        posted = _POSTED.get()
        if isinstance(posted, type(self)) and posted.user is self.user:
            return posted
        return self

    @property
    def opened_page(self) -> RequestHandler | None:
        """What answers the request for a spawn page; None while there is none."""
        return _OPENED.get()

    @property
    def addresses(self) -> ServerAddresses:
        """Where the pages of this server are."""
        return ServerAddresses(hub=self.hub.base_url, user=self.user.name, server_name=self.name)

    def _may_start(self, options: Mapping[str, object]) -> bool:
        page = self.opened_page
        if page is None or not is_opened(page.request.headers):
            return False
        if "reference" not in options:
            return True
        # Also after a restart of the hub, and one that a REST client has named.
        last = named_image(self.last_options or {})
        return named_image(options) in {last, self._named_images.last(self.user.name)} - {None}

    def _filled_in(self, options: Mapping[str, object]) -> str:
        page = self.opened_page
        given = {} if page is None else {n: page.get_query_argument(n, None) for n in _OF_THE_HUB}
        kept = {name: value for name, value in given.items() if value is not None}
        return self.addresses.fill_in(preselection(options), keep=kept)

    @property
    def _named_images(self) -> NamedImages:
        return self.shared(_NAMED_KEY, NamedImages)

    @property
    def _claims(self) -> StartClaims:
        # Of all spawners, because each of two requests may have one of its own: the hub makes
        # a new one after a failed start.
        return self.shared(_CLAIMS_KEY, lambda: StartClaims(monotonic=time.monotonic))

    def _claim_start(self) -> None:
        if not self._claims.take((self.user.name, self.name)):
            raise StartUnderwayError(self.addresses.pending)

    def release_start(self) -> None:
        """Let the next request for this server pass: the hub calls it pending now."""
        self._claims.release((self.user.name, self.name))


def _only_text(data: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Return form data with a name in place of every uploaded file: no option is a file."""
    return {
        key: [value if isinstance(value, str) else "(a file)" for value in values]
        for key, values in data.items()
    }
