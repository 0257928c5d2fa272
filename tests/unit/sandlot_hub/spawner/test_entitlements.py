from __future__ import annotations

from types import SimpleNamespace

from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.spawner.entitlements import HubGroups

GROUPS = [SimpleNamespace(name="cs101"), SimpleNamespace(name="staff")]


def test_owner_has_the_groups_of_the_hub() -> None:
    source = HubGroups(SimpleNamespace(name="ann", admin=True, groups=GROUPS))
    expected = Entitlements(user="ann", groups=frozenset({"cs101", "staff"}), admin=True)
    assert source.entitlements("ann") == expected


def test_nobody_else_has_them() -> None:
    source = HubGroups(SimpleNamespace(name="ann", admin=True, groups=GROUPS))
    assert source.entitlements("bob") == Entitlements(user="bob")


def test_groups_are_those_of_the_moment() -> None:
    user = SimpleNamespace(name="ann", admin=False, groups=GROUPS)
    source = HubGroups(user)
    user.groups = []
    assert source.entitlements("ann").groups == frozenset()
