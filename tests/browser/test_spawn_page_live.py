"""The open spawn page follows what changes, and says when it cannot."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from sandlot_hub.adapters.page_ticket import PageTicket, sign_ticket, ticket_key
from support.hub_user import HubUser
from support.processes import find_below
from support.spawn_page import CUT, FULL_SENTENCE, PEOPLE, stop_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page, Route

    from support.spawn_page import SpawnPage
    from support.stack import Stack

pytestmark = pytest.mark.timeout(600)

# Lena is in no other file: what somebody started last is what the page opens with.
SIZES = "Size for Everyday work"
SINGLE = "Single seat"
TAKES_IT = {"profile": "everyday", "image": "base", "size": "single"}
UNKNOWN = re.compile("^Availability is not known")
UNKNOWN_S = 90.0
"""How long the hub may take to notice that the service says nothing."""


@pytest.fixture
def taken(choosing: Stack) -> Iterator[Callable[[], HubUser]]:
    """Return a function by which bert takes the only place; he gives it back with ``stop``."""
    bert = HubUser(choosing.url, "bert")
    bert.log_in(choosing.password("bert", "--group", PEOPLE))

    def take() -> HubUser:
        bert.start(TAKES_IT)
        return bert

    yield take
    bert.stop()


def states(chooser: SpawnPage) -> list[str]:
    """Return what is said about the availability of every choice."""
    return chooser.page.locator(".sandlot-state").all_inner_texts()


def test_what_was_rendered_stays_when_the_stream_begins(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    plain = chooser("carl", java_script_enabled=False)
    assert states(chooser("carl").wait_live()) == states(plain)


def test_an_update_moves_neither_focus_nor_page(
    chooser: Callable[..., SpawnPage], taken: Callable[[], HubUser]
) -> None:
    small = {"viewport": {"width": 1280, "height": 300}, "reduced_motion": "reduce"}
    lena = chooser("lena", **small).wait_live()
    lena.page.get_by_text("Copy a link to this choice").click()
    field = lena.page.get_by_role("textbox", name="Link that starts the server at once")
    field.focus()
    assert lena.page.evaluate("window.scrollY") > 0
    before = top_of(field)

    bert = taken()
    expect(lena.entry(SIZES, SINGLE)).to_contain_text(FULL_SENTENCE)
    expect(field).to_be_focused()
    # Browsers keep what is read in place to the pixel, not below it.
    assert top_of(field) == pytest.approx(before, abs=1)
    bert.stop()
    expect(lena.entry(SIZES, SINGLE)).to_contain_text("1 of 1 free")
    expect(field).to_be_focused()
    assert top_of(field) == pytest.approx(before, abs=1)


def test_a_chosen_choice_that_goes_keeps_the_focus(
    chooser: Callable[..., SpawnPage], taken: Callable[[], HubUser]
) -> None:
    lena = chooser("lena").wait_live()
    lena.person.choose(SIZES, SINGLE)
    lena.radio(SIZES, SINGLE).focus()
    bert = taken()
    expect(lena.page.locator("#sandlot-blocked")).to_contain_text(FULL_SENTENCE)
    expect(lena.radio(SIZES, SINGLE)).to_be_focused()
    bert.stop()
    expect(lena.page.locator("#sandlot-blocked")).to_be_hidden()
    expect(lena.page.locator("#sandlot-live")).to_have_text(re.compile("^Available again"))


def test_a_stream_that_is_cut_is_said_and_mended(
    choosing: Stack, chooser: Callable[..., SpawnPage], taken: Callable[[], HubUser]
) -> None:
    lena = chooser("lena").wait_live()
    os.kill(offers_service(choosing), signal.SIGKILL)
    expect(lena.age).to_have_text(CUT)
    lena.person.picture("spawn-cut.png")
    lena.wait_live()
    taken()
    expect(lena.entry(SIZES, SINGLE)).to_contain_text(FULL_SENTENCE)


def test_without_the_service_nothing_is_called_free_and_starting_works(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    lena = chooser("lena").wait_live()
    with paused(offers_service(choosing)):
        deadline = time.monotonic() + UNKNOWN_S
        while not UNKNOWN.match(lena.open(choosing.url).age.inner_text()):
            assert time.monotonic() < deadline, "the hub still believes the service"
        expect(lena.entry(SIZES, SINGLE)).to_contain_text("not known")
        assert "1 of 1 free" not in lena.form.inner_text()
        lena.person.picture("spawn-unknown.png")
        lena.person.choose(SIZES, SINGLE)
        lena.start.click()
        lena.person.lab_is_ready()
    stop_server(choosing, "lena")


@pytest.mark.parametrize("ticket", ["altered", "expired", "of-another-key"])
def test_a_ticket_that_is_no_good_is_renewed(
    choosing: Stack, chooser: Callable[..., SpawnPage], ticket: str
) -> None:
    lena = chooser("lena")
    bad = bad_tickets(choosing, lena)[ticket]
    set_on_form(lena.page, "data-ticket", bad)
    with lena.page.expect_response(re.compile("/hub/sandlot/ticket")) as renewed:
        lena.open(choosing.url)
    assert renewed.value.status == 200
    lena.wait_live()


def test_somebody_who_is_logged_out_is_told(
    choosing: Stack, chooser: Callable[..., SpawnPage]
) -> None:
    lena = chooser("lena")
    set_on_form(lena.page, "data-ticket", bad_tickets(choosing, lena)["expired"])
    held: list[Route] = []
    # Playwright marks the function that it is given, which a built-in one does not allow.
    lena.page.route("**/api/v1/stream", lambda route: held.append(route))  # noqa: PLW0108 (see above)
    with lena.page.expect_request("**/api/v1/stream"):
        lena.open(choosing.url)
    lena.page.context.clear_cookies()
    held[0].continue_()
    expect(lena.age).to_have_text(re.compile(r"You are logged out\. Next: reload the page\.$"))


def test_the_stream_may_be_on_another_origin(
    choosing: Stack, chooser: Callable[..., SpawnPage], taken: Callable[[], HubUser]
) -> None:
    """As with `subdomain_host`: no cookie reaches it, and the browser asks before it reads."""
    lena = chooser("lena")
    other = choosing.url.replace("127.0.0.1", "localhost")
    stream = f"{other}services/offers/api/v1/stream"
    set_on_form(lena.page, "data-stream-url", stream)
    with lena.page.expect_response(stream) as answered:
        lena.open(choosing.url)
    assert "cookie" not in answered.value.request.all_headers()
    lena.wait_live()
    taken()
    expect(lena.entry(SIZES, SINGLE)).to_contain_text(FULL_SENTENCE)


def top_of(found: Locator) -> float:
    """Return where something is in the window, in pixels from above."""
    box = found.bounding_box()
    assert box is not None
    return box["y"]


def offers_service(choosing: Stack) -> int:
    """Return the process of the offers service."""
    return find_below(choosing.process.pid, "sandlot_hub.services.offers")


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Let a process answer nothing, without ending it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def bad_tickets(choosing: Stack, chooser: SpawnPage) -> dict[str, str]:
    """Return tickets that the service must refuse."""
    good = chooser.form.get_attribute("data-ticket")
    assert good
    told = choosing.data_dir / "services" / "offers" / "service.json"
    key = ticket_key(json.loads(told.read_text())["token"])
    ticket = PageTicket(kind="page", user="lena", groups=frozenset({PEOPLE}))
    return {
        "altered": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "expired": sign_ticket(ticket, key=key, now=time.time() - 601),
        "of-another-key": sign_ticket(ticket, key=ticket_key("another"), now=time.time()),
    }


def set_on_form(page: Page, name: str, value: str) -> None:
    """Let the pages that are opened from now on have another value for their scripts to read."""
    # The document itself stays the server's: to Chromium one of ours would come from the
    # internet, which may not reach this machine. Scripts run after this event.
    page.add_init_script(
        f"""
        document.addEventListener("readystatechange", () => {{
          if (document.readyState === "interactive") {{
            document.getElementById("sandlot-form")?.setAttribute("{name}", "{value}");
          }}
        }});
        """
    )
