from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from sandlot_hub.domain.settings.catalogue import follow_redirects, is_compatible
from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import catalogue, document

if TYPE_CHECKING:
    from collections.abc import Callable

Change = "Callable[[dict[str, Any]], object]"


def _flaws(change: Callable[[dict[str, Any]], object]) -> list[tuple[str, str, str]]:
    """Return path, problem and what is allowed, of the catalogue with one change."""
    changed = document()
    change(changed)
    with pytest.raises(ValidationError) as caught:
        SandlotSettings.model_validate(changed)
    found = []
    for error in caught.value.errors():
        assert error["msg"] == f"{error['ctx']['problem']}; allowed: {error['ctx']['allowed']}"
        path = ".".join(map(str, error["loc"]))
        found.append((path, error["ctx"]["problem"], error["ctx"]["allowed"]))
    return found


@pytest.mark.parametrize(
    ("change", "path", "problem", "allowed"),
    [
        pytest.param(
            lambda d: d["profiles"]["gpu"].update(images=["torch", "pytorch"]),
            "profiles.gpu.images.1",
            "there is no image 'pytorch'",
            "base, scipy,",
            id="unknown-image",
        ),
        pytest.param(
            lambda d: d["images"].update(custom=d["images"]["base"]),
            "images.custom",
            "'custom' stands for an image that people name themselves",
            "any other slug",
            id="reserved-image",
        ),
        pytest.param(
            lambda d: d["images"].update({"unlisted-choice": d["images"]["base"]}),
            "images.unlisted-choice",
            "'unlisted-choice' stands for an image that people name themselves",
            "any other slug",
            id="image-of-the-form",
        ),
        pytest.param(
            lambda d: d["profiles"]["gpu"].update(sizes=["gpu", "huge"]),
            "profiles.gpu.sizes.1",
            "there is no size 'huge'",
            "small, large,",
            id="unknown-size",
        ),
        pytest.param(
            lambda d: d["profiles"]["gpu"].update(images=["torch", "base", "torch"]),
            "profiles.gpu.images.2",
            "the image 'torch' is listed twice",
            "each slug once",
            id="repeated-image",
        ),
        pytest.param(
            lambda d: d["sizes"]["large"].update(excludes_images=["base", "base"]),
            "sizes.large.excludes_images.1",
            "the image 'base' is listed twice",
            "each slug once",
            id="repeated-exclusion",
        ),
        pytest.param(
            lambda d: d["sizes"]["large"].update(excludes_images=["nix"]),
            "sizes.large.excludes_images.0",
            "there is no image 'nix'",
            "base, scipy,",
            id="unknown-exclusion",
        ),
        pytest.param(
            lambda d: d["sizes"]["gpu"]["accelerator"].update(flavor="a100"),
            "sizes.gpu.accelerator.flavor",
            "there is no accelerator flavor 'a100'",
            "l4",
            id="unknown-flavor",
        ),
        pytest.param(
            lambda d: d.pop("accelerators"),
            "sizes.gpu.accelerator.flavor",
            "there is no accelerator flavor 'l4'",
            "nothing, because none is defined",
            id="no-flavors-at-all",
        ),
        pytest.param(
            lambda d: d["profiles"]["cpu"].update(defaults={"image": "torch"}),
            "profiles.cpu.defaults.image",
            "the default image 'torch' is no image of 'cpu'",
            "base, scipy, cluster-only, course, secret",
            id="default-image-elsewhere",
        ),
        pytest.param(
            lambda d: d["profiles"]["cpu"].update(defaults={"size": "small-gone"}),
            "profiles.cpu.defaults.size",
            "the default size 'small-gone' is deprecated",
            "large, small, vip, secret",
            id="default-size-deprecated",
        ),
        pytest.param(
            lambda d: d["profiles"]["gpu"].update(images=["nix"], defaults={"image": "nix"}),
            "profiles.gpu.images.0",
            "there is no image 'nix'",
            "base, scipy,",
            id="default-image-unknown-is-told-once",
        ),
        pytest.param(
            lambda d: d["profiles"]["gpu"].update(default=True),
            "profiles.gpu.default",
            "'gpu' is a second default profile, after 'cpu'",
            "true in at most one profile",
            id="two-defaults",
        ),
        pytest.param(
            lambda d: d["profiles"]["cpu"].update(deprecated={"redirect": "gpu"}),
            "profiles.cpu.default",
            "the default profile 'cpu' is deprecated",
            "a default that is still offered",
            id="deprecated-default",
        ),
        pytest.param(
            lambda d: d["images"]["scipy-older"].update(deprecated={"redirect": "scypi"}),
            "images.scipy-older.deprecated.redirect",
            "there is no image 'scypi'",
            "base, scipy,",
            id="redirect-unknown",
        ),
        pytest.param(
            lambda d: d["sizes"]["small-old"].update(deprecated={"redirect": "small-old"}),
            "sizes.small-old.deprecated.redirect",
            "the redirect of 'small-old' leads back to 'small-old'",
            "the slug of another size whose redirects end",
            id="redirect-to-itself",
        ),
        pytest.param(
            lambda d: d["profiles"].update(
                {"x": {**d["profiles"]["gpu"], "images": ["torch"], "sizes": ["small"]}}
            ),
            "profiles.x",
            "no image of the profile 'x' can run with any of its sizes",
            "at least one image and size that go together "
            "(see `requires_accelerator` and `excludes_images`)",
            id="nothing-goes-together",
        ),
        pytest.param(
            lambda d: d["profiles"]["machine"].update(images=["base-gone"]),
            "profiles.machine.images",
            "every image of the profile 'machine' is deprecated",
            "at least one image that is still offered",
            id="nothing-offered",
        ),
    ],
)
def test_flaws_are_told(
    change: Callable[[dict[str, Any]], object], path: str, problem: str, allowed: str
) -> None:
    [(found_path, found_problem, found_allowed)] = _flaws(change)
    assert found_path == path
    assert found_problem == problem
    assert found_allowed.startswith(allowed)


def test_every_entry_of_a_cycle_is_told() -> None:
    def change(changed: dict[str, Any]) -> None:
        changed["images"]["scipy-older"]["deprecated"]["redirect"] = "base-gone"
        changed["images"]["base-gone"]["deprecated"]["redirect"] = "scipy-older"

    # scipy-old leads into the cycle without being part of it.
    assert [path for path, _, _ in _flaws(change)] == [
        "images.scipy-older.deprecated.redirect",
        "images.base-gone.deprecated.redirect",
    ]


def test_all_flaws_are_told_at_once() -> None:
    def change(changed: dict[str, Any]) -> None:
        changed["profiles"]["gpu"]["images"] = ["x", "y"]
        changed["profiles"]["cpu"]["defaults"] = {"image": "z"}

    assert [path for path, _, _ in _flaws(change)] == [
        "profiles.cpu.defaults.image",
        "profiles.gpu.images.0",
        "profiles.gpu.images.1",
    ]


def test_flaws_inside_an_entry_come_first() -> None:
    changed = document()
    changed["profiles"]["gpu"]["images"] = ["x"]
    changed["sizes"]["small"]["cpus"] = "many"
    with pytest.raises(ValidationError) as caught:
        SandlotSettings.model_validate(changed)
    assert [error["loc"] for error in caught.value.errors()] == [("sizes", "small", "cpus")]


@pytest.mark.parametrize(
    ("slug", "current"),
    [
        pytest.param("scipy", "scipy", id="itself"),
        pytest.param("scipy-older", "scipy", id="one-step"),
        pytest.param("scipy-old", "scipy", id="two-steps"),
        pytest.param("base-gone", None, id="removed"),
    ],
)
def test_redirects(slug: str, current: str | None) -> None:
    assert follow_redirects(catalogue().images, slug) == current


def test_redirects_of_a_cycle_end() -> None:
    images = dict(catalogue().images)
    turned = images["scipy-old"].model_copy(
        update={"deprecated": images["secret-old"].deprecated.model_copy()}  # type: ignore[union-attr]
    )
    images["scipy"] = turned
    assert follow_redirects(images, "scipy") is None


@pytest.mark.parametrize(
    ("image", "size", "together"),
    [
        pytest.param("base", "small", True, id="fine"),
        pytest.param("base", "large", False, id="excluded"),
        pytest.param("torch", "small", False, id="needs-accelerator"),
        pytest.param("torch", "gpu", True, id="has-accelerator"),
        pytest.param("base", "gpu", True, id="accelerator-unused"),
    ],
)
def test_compatibility(image: str, size: str, *, together: bool) -> None:
    settings = catalogue()
    assert is_compatible(image, settings.images[image], settings.sizes[size]) is together
