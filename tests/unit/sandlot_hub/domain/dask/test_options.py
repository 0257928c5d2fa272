from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sandlot_contracts.capacity import CapacityState, FlavorState, SizeState
from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.dask.options import DaskPlan, choose_dask, dask_offers
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import Refused
from support.catalogue import person

HERE = Facilities(mode=Mode.LOCAL, flavors=frozenset())


def settings(**dask: Any) -> SandlotSettings:
    def image(**more: Any) -> dict[str, Any]:
        return {"display_name": "An image", "local": "base", **more}

    def size(**more: Any) -> dict[str, Any]:
        return {"display_name": "A size", "cpus": 1, "memory": "1 GiB", **more}

    return SandlotSettings.model_validate(
        {
            "version": 1,
            "accelerators": {"l4": {"display_name": "L4"}},
            "images": {
                "base": image(),
                "scipy": image(),
                "course": image(allow={"groups": ["cs101"]}),
                "pods": {"display_name": "Pods", "reference": "registry/x:1"},
            },
            "sizes": {
                "small": size(max_running=1),
                "medium": size(cpus=2, excludes_images=["base"]),
                "gpu": size(accelerator={"flavor": "l4"}),
                "large": size(cpus=8),
            },
            "profiles": {
                "everyday": {
                    "display_name": "Everyday",
                    "images": ["base", "scipy", "pods"],
                    "sizes": ["small", "medium", "gpu"],
                },
                "course": {
                    "display_name": "Course",
                    "images": ["course", "base"],
                    "sizes": ["large", "small"],
                    "allow": {"groups": ["cs101"]},
                },
            },
            "dask": dask,
        }
    )


def chosen(options: dict[str, Any], *groups: str, **dask: Any) -> DaskPlan | Refused:
    catalogue = settings(**dask)
    return choose_dask(options, dask_offers(person("ann", *groups), catalogue, HERE), catalogue)


def test_a_user_finds_what_they_could_start() -> None:
    offers = dask_offers(person(), settings(), HERE)

    assert list(offers.images) == ["base", "scipy"]
    assert list(offers.sizes) == ["small", "medium"]
    assert offers.pairs == {("base", "small"), ("scipy", "small"), ("scipy", "medium")}


def test_groups_open_more() -> None:
    offers = dask_offers(person("ann", "cs101"), settings(), HERE)

    assert list(offers.images) == ["base", "scipy", "course"]
    assert ("course", "large") in offers.pairs
    assert ("scipy", "large") not in offers.pairs, "no profile has both"


def test_workers_have_the_sizes_of_the_settings_in_their_order() -> None:
    offers = dask_offers(person("ann", "cs101"), settings(sizes=["large", "medium"]), HERE)

    assert list(offers.sizes) == ["large", "medium"]
    assert {size for _, size in offers.pairs} == {"large", "medium"}


def test_what_is_not_ready_is_not_offered() -> None:
    here = dataclasses.replace(HERE, images={"base": ImageReadiness(ready=False)})

    assert list(dask_offers(person(), settings(), here).images) == ["scipy"]


def test_places_of_a_size_are_for_servers() -> None:
    here = dataclasses.replace(HERE, running={"small": 1})

    assert "small" in dask_offers(person(), settings(), here).sizes


def gpus(total: int, free: int, *, fits_ever: bool = True) -> Facilities:
    """A machine with GPUs, of which some are free."""
    flavor = FlavorState(
        total=total, down=0, used=total - free, free=free, largest_block=free, waiting=0
    )
    size = SizeState(fits=free, fits_ever=fits_ever, lacking=() if free else ("accelerator",))
    capacity = CapacityState(scope="machine", flavors={"l4": flavor}, sizes={"gpu": size})
    return dataclasses.replace(HERE, flavors=frozenset({"l4"}), capacity=capacity)


@pytest.mark.parametrize("free", [2, 0], ids=["free", "all-taken"])
def test_a_size_with_gpus_is_offered_whoever_has_them_now(free: int) -> None:
    here, catalogue = gpus(2, free), settings()
    plan = choose_dask({"worker_size": "gpu"}, dask_offers(person(), catalogue, here), catalogue)

    assert isinstance(plan, DaskPlan)
    assert (plan.size_slug, plan.worker_size.accelerators) == ("gpu", 1)


def test_on_a_cluster_it_is_offered_though_nobody_counts() -> None:
    there = Facilities(mode=Mode.KUBERNETES)

    assert ("pods", "gpu") in dask_offers(person(), settings(), there).pairs


def test_a_size_that_never_fits_is_not_offered_and_the_reason_is_told() -> None:
    here, catalogue = gpus(2, 0, fits_ever=False), settings()
    offers = dask_offers(person(), catalogue, here)
    refusal = choose_dask({"worker_size": "gpu"}, offers, catalogue)

    assert "gpu" not in offers.sizes
    assert isinstance(refusal, Refused)
    assert (refusal.code, refusal.field) == ("size-never-fits", "worker_size")
    assert refusal.message == ("This machine can never hold this size. Choose another worker size.")


def test_what_is_for_others_is_not_told_to_be_missing() -> None:
    offers = dask_offers(person(), settings(sizes=["small"]), HERE)

    assert "gpu" not in offers.absent, "not a size of workers"
    assert "large" not in dask_offers(person(), settings(), HERE).absent, "in no profile of theirs"


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        pytest.param({}, ("base", "small"), id="nothing"),
        pytest.param({"image": "scipy"}, ("scipy", "small"), id="an image"),
        pytest.param({"worker_size": "medium"}, ("scipy", "medium"), id="a size"),
        pytest.param({"image": "scipy", "worker_size": "medium"}, ("scipy", "medium"), id="both"),
    ],
)
def test_what_is_left_open_goes_with_the_rest(
    options: dict[str, str], plan: tuple[str, str]
) -> None:
    found = chosen(options)

    assert isinstance(found, DaskPlan)
    assert (found.image_slug, found.size_slug) == plan
    assert chosen(found.options) == found


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        pytest.param({"cores": 3}, "option-unknown", "cores", id="unknown option"),
        pytest.param({"image": 3}, "options-type", "image", id="a number"),
        pytest.param({"image": ["base"]}, "options-type", "image", id="a list"),
        pytest.param({"image": "nope"}, "image-unknown", "image", id="no such image"),
        pytest.param({"image": "course"}, "image-unknown", "image", id="an image of others"),
        pytest.param({"image": "pods"}, "image-unknown", "image", id="an image for pods"),
        pytest.param({"worker_size": "nope"}, "size-unknown", "worker_size", id="no such size"),
        pytest.param({"worker_size": "gpu"}, "size-unavailable", "worker_size", id="no GPU here"),
        pytest.param(
            {"image": "base", "worker_size": "medium"}, "incompatible", "worker_size", id="both"
        ),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], code: str, field: str) -> None:
    refusal = chosen(options)

    assert isinstance(refusal, Refused)
    assert (refusal.code, refusal.field, refusal.status) == (code, field, 422)


def test_what_is_for_others_is_answered_like_what_is_not_there() -> None:
    hidden, absent = chosen({"image": "course"}), chosen({"image": "coursf"})

    assert isinstance(hidden, Refused)
    assert isinstance(absent, Refused)
    assert hidden.message.replace("course", "coursf") == absent.message


def test_without_anything_there_is_a_sentence() -> None:
    catalogue = settings(sizes=["gpu"])
    refusal = choose_dask({}, dask_offers(person(), catalogue, HERE), catalogue)

    assert isinstance(refusal, Refused)
    assert (refusal.code, refusal.status) == ("profile-none", 409)


def test_sizes_of_workers_are_sizes_of_the_settings() -> None:
    with pytest.raises(ValueError, match=r"dask\.sizes\.0[\s\S]*there is no size 'huge'"):
        settings(sizes=["huge"])
