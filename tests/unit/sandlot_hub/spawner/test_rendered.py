"""What is rendered is what an open page says of the same, word for word.

`static/rendered.spec.ts` reads the golden file too: it applies the offers to the form,
and nothing may change.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.page_offers import page_offers
from sandlot_hub.domain.profile_list import build_profile_list
from sandlot_hub.domain.profiles import resolve, visible
from sandlot_hub.domain.refusals import Refused
from sandlot_hub.domain.settings import SandlotSettings
from sandlot_hub.spawner.form import FormNotes, FormPage, ImpossibleChoice, render_form
from support.catalogue import catalogue, document, person
from support.golden import Golden

if TYPE_CHECKING:
    import pytest

NOTES = FormNotes(cpu_enforced=True, memory_enforced=True)
FULL = {"profile": "cpu", "image": "base", "size": "small"}
STATIC = Path(__file__).parent / "static"


def _limited() -> SandlotSettings:
    changed = document()
    changed["profiles"] = {slug: changed["profiles"][slug] for slug in ("cpu", "gpu")}
    for size, places in (("small", 2), ("gpu", 4), ("inner", 8)):
        changed["sizes"][size].update(max_running=places, price=1)
    return SandlotSettings.model_validate(changed)


def _here(running: dict[str, int] | None) -> Facilities:
    broken = ImageReadiness(ready=False, reason="It is being built.")
    return Facilities(mode=Mode.KUBERNETES, running=running, images={"scipy": broken})


def _many() -> SandlotSettings:
    one = {"display_name": "One of many", "images": ["scipy", "inner"], "sizes": ["small"]}
    closed = {**one, "allow": {"groups": ["nobody"]}}
    return catalogue(profiles={**{f"p{n}": one for n in range(9)}, "closed": closed})


def _row(settings: SandlotSettings, facilities: Facilities, *, refused: bool) -> dict[str, Any]:
    """Return a form, and what its page is told of the same."""
    shown = visible(person(), settings, facilities)
    answer = resolve(FULL, entitlements=person(), settings=settings, facilities=facilities)
    why = None
    if refused:
        assert isinstance(answer, Refused)
        why = ImpossibleChoice(
            message=answer.message,
            code=answer.code,
            alternatives=answer.alternatives,
            choice=FULL,
        )
    page = FormPage(
        user="ada",
        server_name="",
        spawn_url="/hub/spawn/ada",
        static_url="/static",
        price_unit="€",
        settings_hash="0",
        refused=why,
    )
    return {
        "form": render_form(build_profile_list(shown, FULL), notes=NOTES, page=page),
        "offers": [offer.model_dump(mode="json") for offer in page_offers(shown)],
    }


def test_what_is_rendered_is_what_an_open_page_says(request: pytest.FixtureRequest) -> None:
    rows = {
        "some are free": _row(_limited(), _here({"small": 1, "gpu": 4}), refused=False),
        "not known": _row(_limited(), _here(None), refused=False),
        "after a refusal": _row(_limited(), _here({"small": 2}), refused=True),
        "crowded": _row(_many(), _here({}), refused=False),
    }

    golden = Golden(STATIC, update=bool(request.config.getoption("update_golden")))
    golden.check("rendered", rows)
