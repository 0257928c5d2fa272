from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from jinja2 import UndefinedError

from sandlot_hub.services.pages import build_templates

if TYPE_CHECKING:
    from pathlib import Path

    from support.service_process import RunningService

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.asyncio
async def test_only_scripts_of_the_page_run(probe: RunningService) -> None:
    first, second = [await probe.ask("nothing", headers=HTML) for _ in range(2)]
    policy = first.headers["Content-Security-Policy"]
    [nonce] = set(re.findall(r"'nonce-([^']+)'", policy))
    assert f"script-src 'nonce-{nonce}';" in policy
    assert f"style-src 'self' 'nonce-{nonce}';" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    for tag in re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*>", first.text):
        assert f'nonce="{nonce}"' in tag
    assert nonce not in second.text


@pytest.mark.asyncio
async def test_programs_get_json(probe: RunningService) -> None:
    answer = await probe.ask("nothing", headers={"Accept": "*/*"})
    assert answer.json["code"] == "not-found"


def test_everything_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("{{ name }}")
    page = build_templates(tmp_path).get_template("x.html").render(name="<script>'\"&")
    assert page == "&lt;script&gt;&#39;&#34;&amp;"


def test_a_name_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("{{ nothing }}")
    with pytest.raises(UndefinedError):
        build_templates(tmp_path).get_template("x.html").render()
