from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.decision import decide_offers
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import Refused
from support.capacities import capacity, flavor, size
from support.catalogue import person

if TYPE_CHECKING:
    from sandlot_contracts.capacity import SizeState
    from sandlot_hub.domain.settings.model import WhenFull

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FREE = size(5)
BUSY = size(0, "accelerator")
NEVER = size(0, "memory", ever=False)


def _settings(when_full: WhenFull | None, *images: str) -> SandlotSettings:
    custom = {"allow": [{"registry": "quay.io", "repository": "lab/*", "tag": "1"}]}
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": {
                "usual": {"display_name": "Usual", "reference": "registry.invalid/usual:1"},
                "odd": {"display_name": "Odd", "reference": "registry.invalid/odd:1"},
            },
            "accelerators": {"l4": {"display_name": "NVIDIA L4"}},
            "sizes": {
                "gpu": {
                    "display_name": "GPU",
                    "cpus": 2,
                    "memory": "4 GiB",
                    "accelerator": {"flavor": "l4"},
                },
                "cpu": {"display_name": "CPU", "cpus": 2, "memory": "4 GiB"},
            },
            "profiles": {
                "lab": {
                    "display_name": "Lab",
                    "images": list(images),
                    "sizes": ["gpu", "cpu"],
                    "custom_images": custom,
                    "when_full": when_full,
                }
            },
        }
    )


def _here(counted: SizeState) -> Facilities:
    free = flavor(counted.fits, 8)
    found = capacity({"l4": free}, {"gpu": counted, "cpu": counted})
    return Facilities(
        mode=Mode.KUBERNETES,
        capacity=found.model_copy(update={"uncounted_images": ("odd",)}),
        now=NOW,
    )


# What nodes have, what becomes of starts without room, image and size: what is offered.
ROWS = [
    pytest.param(FREE, None, "usual", "gpu", "available", id="counted-and-free"),
    pytest.param(BUSY, "refuse", "usual", "gpu", "unavailable", id="counted-and-full"),
    pytest.param(BUSY, "wait", "usual", "gpu", "wait", id="counted-and-waiting"),
    pytest.param(FREE, None, "odd", "gpu", "unknown", id="free-elsewhere-is-not-free-here"),
    pytest.param(BUSY, "refuse", "odd", "gpu", "unknown", id="full-elsewhere-is-not-full-here"),
    pytest.param(BUSY, "wait", "odd", "gpu", "unknown", id="who-waits-elsewhere-may-not-here"),
    pytest.param(NEVER, "refuse", "odd", "gpu", "unknown", id="too-large-for-other-nodes"),
    pytest.param(BUSY, "refuse", "odd", "cpu", "available", id="without-accelerators"),
    pytest.param(BUSY, "refuse", "usual", "cpu", "unavailable", id="counted-without-them"),
]


@pytest.mark.parametrize(("counted", "when_full", "image", "slug", "state"), ROWS)
def test_what_is_offered_of_a_pair(
    counted: SizeState, when_full: WhenFull | None, image: str, slug: str, state: str
) -> None:
    settings = _settings(when_full, "usual", "odd")
    listed = decide_offers(
        entitlements=person(), settings=settings, facilities=_here(counted), now=NOW
    )
    [offer] = [each for each in listed.offers if (each.image, each.size) == (image, slug)]
    assert offer.state == state
    outcome = resolve(
        {"profile": "lab", "image": image, "size": slug},
        entitlements=person(),
        settings=settings,
        facilities=_here(counted),
    )
    assert isinstance(outcome, Refused) == (state == "unavailable")
    if state == "unknown":
        assert offer.reason is not None
        assert "cannot be counted here. Next: start the server" in offer.reason.message


# What nodes have, what becomes of starts without room, the images: what stands beside the size.
SHOWN = [
    pytest.param(FREE, None, ("usual", "odd"), "5 of 8 free", None, id="free-for-one"),
    pytest.param(FREE, None, ("odd",), "not known", None, id="free-for-none"),
    pytest.param(BUSY, "refuse", ("usual",), "none free", "accelerators-busy", id="full-for-all"),
    pytest.param(BUSY, "refuse", ("usual", "odd"), "not known", None, id="full-for-one"),
    pytest.param(BUSY, "wait", ("usual", "odd"), "none free", None, id="waits-for-one"),
]


@pytest.mark.parametrize(("counted", "when_full", "images", "words", "code"), SHOWN)
def test_what_a_page_shows_of_a_size(
    counted: SizeState,
    when_full: WhenFull | None,
    images: tuple[str, ...],
    words: str,
    code: str | None,
) -> None:
    [profile] = visible(person(), _settings(when_full, *images), _here(counted))
    [gpu] = [each for each in profile.sizes if each.slug == "gpu"]
    assert gpu.words.text == words
    assert (gpu.refusal and gpu.refusal.code) == code
    facts = {image.slug: image.facts for image in profile.images}
    assert facts.get("odd", ("free places not counted",)) == ("free places not counted",)
    assert facts.get("usual", ()) == ()


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        pytest.param({}, ("odd", "gpu"), id="nothing"),
        pytest.param({"image": "odd"}, ("odd", "gpu"), id="an-image"),
        pytest.param({"size": "cpu"}, ("odd", "cpu"), id="a-size"),
        pytest.param({"image": "usual"}, None, id="an-image-that-is-counted"),
        pytest.param({"reference": "quay.io/lab/x:1"}, None, id="an-image-that-somebody-names"),
        pytest.param(
            {"reference": "quay.io/lab/x:1", "size": "gpu"}, None, id="and-a-size-that-is-full"
        ),
    ],
)
def test_what_a_start_takes_where_all_that_is_counted_is_full(
    options: dict[str, str], taken: tuple[str, str] | None
) -> None:
    outcome: Any = resolve(
        {"profile": "lab", **options},
        entitlements=person(),
        settings=_settings("refuse", "usual", "odd"),
        facilities=_here(BUSY),
    )
    if taken is not None:
        assert isinstance(outcome, Plan)
        assert (outcome.image_slug, outcome.size_slug) == taken
        return
    assert isinstance(outcome, Refused)
    assert [each.image for each in outcome.alternatives] == ["odd"] * len(outcome.alternatives)
    assert outcome.alternatives
