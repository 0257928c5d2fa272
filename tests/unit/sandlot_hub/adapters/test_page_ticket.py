"""Tests of what the hub signs for a page."""

from __future__ import annotations

import json

import pytest
from tornado.web import create_signed_value

from sandlot_hub.adapters.page_ticket import (
    MAX_TICKET,
    TICKET_SECONDS,
    PageTicket,
    TicketError,
    read_ticket,
    sign_ticket,
    ticket_key,
)

NOW = 1_800_000_000.25
KEY = ticket_key("0123456789abcdef0123456789abcdef")
ANN = PageTicket(kind="page", user="ann", groups=frozenset({"ml", "cs101"}), admin=False)


def _code(text: str, *, key: bytes = KEY, now: float = NOW) -> str:
    with pytest.raises(TicketError) as caught:
        read_ticket(text, key=key, now=now)
    assert text == "" or text[:40] not in str(caught.value)
    return caught.value.code


def _signed(content: object, *, name: str = "sandlot-page-ticket", version: int = 2) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    signed = create_signed_value(KEY, name, text, version=version, clock=lambda: NOW)
    return signed.decode()


def _content(**changes: object) -> dict[str, object]:
    known = {"kind": "page", "user": "ann", "groups": [], "admin": False, "signed": NOW}
    return {**known, **changes}


@pytest.mark.parametrize(
    "ticket",
    [
        pytest.param(ANN, id="page"),
        pytest.param(PageTicket(kind="hub", user="hub"), id="hub"),
        pytest.param(PageTicket(kind="page", user="ädmin@x", admin=True), id="admin"),
        pytest.param(PageTicket(kind="page", user="a|b\n"), id="separators-in-a-name"),
        # SQLite keeps what is longer than the hub's column says.
        pytest.param(PageTicket(kind="page", user="x" * 1000), id="long-name"),
    ],
)
def test_what_was_signed_is_read(ticket: PageTicket) -> None:
    text = sign_ticket(ticket, key=KEY, now=NOW)
    assert text.isascii()
    assert text.isprintable()
    found = read_ticket(text, key=KEY, now=NOW)
    assert found == ticket
    assert found.signed == NOW
    assert found.expires == NOW + TICKET_SECONDS


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        pytest.param(TICKET_SECONDS - 0.01, None, id="in-its-last-moment"),
        pytest.param(TICKET_SECONDS, "ticket-expired", id="over"),
        pytest.param(365 * 86_400, "ticket-expired", id="after-a-year"),
        pytest.param(-60, None, id="the-hub-is-a-minute-ahead"),
        pytest.param(-61, "ticket-invalid", id="dated-in-the-future"),
    ],
)
def test_time(seconds: float, code: str | None) -> None:
    text = sign_ticket(ANN, key=KEY, now=NOW)
    if code is None:
        assert read_ticket(text, key=KEY, now=NOW + seconds) == ANN
    else:
        assert _code(text, now=NOW + seconds) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "ticket-missing", id="none"),
        pytest.param("x", "ticket-invalid", id="garbage"),
        pytest.param("2|1:0|10:1800000000|", "ticket-invalid", id="cut-in-the-middle"),
        pytest.param("\ud800", "ticket-invalid", id="not-encodable"),
        pytest.param("2|1:0|é", "ticket-invalid", id="not-ascii"),
        pytest.param(_signed(_content(), version=1), "ticket-invalid", id="older-format"),
        pytest.param(_signed(_content(), name="login"), "ticket-invalid", id="another-thing"),
        pytest.param(_signed("{"), "ticket-invalid", id="signed-no-json"),
        pytest.param(_signed(_content(kind="root")), "ticket-invalid", id="signed-other-kind"),
        pytest.param(_signed(_content(user="")), "ticket-invalid", id="signed-nobody"),
        pytest.param(_signed(_content(admin="yes")), "ticket-invalid", id="signed-wrong-type"),
        pytest.param(_signed(_content(more=1)), "ticket-invalid", id="signed-of-a-newer-version"),
        pytest.param(
            _signed(_content(groups=["x" * MAX_TICKET])), "ticket-invalid", id="oversized"
        ),
    ],
)
def test_what_is_no_ticket(text: str, code: str) -> None:
    assert _code(text) == code


def test_every_altered_character_is_noticed() -> None:
    text = sign_ticket(ANN, key=KEY, now=NOW)
    altered = (
        f"{text[:at]}{'A' if text[at] != 'A' else 'B'}{text[at + 1 :]}" for at in range(len(text))
    )
    assert {_code(each) for each in altered} == {"ticket-invalid"}


def test_of_another_key() -> None:
    assert _code(sign_ticket(ANN, key=ticket_key("other"), now=NOW)) == "ticket-invalid"


def test_keys() -> None:
    assert len(KEY) == 32
    assert ticket_key("a") != ticket_key("b")
