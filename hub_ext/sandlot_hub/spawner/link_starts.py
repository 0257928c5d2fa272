"""Which addresses start a server at once, and which only fill in the form.

The hub wants no token against forged requests for a GET, so ``/hub/spawn?opt-profile=…`` may
stand in a page of anybody, and of somebody else's server.

- As a link it starts: that is what such addresses are for, a course's page has them, and the
  hub does the same. Whoever follows it sees the start, and the choice is one that the
  administrator offers.
- As a picture, as a frame, for a script, or loaded before anybody opens it, it starts nothing:
  nobody would see that.
- With an image that is *named*, it starts only the one that its owner has named last. Any other
  was chosen by the author of the link, and would run with the files of the reader. Whether the
  request comes from a page of the hub says nothing of that: after a login, and after a start
  with ``?next=…``, the hub itself leads on to what a link has told it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_hub.domain.values.image_reference import Malformed, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

_PURPOSES = ("Sec-Purpose", "Purpose", "X-Moz")


def is_opened(headers: Mapping[str, str]) -> bool:
    """Return whether somebody opens a page with a request.

    Browsers tell when it is something else. Clients that tell nothing are taken at their word.
    """
    return (
        headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        # A frame navigates as well, and the hub forbids only to show it.
        and headers.get("Sec-Fetch-Dest", "document") == "document"
        and not any("prefetch" in headers.get(name, "").lower() for name in _PURPOSES)
    )


def named_image(options: Mapping[str, object]) -> str | None:
    """Return the image that options name, with nothing left out; None when they name none."""
    reference = options.get("reference")
    if not isinstance(reference, str):
        return None
    found = parse_reference(reference)
    return None if isinstance(found, Malformed) else str(found)


class NamedImages:
    """The image that each owner has named last, in a form: that is sent with a token."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def note(self, owner: str, options: Mapping[str, object]) -> None:
        """Remember what a form of `owner` asks for, if it names an image."""
        image = named_image(options)
        if image is not None:
            self._last[owner] = image

    def last(self, owner: str) -> str | None:
        """Return what `owner` has named last; None when nothing was since the hub began."""
        return self._last.get(owner)
