from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sandlot_hub.domain.settings.model import SandlotSettings
from support.catalogue import catalogue, document

GIB = 1024**3


def _set(tree: Any, path: str, value: object) -> None:
    *parents, last = path.split(".")
    for key in parents:
        tree = tree[int(key) if isinstance(tree, list) else key]
    tree[last] = value


def _errors(path: str, value: object) -> list[tuple[str, str]]:
    """Return where and what is wrong once the catalogue has `value` at `path`."""
    changed = document()
    _set(changed, path, value)
    with pytest.raises(ValidationError) as caught:
        SandlotSettings.model_validate(changed)
    return [(".".join(map(str, e["loc"])), e["msg"]) for e in caught.value.errors()]


def test_the_catalogue_is_read() -> None:
    settings = catalogue()
    assert list(settings.profiles)[:2] == ["cpu", "gpu"]
    assert settings.sizes["small"].memory == 2 * GIB
    assert settings.local.start_timeout == 60


def test_what_is_written_is_read_again() -> None:
    settings = catalogue()
    as_json = settings.model_dump_json()
    assert SandlotSettings.model_validate_json(as_json) == settings
    assert SandlotSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert '"2 GiB"' in as_json


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(catalogue(), "version", 1)  # noqa: B010 (mypy knows that it is frozen)


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        pytest.param("version", 2, "version", "Input should be 1", id="version"),
        pytest.param("imagse", {}, "imagse", "Extra inputs are not permitted", id="unknown-key"),
        pytest.param(
            "images.base.refrence", "x", "images.base.refrence", "Extra", id="unknown-key-inside"
        ),
        pytest.param("images", {}, "images", "at least 1 item", id="no-images"),
        pytest.param(
            "sizes.small.memory", "2 Gb", "sizes.small.memory", "is not a memory size", id="memory"
        ),
        pytest.param("sizes.small.cpus", "two", "sizes.small.cpus", "CPU cores", id="cpus"),
        pytest.param(
            "sizes.gpu.accelerator.count", 0, "sizes.gpu.accelerator.count", "1 to 1024", id="count"
        ),
        pytest.param(
            "local", {"stop_grace": "5"}, "local.stop_grace", "is not a duration", id="duration"
        ),
        pytest.param(
            "accelerators.l4.weight", 0, "accelerators.l4.weight", "greater than 0", id="weight"
        ),
        pytest.param(
            "accelerators.l4.resource", "gpu", "accelerators.l4.resource", "pattern", id="resource"
        ),
        pytest.param(
            "images.base.reference", "a b", "images.base.reference", "pattern", id="reference"
        ),
        pytest.param(
            "images.base.reference",
            "quay.io/Our-Lab/base:1",
            "images.base.reference",
            "Its repository has parts",
            id="reference-case",
        ),
        pytest.param("images.base.local", "../x", "images.base.local", "pattern", id="local"),
        pytest.param(
            "images.base.display_name", "a\x1b[1m", "images.base.display_name", "pattern", id="name"
        ),
        pytest.param(
            "images.base.display_name", "  ", "images.base.display_name", "at least 1", id="no-name"
        ),
        pytest.param("images.base.version", 2026, "images.base.version", "string", id="text"),
        pytest.param(
            "profiles.cpu.images", [], "profiles.cpu.images", "at least 1 item", id="no-list"
        ),
        pytest.param(
            "sizes.small.max_running", 0, "sizes.small.max_running", "equal to 1", id="no-places"
        ),
        pytest.param(
            "sizes.small.max_running", -1, "sizes.small.max_running", "equal to 1", id="places-below"
        ),
        pytest.param(
            "sizes.small.max_running", 10**9, "sizes.small.max_running", "equal to 1000000",
            id="places-above",
        ),
        pytest.param(
            "sizes.small.max_running", True, "sizes.small.max_running", "valid integer",
            id="places-bool",
        ),
        pytest.param(
            "sizes.small.max_running", 1.5, "sizes.small.max_running", "valid integer",
            id="places-fraction",
        ),
        pytest.param(
            "sizes.small.price", float("nan"), "sizes.small.price", "finite", id="price-nan"
        ),
        pytest.param(
            "sizes.small.price", float("inf"), "sizes.small.price", "finite", id="price-inf"
        ),
        pytest.param("sizes.small.price", -0.5, "sizes.small.price", "equal to 0", id="price-below"),
        pytest.param("sizes.small.price", True, "sizes.small.price", "valid number", id="price-bool"),
        pytest.param("sizes.small.price", "2 €", "sizes.small.price", "valid number", id="price-text"),
        pytest.param("price_unit", "x" * 41, "price_unit", "at most 40", id="price-unit"),
        pytest.param(
            "images.base.description", "x" * 1_000_000, "images.base.description", "at most 2000",
            id="description-1-mb",
        ),
        pytest.param(
            "images.base",
            {"display_name": "Base"},
            "images.base",
            "an image needs `reference` (Kubernetes), `local` (one machine), or both",
            id="image-without-part",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told(path: str, value: object, where: str, what: str) -> None:
    [(place, message)] = _errors(path, value)
    assert place == where
    assert what in message


def _custom(**rule: Any) -> dict[str, Any]:
    return {"allow": [{"registry": "quay.io", "repository": "lab/*", **rule}]}


RULE = "profiles.cpu.custom_images.allow.0"


@pytest.mark.parametrize(
    ("custom", "where", "what"),
    [
        pytest.param({"allow": []}, "profiles.cpu.custom_images.allow", "at least 1", id="none"),
        pytest.param({}, "profiles.cpu.custom_images.allow", "required", id="missing"),
        pytest.param(_custom(registry="quay.io*"), f"{RULE}.registry", "pattern", id="star-behind"),
        pytest.param(_custom(registry="*"), f"{RULE}.registry", "pattern", id="any-registry"),
        pytest.param(_custom(registry="a.*.org"), f"{RULE}.registry", "pattern", id="star-within"),
        pytest.param(_custom(registry="Quay.io"), f"{RULE}.registry", "pattern", id="upper-case"),
        pytest.param(_custom(registry="https://a.b"), f"{RULE}.registry", "pattern", id="scheme"),
        pytest.param(_custom(registry="index.docker.io"), RULE, "write `docker.io`", id="docker"),
        pytest.param(
            _custom(registry="docker.io", repository="python"), RULE, "below `library/`", id="library"
        ),
        pytest.param(_custom(repository="lab/"), f"{RULE}.repository", "pattern", id="slash"),
        pytest.param(_custom(repository="[a-z]"), f"{RULE}.repository", "pattern", id="brackets"),
        pytest.param(_custom(tag=""), f"{RULE}.tag", "pattern", id="no-tag"),
        pytest.param(_custom(digest="sha256:1"), f"{RULE}.digest", "pattern", id="short-digest"),
        pytest.param(
            _custom(digest="required", tag="1"), RULE, "`digest: required` goes with any tag",
            id="digest-and-tag",
        ),
    ],
)  # fmt: skip
def test_mistakes_about_custom_images_are_told(
    custom: dict[str, Any], where: str, what: str
) -> None:
    (place, message), *_ = _errors("profiles.cpu.custom_images", custom)
    assert place == where
    assert what in message


@pytest.mark.parametrize(
    ("registry", "repository"),
    [("docker.io", "**"), ("docker.io", "library/python"), ("localhost:5000", "x"), ("*.a.b", "*")],
)
def test_rules_that_are_right(registry: str, repository: str) -> None:
    changed = document()
    changed["profiles"]["cpu"]["custom_images"] = _custom(registry=registry, repository=repository)
    assert SandlotSettings.model_validate(changed).profiles["cpu"].custom_images is not None


@pytest.mark.parametrize(
    "slug", ["", "A", "1a", "a_b", "a--b", "a-", "-a", "a\n", "a.b", "ä", "a" * 41]
)
def test_slugs_are_strict(slug: str) -> None:
    [(place, _)] = _errors(f"images.{slug}" if "." not in slug else "images.x y", {**_image()})
    assert place.startswith("images.")


def _image() -> dict[str, Any]:
    return {"display_name": "X", "local": "base"}


def test_a_version_may_be_left_empty_but_not_long() -> None:
    assert catalogue().images["base"].version == ""
    [(place, _)] = _errors("images.base.version", "x" * 41)
    assert place == "images.base.version"


def test_names_lose_space_around_them() -> None:
    changed = document()
    changed["images"]["base"]["display_name"] = " Base "
    assert SandlotSettings.model_validate(changed).images["base"].display_name == "Base"
