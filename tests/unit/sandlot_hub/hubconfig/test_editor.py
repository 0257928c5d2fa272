from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.refusal import InstallRefusedError

SECTIONS = ("Special", "Spawner")


@pytest.fixture
def editor(c: Config) -> ConfigEditor:
    return ConfigEditor(config=c)


def test_a_taken_key_stands_in_the_general_section_only(c: Config, editor: ConfigEditor) -> None:
    c.Special.key = "theirs"
    c.Spawner.key = "theirs, too"

    editor.take(SECTIONS, "key", "ours", "because")

    assert c.Spawner.key == "ours"
    assert "key" not in c.Special
    assert editor.notes == [
        "c.Special.key is set, but not used: because.",
        "c.Spawner.key is set, but not used: because.",
    ]


def test_a_key_that_says_the_same_is_not_named(c: Config, editor: ConfigEditor) -> None:
    c.Spawner.key = "ours"

    editor.take(SECTIONS, "key", "ours", "because")

    assert not editor.notes


@pytest.mark.parametrize("section", SECTIONS)
def test_a_default_is_not_offered_where_something_stands(
    c: Config, editor: ConfigEditor, section: str
) -> None:
    c[section].key = "theirs"

    editor.offer(SECTIONS, "key", "ours")

    assert c[section].key == "theirs"
    assert not editor.touched


def test_a_default_is_offered_where_nothing_stands(c: Config, editor: ConfigEditor) -> None:
    editor.offer(SECTIONS, "key", "ours")

    assert c.Spawner.key == "ours"
    assert editor.touched == ["Spawner.key"]


def _append(c: Config) -> None:
    c.A.key.append("theirs")


def _insert(c: Config) -> None:
    c.A.key.insert(0, "theirs")


def _assign(c: Config) -> None:
    c.A.key = ["theirs"]


@pytest.mark.parametrize("write", [_append, _insert, _assign])
def test_lists_keep_what_stands_and_it_comes_first(
    c: Config, editor: ConfigEditor, write: Any
) -> None:
    write(c)

    editor.merge_list("A", "key", ["ours"])
    editor.merge_list("A", "key", ["ours"])

    assert c.A.key == ["theirs", "ours"]


def test_sets_and_mappings_keep_what_stands(c: Config, editor: ConfigEditor) -> None:
    c.A.names.add("theirs")
    c.A.table.update({"theirs": 1, "both": 1})

    editor.merge_set("A", "names", {"ours"})
    editor.merge_mapping("A", "table", {"ours": 2, "both": 2})

    assert c.A.names == {"theirs", "ours"}
    assert c.A.table == {"theirs": 1, "ours": 2, "both": 1}


def test_named_entries_are_added_once(c: Config, editor: ConfigEditor) -> None:
    c.A.services.append({"name": "theirs"})
    ours = {"name": "ours", "scopes": ["x"]}

    editor.merge_named("A", "services", [ours])
    editor.merge_named("A", "services", [ours])

    assert c.A.services == [{"name": "theirs"}, ours]
    c.A.services[1]["scopes"].append("more")
    assert ours["scopes"] == ["x"]


def test_a_name_belongs_to_one_side(c: Config, editor: ConfigEditor) -> None:
    c.A.services = [{"name": "ours", "url": "http://elsewhere"}]

    with pytest.raises(InstallRefusedError, match=r"c\.A\.services already has.*'ours'"):
        editor.merge_named("A", "services", [{"name": "ours"}])


def test_asking_leaves_nothing_behind(c: Config, editor: ConfigEditor) -> None:
    assert not editor.has("A", "key")
    assert editor.get("A", "key", 3) == 3
    editor.clear(("A",), "key", "because")

    assert c == Config()


@pytest.mark.parametrize(
    ("section", "key", "value", "broken"),
    [
        pytest.param("Spawner", "taken", "other", "c.Spawner.taken", id="taken"),
        pytest.param("Special", "taken", "other", "c.Spawner.taken", id="more special"),
        pytest.param("A", "items", [], "c.A.items", id="merged"),
        pytest.param("A", "forbidden", 1, "c.A.forbidden", id="forbidden"),
        pytest.param("A", "items", ["ours", "later"], None, id="added to"),
        pytest.param("Spawner", "free", 1, None, id="not ours"),
    ],
)
def test_expectations_tell_what_was_overwritten(
    c: Config, editor: ConfigEditor, section: str, key: str, value: Any, broken: str | None
) -> None:
    editor.take(SECTIONS, "taken", "ours", "because")
    editor.merge_list("A", "items", ["ours"])
    editor.forbid("A", "forbidden", "because")
    assert all(each.holds(c) for each in editor.expectations)

    c[section][key] = value

    assert [each.name for each in editor.expectations if not each.holds(c)] == (
        [broken] if broken else []
    )
