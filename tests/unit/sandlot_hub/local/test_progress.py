from __future__ import annotations

import io
import itertools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_contracts.supervisor import LocalImage
from sandlot_hub.local.progress import Progress, Ready, has_display, ready_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

READY = Ready(
    url="http://127.0.0.1:8000/x/",
    public_url=None,
    port=8000,
    admin="admin",
    password="12345-abcde",
    password_file="/d/admin-password",
    isolation="own-uid",
)


def said(*, display: bool = True, **changes: Any) -> str:
    return "\n".join(ready_lines(replace(READY, **changes), display=display))


def test_the_first_start_tells_address_name_and_password() -> None:
    text = said()
    assert "Sandlot is ready: http://127.0.0.1:8000/x/" in text
    assert "Log in as admin with the password 12345-abcde" in text
    assert "ssh -L" not in text


def test_a_later_start_tells_where_the_password_is() -> None:
    text = said(password=None)
    assert "/d/admin-password" in text
    assert "12345" not in text


def test_without_a_display_the_way_in_is_told() -> None:
    text = said(display=False)
    assert "ssh -L 8000:127.0.0.1:8000" in text
    assert "http://127.0.0.1:8000/x/" in text


def test_a_shared_uid_is_said_loudly() -> None:
    assert "WARNING" not in said()
    text = said(isolation="shared-uid")
    assert "WARNING" in text
    assert "ALL ACCOUNTS SHARE ONE USER ID" in text


def test_the_public_address_is_told() -> None:
    assert "https://hub.example.org/" in said(public_url="https://hub.example.org/")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "w"}, True),
        ({"DISPLAY": ""}, False),
    ],
)
def test_has_display(environment: Mapping[str, str], *, expected: bool) -> None:
    assert has_display(environment) is expected


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(stream: io.StringIO) -> Progress:
    return Progress(clock=itertools.count(100.0, 0.5).__next__, stream=stream)


def test_steps_carry_the_time_since_the_start(progress: Progress, stream: io.StringIO) -> None:
    progress.step("One.")
    progress.step("Two.")
    assert stream.getvalue() == "[  0.5 s] One.\n[  1.0 s] Two.\n"


def test_images_are_told_when_they_change(progress: Progress, stream: io.StringIO) -> None:
    for state, done in (
        ("queued", 0.0),
        ("queued", 0.0),
        ("building", 0.1),
        ("building", 0.2),
        ("building", 0.6),
        ("ready", 1.0),
        ("ready", 1.0),
    ):
        progress.images({"base": LocalImage.model_validate({"state": state, "progress": done})})
    told = [line.partition("] ")[2] for line in stream.getvalue().splitlines()]
    assert told == [
        "Image base: queued.",
        "Image base: 10% built.",
        "Image base: 60% built.",
        "Image base: ready.",
    ]


def test_the_password_is_not_logged(
    progress: Progress, caplog: pytest.LogCaptureFixture, stream: io.StringIO
) -> None:
    caplog.set_level(logging.DEBUG)
    progress.ready(READY, display=False)
    assert "12345" in stream.getvalue()
    assert "12345" not in caplog.text


def test_a_closed_terminal_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    Progress(clock=lambda: 0.0, stream=Closed()).step("Nobody reads this.")


def test_a_failure_is_said_on_standard_error(
    progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.fail("It does not work.")
    assert capsys.readouterr().err == "sandlot up: It does not work.\n"
