from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.services.logs import (
    FIELDS,
    MAX_TEXT,
    MAX_TRACEBACK,
    JsonFormatter,
    configure_logging,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SECRET = "d41d8cd98f00b204e9800998ecf8427e"
OWN = "sandlot_hub.services.auth"


def failure(text: str) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    with pytest.raises(LookupError) as caught:
        raise LookupError(text)
    return caught.type, caught.value, caught.tb


def line(
    message: str,
    *args: object,
    name: str = OWN,
    fields: dict[str, Any] | None = None,
    exc_info: Any = None,
) -> str:
    record = logging.LogRecord(name, logging.INFO, __file__, 1, message, args, exc_info)
    if fields is not None:
        setattr(record, FIELDS, fields)
    return JsonFormatter(service="offers", secrets=[SECRET]).format(record)


def test_a_line_is_one_json_object() -> None:
    document = json.loads(line("request", fields={"status": 200, "caller": "alice", "none": None}))
    assert document.pop("time").endswith("+00:00")
    assert document == {
        "level": "info",
        "service": "offers",
        "logger": OWN,
        "message": "request",
        "status": 200,
        "caller": "alice",
        "none": None,
    }


@pytest.mark.parametrize(
    "text",
    ["a\r\nb", "a\x1b[31mred", "a\x00b", "a\u2028b", "\u202egnp.exe", "\x9b31m", '"}\n{"level":"x'],
)
def test_nobody_writes_lines_or_colours(text: str) -> None:
    for written in (line("user %s", text), line("x", fields={"caller": text})):
        assert written.isascii()
        assert written.isprintable()
        assert json.loads(written)["level"] == "info"


@given(st.text(), st.text())
def test_every_text_is_one_printable_line(message: str, value: str) -> None:
    written = line("%s", message, fields={"caller": value})
    assert written.isprintable()
    json.loads(written)


def test_a_megabyte_is_shortened() -> None:
    written = line("%s", "x" * 1_000_000, fields={"caller": "y" * 1_000_000})
    assert len(written) < 2 * MAX_TEXT + 1000
    assert "(1000000 characters)" in written


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param(f"it is {SECRET}", SECRET, id="known"),
        pytest.param("Authorization: token abc123", "abc123", id="token-header"),
        pytest.param("authorization: BEARER abc123", "abc123", id="bearer"),
        pytest.param("Basic YWxpY2U6c2VjcmV0", "YWxpY2U6c2VjcmV0", id="basic"),
        pytest.param("GET /x?token=abc123&y=1", "abc123", id="query-token"),
        pytest.param("GET /x?a=1&access_token=abc123", "abc123", id="query-access-token"),
        pytest.param("oauth_callback?code=abc123&state=def456", "abc123", id="login-code"),
        pytest.param("oauth_callback?code=abc123&state=def456", "def456", id="login-state"),
        pytest.param("client_secret=abc123", "abc123", id="client-secret"),
        pytest.param('{"password": "abc123"}', "abc123", id="json-password"),
        pytest.param("{'api_token': 'abc123'}", "abc123", id="repr-token"),
        pytest.param("Cookie: abc123=def; x=y", "abc123", id="cookie"),
        pytest.param("_xsrf=abc123", "abc123", id="xsrf"),
        pytest.param(
            "x" * 1018 + f"token {SECRET * 10}" + "y" * 4000, SECRET[:8], id="cut-through"
        ),
    ],
)
def test_secrets_stay_out(text: str, secret: str) -> None:
    for written in (line("%s", text), line("x", fields={"detail": text})):
        assert secret not in written
    assert secret not in line("failed", exc_info=failure(text))


@pytest.mark.parametrize("key", ["token", "api_token", "Authorization", "cookie", "client_secret"])
def test_fields_that_are_called_like_secrets_stay_out(key: str) -> None:
    assert json.loads(line("x", fields={key: "abc123"}))[key] == "[redacted]"


def test_what_libraries_fill_in_stays_out() -> None:
    written = line(
        "oauth state argument %r != cookie %s", "abc123", "n", name="tornado.application"
    )
    assert json.loads(written)["message"] == "oauth state argument %r != cookie %s"


def test_a_traceback_is_there_and_bounded() -> None:
    written = line("failed", exc_info=failure("x" * 1_000_000))
    trace = json.loads(written)["traceback"]
    assert trace.startswith("Traceback")
    assert len(trace) < MAX_TRACEBACK + 100


def test_shortening_keeps_both_ends() -> None:
    assert shorten("abc", 10) == "abc"
    assert shorten("a" * 50 + "b" * 50, 10) == "aaaaa … (100 characters) … bbbbb"


@pytest.fixture
def restored_logging() -> Iterator[None]:
    names = ("", "sandlot_hub", "tornado.access", "tornado.application")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, list(each.handlers), each.level) for each in loggers]
    yield
    logging.captureWarnings(capture=False)
    for each, handlers, level in before:
        each.handlers[:] = handlers
        each.setLevel(level)


@pytest.mark.usefixtures("restored_logging")
def test_the_process_logs_json_only() -> None:
    stream = io.StringIO()
    configure_logging(service="offers", level="INFO", secrets=[SECRET], stream=stream)
    logging.getLogger(OWN).info("ours")
    logging.getLogger(OWN).debug("too fine")
    logging.getLogger("aiohttp.client").warning("theirs")
    logging.getLogger("aiohttp.client").info("not asked for")
    logging.getLogger("tornado.access").error("GET /x?token=abc")
    logging.getLogger("tornado.application").warning("Skipping XSRF check")
    messages = [json.loads(text)["message"] for text in stream.getvalue().splitlines()]
    assert messages == ["ours", "theirs"]
