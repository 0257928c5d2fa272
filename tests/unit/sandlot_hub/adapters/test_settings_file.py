from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.adapters.settings_file import (
    SettingsError,
    load_settings,
    read_resolved,
    write_resolved,
)
from sandlot_hub.domain.settings.fingerprint import settings_hash
from support.catalogue import catalogue, document

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = """\
version: 1
images:
  base: {display_name: Base, local: base}
sizes:
  small: {display_name: Small, cpus: 1, memory: 2 GiB}
profiles:
  all: {display_name: All, images: [base], sizes: [small]}
"""


def test_a_model_a_mapping_and_a_file_are_the_same_settings(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(MINIMAL)

    from_file = load_settings("s.yaml", base=tmp_path)
    from_mapping = load_settings(from_file.settings.model_dump(mode="json"))
    from_model = load_settings(from_file.settings, name="a test")

    assert from_file.settings == from_mapping.settings == from_model.settings
    assert from_file.hash == from_mapping.hash == from_model.hash
    assert from_file.source == str(tmp_path / "s.yaml")
    assert from_model.source == "a test"


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.yaml").write_text(MINIMAL)
    monkeypatch.chdir(tmp_path)

    assert load_settings("s.yaml").source == str(tmp_path / "s.yaml")


@pytest.mark.parametrize("source", [None, 3, ["x"], ""], ids=repr)
def test_what_can_be_no_settings_is_refused(source: object) -> None:
    with pytest.raises(SettingsError, match="one mapping, or the path of a file"):
        load_settings(source)


def _changed(path: str, value: object) -> dict[str, Any]:
    """Return a right document with one value changed."""
    changed = document()
    *parents, last = path.split("/")
    place: Any = changed
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "dotted", "message", "allowed"),
    [
        pytest.param("version", 2, "version", "2 is not known here", "1", id="version"),
        pytest.param("profils", {}, "profils", "did you mean 'profiles'", "images", id="top key"),
        pytest.param(
            "sizes/small/memroy",
            1,
            "sizes.small.memroy",
            "no such key; did you mean 'memory'",
            "cpus",
            id="unknown key",
        ),
        pytest.param(
            "sizes/gpu/accelerator/cont",
            1,
            "sizes.gpu.accelerator.cont",
            "did you mean 'count'",
            "flavor",
            id="unknown key inside an optional mapping",
        ),
        pytest.param(
            "sizes/small/memory", "4 Gigs", "sizes.small.memory", "such as '4 GiB'", None, id="unit"
        ),
        pytest.param("sizes/small/cpus", 0, "sizes.small.cpus", "more than 0", None, id="no cpu"),
        pytest.param(
            "images/Base",
            {"display_name": "x", "local": "base"},
            "images.Base",
            "'Base' is not a slug",
            "lower-case",
            id="slug",
        ),
        pytest.param("sizes/small", 3, "sizes.small", "not a mapping", None, id="no mapping"),
        pytest.param(
            "profiles/cpu/images", "base", "profiles.cpu.images", "not a list", None, id="no list"
        ),
        pytest.param(
            "profiles/cpu/images", [], "profiles.cpu.images", "is empty", None, id="empty"
        ),
        pytest.param(
            "profiles/lab/images",
            ["Base"],
            "profiles.lab.images[0]",
            "'Base' is not a slug",
            "lower-case",
            id="only entry wrong",
        ),
        pytest.param(
            "images/base/description",
            "x" * 1_000_000,
            "images.base.description",
            "should have at most 2000 characters",
            None,
            id="1 MB of text",
        ),
        pytest.param(
            "profiles/gpu/images/1",
            "bas",
            "profiles.gpu.images[1]",
            "no image 'bas'; did you mean 'base'",
            "base, scipy",
            id="reference",
        ),
        pytest.param(
            "profiles/gpu/default",
            True,
            "profiles.gpu.default",
            "second default",
            "at most one",
            id="two defaults",
        ),
        pytest.param(
            "images/base/display_name",
            "a\x07b",
            "images.base.display_name",
            "characters that cannot stand here",
            None,
            id="control character",
        ),
        pytest.param(
            "images/base/hidden", "perhaps", "images.base.hidden", "'perhaps': ", None, id="truth"
        ),
        pytest.param(
            "images/base",
            {"display_name": "x"},
            "images.base",
            "needs `reference`",
            None,
            id="image without a part",
        ),
    ],
)
def test_a_mistake_is_told_with_path_and_what_is_allowed(
    path: str, value: object, dotted: str, message: str, allowed: str | None
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(_changed(path, value), name="a test")

    (problem,) = caught.value.problems
    assert problem.path == dotted
    assert message in problem.message
    assert (allowed in ", ".join(problem.allowed)) if allowed else not problem.allowed
    assert str(caught.value).startswith("The settings in a test are wrong:\n  " + dotted)


def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(MINIMAL.replace("2 GiB", "2 Gigs"))

    with pytest.raises(SettingsError) as caught:
        load_settings(path)

    assert str(caught.value).splitlines()[0] == f"The settings in {path} are wrong:"
    assert str(caught.value).splitlines()[1].startswith("  sizes.small.memory (line 5): '2 Gigs'")


def test_a_missing_key_is_told_where_it_should_stand(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(MINIMAL.replace("cpus: 1, ", ""))

    with pytest.raises(SettingsError, match=r"sizes\.small\.cpus \(line 5\): is missing"):
        load_settings(path)


def test_what_is_no_document_is_told_like_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(MINIMAL + "version: 1\n")

    with pytest.raises(SettingsError, match=r"line 8: has the key 'version' twice"):
        load_settings(path)


def test_all_mistakes_are_told_but_a_flood_is_cut() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"version": 1, **{f"key-{n}": n for n in range(100)}})

    assert len(caught.value.problems) == 103
    assert str(caught.value).splitlines()[-1] == "  and 83 more"


def test_a_huge_value_is_not_quoted_whole() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({**document(), "sizes": "x" * 100_000})

    assert len(str(caught.value)) < 300


def test_the_resolved_file_has_the_same_hash(tmp_path: Path) -> None:
    settings = catalogue()
    path = tmp_path / "settings.json"

    write_resolved(path, settings)

    loaded = read_resolved(path)
    assert loaded.settings == settings
    assert loaded.hash == settings_hash(settings)
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_resolved_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        read_resolved(tmp_path / "settings.json")
