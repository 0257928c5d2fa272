from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import RefusalCode, Refused
from support.catalogue import EVERYTHING_HERE, GIB, catalogue, document, person

if TYPE_CHECKING:
    from sandlot_hub.domain.offers.profiles import VisibleChoice

FULL = Facilities(mode=Mode.KUBERNETES, running={"small": 2, "large": 3, "gpu": 1})


def _limited(**limits: int) -> SandlotSettings:
    changed = document()
    for size, limit in limits.items():
        changed["sizes"][size]["max_running"] = limit
    return SandlotSettings.model_validate(changed)


@pytest.mark.parametrize(
    ("limit", "facilities", "places", "taken", "code"),
    [
        pytest.param(3, FULL, 3, 2, None, id="one-is-free"),
        pytest.param(2, FULL, 2, 2, "size-full", id="full"),
        pytest.param(1, FULL, 1, 2, "size-full", id="more-than-full"),
        pytest.param(None, FULL, None, None, None, id="no-limit"),
        pytest.param(2, EVERYTHING_HERE, 2, None, None, id="not-known"),
        pytest.param(
            2, Facilities(mode=Mode.KUBERNETES, running={}), 2, 0, None, id="nobody-is-there"
        ),
        pytest.param(
            2, Facilities(mode=Mode.KUBERNETES, running={"small": 2}, cpus=0.5),
            2, 2, "size-unavailable", id="too-large-before-full",
        ),
    ],
)  # fmt: skip
def test_places(
    limit: int | None, facilities: Facilities, places: int, taken: int, code: str | None
) -> None:
    settings = catalogue() if limit is None else _limited(small=limit)
    [cpu] = [p for p in visible(person(), settings, facilities) if p.slug == "cpu"]
    [small] = [size for size in cpu.sizes if size.slug == "small"]
    assert (small.places, small.taken) == (places, taken)
    assert (small.refusal and small.refusal.code) == code


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        pytest.param(
            2,
            "All 2 places of the size “Small” are taken. Choose another size, or try again later.",
            id="several",
        ),
        pytest.param(
            1,
            "The only place of the size “Small” is taken. Choose another size, or try again later.",
            id="one",
        ),
    ],
)
def test_a_full_size_says_so(limit: int, message: str) -> None:
    [cpu] = [p for p in visible(person(), _limited(small=limit), FULL) if p.slug == "cpu"]
    [refusal] = [size.refusal for size in cpu.sizes if size.slug == "small"]
    assert refusal is not None
    assert refusal.message == message
    assert (refusal.status, refusal.field) == (409, "size")
    assert refusal.params == {"size": "small", "places": limit, "taken": 2}


def test_who_may_not_use_a_size_is_told_that_and_not_that_it_is_full() -> None:
    facilities = Facilities(mode=Mode.KUBERNETES, running={"vip": 1})
    [cpu] = [p for p in visible(person(), _limited(vip=1), facilities) if p.slug == "cpu"]
    [refusal] = [size.refusal for size in cpu.sizes if size.slug == "vip"]
    assert refusal is not None
    assert refusal.code is RefusalCode.SIZE_NOT_ALLOWED


def test_a_profile_whose_sizes_are_all_full_says_so() -> None:
    settings = _limited(small=1, gpu=1)
    [gpu] = [p for p in visible(person(), settings, FULL) if p.slug == "gpu"]
    assert gpu.refusal is not None
    assert gpu.refusal.message == (
        "The profile “GPU” cannot be started now. All its places are taken. "
        "Choose another profile, or try again later."
    )
    assert [a.profile for a in gpu.alternatives] == ["cpu"]


def test_the_default_size_that_is_full_gives_way() -> None:
    [cpu] = [p for p in visible(person(), _limited(small=1), FULL) if p.slug == "cpu"]
    assert [size.slug for size in cpu.sizes if size.default] == ["large"]


@pytest.mark.parametrize(
    "facilities",
    [
        pytest.param(EVERYTHING_HERE, id="cluster"),
        pytest.param(
            Facilities(mode=Mode.LOCAL, flavors=frozenset(), memory_bytes=16 * GIB), id="machine"
        ),
        pytest.param(FULL, id="full"),
        pytest.param(Facilities(mode=Mode.LOCAL, cpus=0.01), id="nothing"),
    ],
)
def test_what_is_off_offers_what_a_start_would_be_offered(facilities: Facilities) -> None:
    settings = _limited(small=2, large=3)
    for profile in visible(person(), settings, facilities):
        shown: list[tuple[dict[str, str], VisibleChoice[Any]]]
        shown = [({"image": c.slug}, c) for c in profile.images]
        shown += [({"size": c.slug}, c) for c in profile.sizes]
        for part, choice in shown:
            refused = resolve(
                {"profile": profile.slug, **part},
                entitlements=person(),
                settings=settings,
                facilities=facilities,
            )
            expected = refused.alternatives if isinstance(refused, Refused) else ()
            if choice.refusal is not None:
                assert profile.alternatives_to(choice) == expected
            else:
                assert choice.instead == ()


def test_instead_of_a_full_size_its_neighbours_come_first() -> None:
    settings = _limited(small=1)
    changed = settings.model_dump(mode="json")
    changed["profiles"]["cpu"]["sizes"] = ["large", "small", "inner"]
    settings = SandlotSettings.model_validate(changed)
    [cpu] = [p for p in visible(person(), settings, FULL) if p.slug == "cpu"]
    [small] = [size for size in cpu.sizes if size.slug == "small"]
    assert [(a.profile, a.image, a.size) for a in cpu.alternatives_to(small)] == [
        ("cpu", "scipy", "large"),
        ("cpu", "scipy", "inner"),
        ("gpu", "torch", "gpu"),
    ]


def test_500_choices_are_shown() -> None:
    changed = document()
    names = [f"s{n}" for n in range(500)]
    size = {"display_name": "S", "cpus": 1, "memory": "1 GiB", "max_running": 1}
    changed["sizes"].update(dict.fromkeys(names, size))
    changed["profiles"]["cpu"]["sizes"] = names
    changed["profiles"]["cpu"]["defaults"] = {}
    settings = SandlotSettings.model_validate(changed)
    facilities = Facilities(mode=Mode.KUBERNETES, running=dict.fromkeys(names[:499], 1))
    [cpu] = [p for p in visible(person(), settings, facilities) if p.slug == "cpu"]
    assert [size.slug for size in cpu.sizes if size.refusal is None] == ["s499"]
    assert all(size.instead[0].size == "s499" for size in cpu.sizes[:499])
