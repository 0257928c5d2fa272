from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.capacity.size_demand import Toleration
from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.placement import KubeOptions

if TYPE_CHECKING:
    from traitlets.config import Config

GIB = 1024**3


def options(c: Config) -> KubeOptions:
    return KubeOptions(ConfigEditor(config=c), ("SandlotKubeSpawner", "KubeSpawner", "Spawner"))


def test_nothing_is_asked_for_where_nothing_was_set(c: Config) -> None:
    found = options(c)

    assert found.node_selector() == {}
    assert found.tolerations() == ()
    assert found.beside() == {}
    assert found.option("namespace") is None


def test_the_most_specific_section_holds(c: Config) -> None:
    c.KubeSpawner.node_selector = {"pool": "theirs"}
    c.SandlotKubeSpawner.node_selector = {"pool": "people"}

    assert options(c).node_selector() == {"pool": "people"}


def test_tolerations_are_read_as_the_api_server_reads_them(c: Config) -> None:
    c.KubeSpawner.tolerations = [
        {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user"},
        {"operator": "Exists", "effect": "NoSchedule"},
        {"key": "plain"},
    ]

    assert options(c).tolerations() == (
        Toleration("hub.jupyter.org/dedicated", "Equal", "user", ""),
        Toleration("", "Exists", "", "NoSchedule"),
        Toleration("plain", "Equal", "", ""),
    )


@pytest.mark.parametrize(
    ("set_here", "amounts"),
    [
        pytest.param(
            {
                "extra_containers": [
                    {"name": "a", "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}},
                    {"name": "b", "resources": {"limits": {"cpu": 1}}},
                    {"name": "c"},
                ]
            },
            {"cpu": 1100, "memory": GIB},
            id="containers",
        ),
        pytest.param(
            {"extra_containers": {"0": {"resources": {"requests": {"cpu": 1}}}, "1": None}},
            {"cpu": 1000},
            id="containers as a mapping",
        ),
        pytest.param(
            {
                "extra_resource_limits": {"example.com/fuse": "2"},
                "extra_resource_guarantees": {"ephemeral-storage": "1Gi"},
            },
            {"example.com/fuse": 2, "ephemeral-storage": GIB},
            id="resources of the server",
        ),
    ],
)
def test_what_servers_take_beside_their_size(
    c: Config, set_here: dict[str, Any], amounts: dict[str, int]
) -> None:
    c.KubeSpawner.update(set_here)

    assert options(c).beside() == amounts


def test_what_is_only_known_at_a_start_says_nothing(c: Config) -> None:
    c.KubeSpawner.tolerations = lambda _: []
    c.KubeSpawner.extra_containers = lambda _: []

    assert options(c).tolerations() == ()
    assert options(c).beside() == {}


def test_what_was_added_to_an_empty_default_counts(c: Config) -> None:
    c.KubeSpawner.node_selector.update({"pool": "people"})
    c.KubeSpawner.tolerations.append({"key": "added"})

    assert options(c).node_selector() == {"pool": "people"}
    assert options(c).tolerations() == (Toleration("added", "Equal", "", ""),)
