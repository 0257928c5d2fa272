from __future__ import annotations

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.choices.alternatives import Alternatives
from sandlot_hub.domain.choices.choice import Choice
from sandlot_hub.domain.choices.viewpoint import Viewpoint
from sandlot_hub.domain.settings.model import SandlotSettings
from support.capacities import capacity, flavor, size
from support.catalogue import catalogue, document, person

NO_GPU = Facilities(mode=Mode.KUBERNETES, flavors=frozenset())


def _view(facilities: Facilities, settings: SandlotSettings | None = None) -> Viewpoint:
    return Viewpoint(entitlements=person(), settings=settings or catalogue(), facilities=facilities)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param(Choice(), "cpu/scipy/small gpu/base/small", id="nothing-known"),
        pytest.param(Choice(profile="nix"), "cpu/scipy/small gpu/base/small", id="unknown-profile"),
        pytest.param(
            Choice(profile="gpu", image="base", size="gpu"),
            "gpu/base/small cpu/base/small",
            id="same-image-here-and-elsewhere",
        ),
        pytest.param(
            Choice(profile="cpu", image="base", size="large"),
            "cpu/base/small cpu/scipy/large gpu/base/small",
            id="image-before-size-before-profile",
        ),
        pytest.param(
            Choice(profile="cpu", image="torch"),
            "cpu/scipy/small gpu/base/small",
            id="image-elsewhere",
        ),
        pytest.param(
            Choice(profile="cpu-old", image="scipy-old", size="vip"),
            "cpu/scipy/small cpu/scipy/large gpu/base/small",
            id="through-redirects",
        ),
        pytest.param(
            Choice(profile="lab", image="course", size="small"),
            "cpu/scipy/small gpu/base/small",
            id="closed-profile",
        ),
        pytest.param(
            Choice(profile="vault", image="secret", size="inner"),
            "cpu/scipy/small gpu/base/small",
            id="hidden-everything",
        ),
    ],
)
def test_nearest_first(choice: Choice, expected: str) -> None:
    found = Alternatives(_view(NO_GPU)).nearest(choice)
    assert [f"{a.profile}/{a.image}/{a.size}" for a in found] == expected.split()


def test_neighbours_first() -> None:
    changed = document()
    names = [f"s{n}" for n in range(9)]
    changed["sizes"].update(
        {n: {"display_name": n, "cpus": i + 1, "memory": "1 GiB"} for i, n in enumerate(names)}
    )
    changed["profiles"]["gpu"].update(images=["base"], sizes=names)
    settings = SandlotSettings.model_validate(changed)
    view = _view(Facilities(mode=Mode.LOCAL, cpus=5), settings)
    found = Alternatives(view).nearest_within("gpu", Choice(profile="gpu", image="base", size="s7"))
    assert [a.size for a in found] == ["s4", "s3", "s2"]


def test_of_other_profiles_the_one_that_keeps_the_image_comes_first() -> None:
    changed = document()
    changed["profiles"]["more"] = {"display_name": "More", "images": ["scipy"], "sizes": ["small"]}
    settings = SandlotSettings.model_validate(changed)
    found = Alternatives(_view(NO_GPU, settings)).nearest(
        Choice(profile="lab", image="scipy", size="gpu")
    )
    kept = [f"{a.profile}/{a.image}" for a in found]
    assert kept == ["cpu/scipy", "more/scipy", "gpu/base"]


def test_labels_are_for_people() -> None:
    [first, *_] = Alternatives(_view(NO_GPU)).nearest(Choice())
    assert first.label == "CPU · SciPy · Small"


def test_nothing_when_nothing_can_be_started() -> None:
    assert (
        Alternatives(_view(Facilities(mode=Mode.LOCAL, cpus=0.01))).nearest(Choice(profile="cpu"))
        == ()
    )


def _gpu_sizes() -> SandlotSettings:
    changed = document()
    changed["accelerators"]["h200"] = {"display_name": "NVIDIA H200"}
    counts = {"plain": None, "h1": ("h200", 1), "one": ("l4", 1), "two": ("l4", 2)}
    counts |= {"four": ("l4", 4), "eight": ("l4", 8)}
    for slug, wanted in counts.items():
        changed["sizes"][slug] = {"display_name": slug, "cpus": 1, "memory": "1 GiB"}
        if wanted is not None:
            flavor_slug, count = wanted
            changed["sizes"][slug]["accelerator"] = {"flavor": flavor_slug, "count": count}
    profile = {"display_name": "GPU", "images": ["scipy"], "sizes": list(counts)}
    changed["profiles"] = {
        "gpu": profile,
        "queue": {**profile, "display_name": "Queue", "sizes": ["eight", "one"]},
        "cpu": changed["profiles"]["cpu"],
    }
    changed["profiles"]["queue"]["when_full"] = "wait"
    return SandlotSettings.model_validate(changed)


def _fitting(*slugs: str) -> Facilities:
    """Return a cluster where servers of these sizes fit now, and no others with accelerators."""
    busy = ("h1", "one", "two", "four", "eight")
    sizes = {slug: size(0, "accelerator") for slug in busy}
    sizes |= {slug: size(1) for slug in slugs}
    flavors = {"l4": flavor(4, 8), "h200": flavor(1, 8)}
    return Facilities(mode=Mode.KUBERNETES, capacity=capacity(flavors, sizes))


@pytest.mark.parametrize(
    ("fits", "expected"),
    [
        pytest.param(
            ("one", "two", "four", "h1"), "gpu/four gpu/two queue/one", id="nearest-count-first"
        ),
        pytest.param(("one", "h1"), "gpu/one gpu/h1 queue/one", id="other-flavor-next"),
        pytest.param(("h1",), "gpu/h1 gpu/plain cpu/small", id="without-accelerators-last"),
        pytest.param((), "gpu/plain cpu/small queue/eight", id="what-waits-comes-last"),
    ],
)
def test_what_fits_now_comes_first(fits: tuple[str, ...], expected: str) -> None:
    view = _view(_fitting(*fits), _gpu_sizes())
    found = Alternatives(view).nearest(Choice(profile="gpu", image="scipy", size="eight"))
    assert " ".join(f"{a.profile}/{a.size}" for a in found) == expected


def test_no_place_is_kept_for_what_would_wait() -> None:
    changed = _gpu_sizes().model_dump(mode="json")
    del changed["profiles"]["cpu"]
    changed["profiles"]["queue"]["sizes"] = ["eight"]
    view = _view(_fitting("one", "two", "four"), SandlotSettings.model_validate(changed))
    found = Alternatives(view).nearest(Choice(profile="gpu", image="scipy", size="eight"))
    assert [f"{a.profile}/{a.size}" for a in found] == ["gpu/four", "gpu/two", "gpu/one"]


def test_in_place_of_a_wait_only_what_starts_at_once_is_offered() -> None:
    alternatives = Alternatives(_view(_fitting("h1"), _gpu_sizes()))
    found = alternatives.sooner(Choice(profile="queue", size="eight"))
    assert [(profile, size) for profile, _, size in found] == [("gpu", "h1"), ("cpu", "small")]
    within = alternatives.sooner_within("queue", Choice(profile="queue", size="eight"))
    assert within == ()
