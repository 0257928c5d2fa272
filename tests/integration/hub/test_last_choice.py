"""What the form goes back to: per server, across refusals, and when it is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_contracts.supervisor import LocalImage
from support.fake_supervisor import facilities

if TYPE_CHECKING:
    from support.fake_supervisor import FakeSupervisor
    from support.hub_app import Browser, Hub

pytestmark = pytest.mark.asyncio

SCIPY = {"profile": "everyday", "image": "scipy", "size": "large"}
OFF = "The image “SciPy” cannot be started now."


async def _start_and_stop(hub: Hub, server: str) -> None:
    rest, path = hub.rest("alice"), f"users/alice/{server}"
    assert (await rest("POST", path, json={"user_options": SCIPY})).status == 201
    assert (await rest("DELETE", path)).status == 204


def _checked(page: str, value: str) -> bool:
    """Return whether the radio button of an image or a size of the profile is preselected."""
    tags = [tag for tag in page.split("<input") if f'value="{value}"' in tag]
    return any("checked" in tag.split(">")[0] for tag in tags)


async def test_each_server_goes_back_to_its_own(hub: Hub) -> None:
    await _start_and_stop(hub, "servers/second")
    async with hub.browser("alice") as browser:
        second = (await browser.get("spawn/alice/second")).text
        default = (await browser.get("spawn/alice")).text
    assert [_checked(second, v) for v in ("scipy", "large")] == [True, True]
    assert [_checked(default, v) for v in ("base", "small")] == [True, True]


@pytest.mark.parametrize("server", ["server", "servers/second"])
async def test_one_that_became_impossible_explains_itself(
    hub: Hub, supervisor: FakeSupervisor, server: str
) -> None:
    await _start_and_stop(hub, server)
    supervisor.facilities = facilities(
        images={"base": LocalImage(state="ready"), "scipy": LocalImage(state="failed")}
    )
    _, _, name = server.partition("/")
    async with hub.browser("alice") as browser, asyncio.timeout(10):
        # What the machine can do is asked once a second.
        while OFF not in (page := (await browser.get(f"spawn/alice/{name}".rstrip("/"))).text):
            pass
    notice = page.partition('id="sandlot-last"')[2].partition("</div>")[0]
    assert OFF in notice
    assert "image-unavailable" in notice
    assert "opt-image=base&amp;opt-size=large" in notice
    assert not _checked(page, "scipy")
    assert _checked(page, "large")  # what goes with the rest stays


async def _refuse(browser: Browser, path: str) -> str:
    form = {
        "profile": "everyday",
        "profile-option-everyday--image": "sealed",
        "profile-option-everyday--size": "large",
    }
    reply = await browser.submit(path, form)
    assert reply.status == 400
    return reply.text


@pytest.mark.parametrize("path", ["spawn/alice", "spawn/alice/second"])
async def test_a_refused_form_is_that_of_its_server(hub: Hub, path: str) -> None:
    async with hub.browser("alice") as browser:
        page = await _refuse(browser, path)
    assert f'data-spawn-url="/hub/{path}"' in page
    assert _checked(page, "large")
    assert 'id="sandlot-refused"' in page
    assert 'id="sandlot-last"' not in page
    assert "?opt-profile=everyday&amp;opt-image=base&amp;opt-size=large" in page


async def test_a_refusal_is_forgotten_with_the_next_start(hub: Hub) -> None:
    async with hub.browser("alice") as browser:
        await _refuse(browser, "spawn/alice")
        await _start_and_stop(hub, "server")
        page = (await browser.get("spawn/alice")).text
    assert 'id="sandlot-refused"' not in page
    assert [_checked(page, v) for v in ("scipy", "large")] == [True, True]
