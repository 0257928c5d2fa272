from __future__ import annotations

import pytest

from sandlot_hub.domain.settings.access import describe_audience, is_allowed, is_known, named_groups
from sandlot_hub.domain.settings.base import AllowSettings
from sandlot_hub.domain.settings.model import CatalogueEntry
from support.catalogue import catalogue, person


@pytest.mark.parametrize(
    ("groups", "users", "allowed"),
    [
        pytest.param((), (), True, id="everybody"),
        pytest.param(("a",), (), True, id="group"),
        pytest.param(("x", "b"), (), True, id="one-of-the-groups"),
        pytest.param(("x",), (), False, id="other-group"),
        pytest.param((), ("ann",), True, id="user"),
        pytest.param((), ("bob",), False, id="other-user"),
        pytest.param(("x",), ("ann",), True, id="user-whatever-the-groups"),
        pytest.param(("ann",), ("a",), False, id="names-are-not-groups"),
        pytest.param((), ("Ann", "an", "ann1"), False, id="look-alikes"),
    ],
)
def test_allowed(groups: tuple[str, ...], users: tuple[str, ...], *, allowed: bool) -> None:
    settings = AllowSettings(groups=groups, users=users)
    ann = person("ann", "a", "b")
    assert is_allowed(settings, ann) is allowed
    hidden = CatalogueEntry(display_name="X", allow=settings, hidden=True)
    assert is_known(hidden, ann) is allowed
    assert is_known(hidden.model_copy(update={"hidden": False}), ann)


@pytest.mark.parametrize(
    ("groups", "audience"),
    [
        pytest.param((), "certain people", id="people"),
        pytest.param(("a",), "members of a", id="one"),
        pytest.param(("a", "b"), "members of a or b", id="two"),
        pytest.param(tuple("abcde"), "members of a, b, c or 2 more", id="many"),
        pytest.param(("x" * 200,), "members of " + "x" * 39 + "…", id="long"),
    ],
)
def test_audience_names_no_people(groups: tuple[str, ...], audience: str) -> None:
    assert describe_audience(AllowSettings(groups=groups, users=("vera",))) == audience


def test_groups_that_make_a_difference_are_those_of_any_entry() -> None:
    some = AllowSettings(groups=("b", "a"), users=("ann",))
    settings = catalogue()
    changed = settings.model_copy(
        update={
            kind: {slug: entry.model_copy(update={"allow": allow}) for slug, entry in known.items()}
            for kind, known, allow in (
                ("profiles", settings.profiles, some),
                ("images", settings.images, AllowSettings(groups=("a", "c"))),
                ("sizes", settings.sizes, AllowSettings(groups=("d",))),
            )
        }
    )
    assert named_groups(changed) == {"a", "b", "c", "d"}
