from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandlot_hub.spawner.alike import ANY, NAME
from sandlot_hub.spawner.instead_links import instead_links, instead_parts

# The page's own script reads the same rows: both must say the same.
STATIC = Path(__file__).parent / "static"
ALTERNATIVES = json.loads((STATIC / "alternatives.json").read_text())
NAMES = {
    "profile": {"cpu": "CPU", ANY: NAME},
    "image": {"base": "Base <1>"},
    "size": {"small": "Small", "large": "Large"},
}
LARGE = {
    "profile": "cpu",
    "image": "base",
    "size": "large",
    "label": "CPU · Base <1> · Large",
    "reference": None,
}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ALTERNATIVES])
def test_an_alternative_shows_what_differs(row: dict[str, Any]) -> None:
    other = {"image": "custom", "reference": None, "label": "The whole choice", **row["other"]}
    names = {**NAMES, "profile": {"cpu": "CPU"}, "image": {"base": "Base"}}

    parts = instead_parts(other, names, row["context"])

    assert "".join(part.name for part in parts if part.is_shown) == row["shown"]
    assert [part.name for part in parts if not part.is_shown] == row["hidden"]


@pytest.mark.parametrize(
    ("other", "context", "link"),
    [
        pytest.param(
            LARGE,
            {"profile": "gpu", "image": "base", "size": "small"},
            '<a title="CPU · Base &lt;1&gt; · Large"'
            ' href="?opt-profile=cpu&amp;opt-image=base&amp;opt-size=large"><span>CPU</span>'
            '<span class="visually-hidden"> · Base &lt;1&gt;</span><span> · Large</span></a>',
            id="of-another-profile",
        ),
        pytest.param(
            {**LARGE, "profile": None, "label": "Base <1> · Large"},
            {"profile": ANY, "image": "base", "size": "small"},
            f'<a title="{NAME} · Base &lt;1&gt; · Large"'
            f' href="?opt-profile={ANY}&amp;opt-image=base&amp;opt-size=large">'
            f'<span class="visually-hidden">{NAME} · </span>'
            '<span class="visually-hidden">Base &lt;1&gt; · </span><span>Large</span></a>',
            id="of-the-same-profile",
        ),
        pytest.param(
            LARGE,
            None,
            '<a title="CPU · Base &lt;1&gt; · Large"'
            ' href="?opt-profile=cpu&amp;opt-image=base&amp;opt-size=large"><span>CPU</span>'
            '<span class="visually-hidden"> · Base &lt;1&gt;</span>'
            '<span class="visually-hidden"> · Large</span></a>',
            id="only-profiles-differ",
        ),
        pytest.param(
            {**LARGE, "image": "custom", "reference": 'quay.io/a/b:"1"'},
            {"profile": "cpu", "size": "large"},
            '<a title="CPU · Base &lt;1&gt; · Large"'
            ' href="?opt-profile=cpu&amp;opt-reference=quay.io/a/b%3A%221%22&amp;opt-size=large">'
            '<span class="visually-hidden">CPU · </span><span>quay.io/a/b:&#34;1&#34;</span>'
            '<span class="visually-hidden"> · Large</span></a>',
            id="an-image-that-somebody-has-named",
        ),
    ],
)
def test_a_link_says_what_differs_and_starts_it(
    other: dict[str, Any], context: dict[str, str | None] | None, link: str
) -> None:
    assert instead_links([other], NAMES, context) == link


def test_each_link_has_a_line() -> None:
    links = instead_links([LARGE, {**LARGE, "size": "small"}], NAMES, None)

    assert [line[:3] for line in links.splitlines()] == ["<a ", "<a "]
