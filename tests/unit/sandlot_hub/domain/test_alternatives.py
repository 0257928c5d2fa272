from __future__ import annotations

import pytest

from sandlot_hub.domain.alternatives import Alternatives
from sandlot_hub.domain.choice import Choice
from sandlot_hub.domain.facilities import Facilities, Mode
from sandlot_hub.domain.settings import SandlotSettings
from sandlot_hub.domain.viewpoint import Viewpoint
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
