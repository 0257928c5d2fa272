"""A browser, one person each context, and pictures of what people saw."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from support.browsing import chromium, launched, new_person
from support.people import Person
from support.spawn_page import PEOPLE, SpawnPage, write_settings
from support.stack import Launch, open_folder, running, stack, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from support.stack import Stack

__all__ = ["chromium", "new_person", "stack", "start"]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the run; each person gets a context of their own."""
    with launched(chromium) as instance:
        yield instance


@pytest.fixture(scope="session")
def choosing() -> Iterator[Stack]:
    """A stack with the settings of `support.spawn_page`, below a base URL."""
    with open_folder() as folder:
        settings = write_settings(folder)
        launch = Launch(config=None, settings=settings, arguments=("--base-url", "/x/"))
        with running(launch) as started:
            started.wait_image("base")
            started.wait_image("other")
            yield started


@pytest.fixture(scope="session")
def password_of(choosing: Stack) -> Callable[[str, str], str]:
    """Return a function that knows the passwords of people, and makes those who are new."""
    return cache(lambda name, group: choosing.password(name, "--group", group))


@pytest.fixture
def chooser(
    choosing: Stack, password_of: Callable[[str, str], str], new_person: Callable[..., Page]
) -> Callable[..., SpawnPage]:
    """Return a function that gives somebody a browser, logged in, with the spawn page open.

    A name stays in the group that it is first used with.
    """

    def opened(name: str, group: str = PEOPLE, **options: object) -> SpawnPage:
        person = Person(new_person(**options), name, password_of(name, group))
        person.log_in(choosing.url)
        return SpawnPage(person).open(choosing.url)

    return opened
