"""The one test: from an empty data directory to two people at work, and a hub restart between."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.people import Person
from support.processes import find_below
from support.stack import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from support.stack import Stack

HIDDEN = "There is no profile “research”. Choose “Everyday work” or “Course”."
"""What somebody reads who may not know of the profile."""
pytestmark = pytest.mark.timeout(900)


def rest_start(
    page: Page, hub: str, user: str, options: dict[str, str]
) -> tuple[int, dict[str, object]]:
    """Ask the hub's REST API for a server with a token that the person made on the token page."""
    page.goto(f"{hub}hub/token")
    page.get_by_role("button", name="Request new API token").click()
    shown = page.locator("#token-result")
    expect(shown).to_be_visible()
    token = shown.inner_text().strip()
    request = urllib.request.Request(  # noqa: S310 (loopback)
        f"{hub}hub/api/users/{user}/servers/second",
        data=json.dumps({"user_options": options}).encode(),
        headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 (loopback)
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def two_people(stack: Stack, new_person: Callable[..., Page]) -> tuple[Person, Person]:
    """Make two accounts of different groups, each with a browser."""
    for slug in ("base", "scipy"):
        stack.wait_image(slug)
    alice = Person(new_person(), "alice", stack.add_user("alice", "--group", "research"))
    bob = Person(new_person(), "bob", stack.add_user("bob", "--group", "course"))
    return alice, bob


def both_start(alice: Person, bob: Person, url: str) -> None:
    """Each sees their own profiles, picks one by clicks, and comes to the Lab."""
    alice.log_in(url)
    assert alice.profiles() == ["Everyday work", "Research"]
    alice.choose("Profile", "Research")
    alice.choose("Image for Research", "Scientific Python")
    alice.choose("Size for Research", "Medium")
    alice.picture("road-form.png")
    alice.start()

    bob.log_in(url)
    assert bob.profiles() == ["Everyday work", "Course"]
    bob.choose("Profile", "Everyday work")
    bob.choose("Image for Everyday work", "JupyterLab")
    bob.start()


def both_work(alice: Person, bob: Person) -> None:
    """Each runs cells, in the image that was picked and as somebody else than the other."""
    alice.open_notebook()
    bob.open_notebook()
    assert alice.run_cell("import numpy, os; kept = 40; print(numpy.arange(4).sum())") == "6"
    bobs = bob.run_cell("import os; kept = 41; print(os.getuid())")
    if AS_ROOT:
        assert alice.run_cell("print(os.getuid())") != bobs
        assert int(bobs) != 0
    # Picking an image is real: the one that bob chose has no SciPy.
    assert "ModuleNotFoundError" in bob.run_cell("import scipy")


def test_two_people_work_while_the_hub_restarts(
    stack: Stack, new_person: Callable[..., Page]
) -> None:
    """Form login, own profiles, a cell each, a refusal by REST, a hub restart, nothing lost."""
    alice, bob = two_people(stack, new_person)
    both_start(alice, bob, stack.url)
    assert "Research · Scientific Python · Medium" in alice.status()
    assert "Everyday work · JupyterLab · Small" in bob.status()
    assert "Scientific Python" in alice.session_details()
    alice.picture("road-lab.png")
    both_work(alice, bob)

    aside = bob.page.context.new_page()
    status, answer = rest_start(aside, stack.url, "bob", {"profile": "research"})
    assert (status, answer["message"]) == (400, HIDDEN)

    before = find_below(stack.process.pid, "held_jupyterhub")
    stack.run("restart", "hub")
    assert find_below(stack.process.pid, "held_jupyterhub") != before

    # Nothing was lost: the same kernels go on with what they had, and home leads back.
    assert alice.run_cell("kept += 2; print(kept)") == "42"
    assert bob.run_cell("kept += 1; print(kept)") == "42"
    assert "Research · Scientific Python · Medium" in alice.status()
    aside.goto(f"{stack.url}hub/home")
    aside.get_by_role("link", name="Open").click()
    Person(aside, "bob", "").lab_is_ready()
