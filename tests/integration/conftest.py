"""The real stack, shared by the tests of this folder; `support.stack` tells how it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.hub_user import HubUser
from support.stack import stack, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.stack import Stack

__all__ = ["stack", "start"]


@pytest.fixture(scope="session")
def people(stack: Stack) -> Callable[[str], HubUser]:
    """Return people of the shared stack by name: logged in, with a running server."""
    known: dict[str, HubUser] = {}

    def person(name: str) -> HubUser:
        if name not in known:
            stack.wait_image("base")
            known[name] = HubUser(stack.url, name)
            known[name].log_in(stack.add_user(name))
            known[name].start({"profile": "everyday", "image": "base", "size": "small"})
        return known[name]

    return person
