"""What is rendered is what an open page says of the same, word for word.

`static/rendered.spec.ts` reads the golden file too: it applies the offers to the form,
and nothing may change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.offers.pages import page_offers
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import Refused
from sandlot_hub.spawner.form import FormNotes, FormPage, ImpossibleChoice, render_form
from support.capacities import capacity, flavor, size
from support.catalogue import catalogue, document, person
from support.golden import Golden

if TYPE_CHECKING:
    import pytest

    from sandlot_contracts.capacity import FlavorState, SizeState

NOTES = FormNotes(cpu_enforced=True, memory_enforced=True)
FULL = {"profile": "cpu", "image": "base", "size": "small"}
STATIC = Path(__file__).parent / "static"


def _limited() -> SandlotSettings:
    changed = document()
    changed["profiles"] = {slug: changed["profiles"][slug] for slug in ("cpu", "gpu")}
    for slug, places in (("small", 2), ("gpu", 4), ("inner", 8)):
        changed["sizes"][slug].update(max_running=places, price=1)
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


def _with_gpus(when_full: str | None = None) -> SandlotSettings:
    changed = document()
    one = {"display_name": "Two GPUs", "cpus": 4, "memory": "16 GiB"}
    changed["sizes"]["more"] = {**one, "accelerator": {"flavor": "l4", "count": 4}}
    gpu = {**changed["profiles"]["gpu"], "sizes": ["gpu", "more"], "when_full": when_full}
    changed["profiles"] = {"gpu": gpu, "cpu": changed["profiles"]["cpu"]}
    return SandlotSettings.model_validate(changed)


def _counted(flavors: FlavorState, gpu: SizeState, more: SizeState) -> Facilities:
    counted = capacity({"l4": flavors}, {"gpu": gpu, "more": more, "small": size(3)})
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return Facilities(mode=Mode.KUBERNETES, running={}, capacity=counted, now=now)


QUEUE = {"waiting": 3, "oldest_waiting": "2026-11-21T11:47:30Z"}
NONE = size(0, "accelerator")


def _of_accelerators() -> dict[str, Any]:
    some = _counted(flavor(5, 12, largest_block=3), size(2), size(0, "block"))
    none = _counted(flavor(0, 12, **QUEUE), NONE, NONE)
    grows = _counted(flavor(0, 12, may_grow=8, growth_takes_s=290.0), NONE, NONE)
    return {
        "accelerators, some free": _row(_with_gpus(), some, refused=False),
        "accelerators, none free": _row(_with_gpus(), none, refused=False),
        "accelerators, to wait for": _row(_with_gpus("wait"), none, refused=False),
        "accelerators, a node comes": _row(_with_gpus(), grows, refused=False),
    }


def test_what_is_rendered_is_what_an_open_page_says(request: pytest.FixtureRequest) -> None:
    rows = {
        "some are free": _row(_limited(), _here({"small": 1, "gpu": 4}), refused=False),
        "not known": _row(_limited(), _here(None), refused=False),
        "after a refusal": _row(_limited(), _here({"small": 2}), refused=True),
        "crowded": _row(_many(), _here({}), refused=False),
        **_of_accelerators(),
    }

    golden = Golden(STATIC, update=bool(request.config.getoption("update_golden")))
    golden.check("rendered", rows)
