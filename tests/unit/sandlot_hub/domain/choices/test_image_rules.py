from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.choices.image_rules import describe_rule, is_permitted
from sandlot_hub.domain.settings.model import ImageRule
from sandlot_hub.domain.values.image_reference import ImageReference, parse_reference

ONE = "sha256:" + "1" * 64
TWO = "sha256:" + "2" * 64


def _permitted(rule: dict[str, str], text: str) -> bool:
    reference = parse_reference(text)
    assert isinstance(reference, ImageReference)
    return is_permitted(reference, [ImageRule.model_validate(rule)])


def _rule(registry: str = "quay.io", repository: str = "lab/*", **more: str) -> dict[str, str]:
    return {"registry": registry, "repository": repository, **more}


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        pytest.param(_rule(), "quay.io/lab/x:1", True, id="fits"),
        # registry
        pytest.param(_rule(), "quay.io.evil.org/lab/x", False, id="registry-goes-on"),
        pytest.param(_rule(), "evil.org/quay.io/lab/x", False, id="registry-in-the-path"),
        pytest.param(_rule(), "quay.io:443/lab/x", False, id="port-not-named"),
        pytest.param(_rule("quay.io:443"), "quay.io:443/lab/x", True, id="port-named"),
        pytest.param(_rule("quay.io:443"), "quay.io/lab/x", False, id="port-missing"),
        pytest.param(_rule(), "QUAY.io/lab/x", True, id="case-of-hosts"),
        pytest.param(_rule("*.org"), "evil.org/lab/x", True, id="star-label"),
        pytest.param(_rule("*.org"), "a.evil.org/lab/x", False, id="star-is-one-label"),
        pytest.param(_rule("*.org"), "org.evil/lab/x", False, id="star-is-anchored"),
        pytest.param(_rule("*.a.org"), "a.org/lab/x", False, id="star-is-not-nothing"),
        pytest.param(_rule("*.org:5000"), "a.org:5000/lab/x", True, id="star-and-port"),
        pytest.param(_rule("docker.io"), "lab/x", True, id="registry-left-out"),
        pytest.param(_rule("docker.io", "library/*"), "python", True, id="library"),
        # repository
        pytest.param(_rule(repository="lab/x"), "quay.io/lab/x", True, id="exact"),
        pytest.param(_rule(repository="lab/x"), "quay.io/lab/xy", False, id="exact-goes-on"),
        pytest.param(_rule(repository="lab/x"), "quay.io/a/lab/x", False, id="exact-is-anchored"),
        pytest.param(_rule(), "quay.io/lab", False, id="part-missing"),
        pytest.param(_rule(), "quay.io/lab/x/y", False, id="star-crosses-no-slash"),
        pytest.param(_rule(), "quay.io/laboratory/x", False, id="prefix-of-a-part"),
        pytest.param(_rule(repository="*/x"), "quay.io/lab/x", True, id="star-first"),
        pytest.param(_rule(repository="lab/py-*-cpu"), "quay.io/lab/py-3-cpu", True, id="within"),
        pytest.param(_rule(repository="lab/py-*-cpu"), "quay.io/lab/py-3", False, id="within-not"),
        pytest.param(_rule(repository="lab/**"), "quay.io/lab/x", True, id="parts-one"),
        pytest.param(_rule(repository="lab/**"), "quay.io/lab/x/y/z", True, id="parts-many"),
        pytest.param(_rule(repository="lab/**"), "quay.io/lab", False, id="parts-none"),
        pytest.param(_rule(repository="**"), "quay.io/a/b", True, id="parts-all"),
        pytest.param(_rule(repository="**/x"), "quay.io/a/b/x", True, id="parts-first"),
        pytest.param(_rule(repository="a/**/x"), "quay.io/a/x", False, id="parts-between-none"),
        pytest.param(_rule(repository="a/**/x"), "quay.io/a/b/c/x", True, id="parts-between"),
        # tag
        pytest.param(_rule(tag="2026-*"), "quay.io/lab/x:2026-11", True, id="tag"),
        pytest.param(_rule(tag="2026-*"), "quay.io/lab/x:2025-2026-1", False, id="tag-anchored"),
        pytest.param(_rule(tag="2026-*"), "quay.io/lab/x", False, id="tag-left-out"),
        pytest.param(_rule(tag="latest"), "quay.io/lab/x", True, id="tag-left-out-is-latest"),
        pytest.param(_rule(tag="A"), "quay.io/lab/x:a", False, id="tag-case"),
        # digest
        pytest.param(_rule(), f"quay.io/lab/x@{ONE}", True, id="digest"),
        pytest.param(_rule(tag="1"), f"quay.io/lab/x:1@{ONE}", False, id="digest-past-the-tag"),
        pytest.param(_rule(tag="1"), f"quay.io/lab/x@{ONE}", False, id="digest-without-the-tag"),
        pytest.param(_rule(digest="required"), "quay.io/lab/x:1", False, id="digest-missing"),
        pytest.param(_rule(digest="required"), f"quay.io/lab/x:1@{ONE}", True, id="digest-there"),
        pytest.param(_rule(digest=ONE), f"quay.io/lab/x@{ONE}", True, id="this-digest"),
        pytest.param(_rule(digest=ONE), f"quay.io/lab/x@{TWO}", False, id="other-digest"),
        pytest.param(_rule(digest=ONE), "quay.io/lab/x:1", False, id="this-digest-missing"),
        pytest.param(_rule(digest=ONE, tag="1"), f"quay.io/lab/x:2@{ONE}", False, id="its-tag"),
    ],
)
def test_rules(rule: dict[str, str], text: str, *, expected: bool) -> None:
    assert _permitted(rule, text) is expected


def test_one_of_the_rules_is_enough_and_none_permits_nothing() -> None:
    reference = parse_reference("quay.io/lab/x:1")
    assert isinstance(reference, ImageReference)
    rules = [ImageRule.model_validate(_rule(r)) for r in ("a.org", "quay.io")]
    assert is_permitted(reference, rules)
    assert not is_permitted(reference, rules[:1])
    assert not is_permitted(reference, [])


def test_a_hostile_pattern_costs_no_time() -> None:
    rule = _rule(repository="*a" * 100 + "/b", tag="*a" * 60 + "b")
    assert not _permitted(rule, f"quay.io/{'a' * 100}/b:{'a' * 120}")


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", min_size=1, max_size=12))
def test_a_star_is_that_of_the_shell(pattern: str, text: str) -> None:
    rule = _rule("quay.io", "x", tag=pattern)
    assert _permitted(rule, f"quay.io/x:{text}") is fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param(_rule(), "quay.io/lab/*", id="any-tag"),
        pytest.param(_rule(tag="1"), "quay.io/lab/*:1", id="tag"),
        pytest.param(_rule(digest="required"), "quay.io/lab/*@sha256:…", id="digest"),
        pytest.param(_rule(digest=ONE), f"quay.io/lab/*@{ONE}", id="this-digest"),
    ],
)
def test_rules_in_words(rule: dict[str, str], words: str) -> None:
    assert describe_rule(ImageRule.model_validate(rule)) == words
