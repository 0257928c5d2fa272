from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from traitlets import List, Unicode
from traitlets.config import Configurable

from sandlot_contracts.exits import ExitCode
from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.verification import overwritten, verify_at_start

if TYPE_CHECKING:
    from traitlets.config import Config


class JupyterHub(Configurable):
    """As much of the hub as reads the keys."""

    spawner_class = Unicode(config=True)
    services: List[str] = List(config=True)


@pytest.fixture
def editor(c: Config) -> ConfigEditor:
    editor = ConfigEditor(config=c)
    editor.take(("JupyterHub",), "spawner_class", "ours", "because")
    editor.merge_list("JupyterHub", "services", ["offers"])
    verify_at_start(c, editor.expectations)
    return editor


def test_an_application_gets_the_plain_name(c: Config, editor: ConfigEditor) -> None:
    assert c.JupyterHub.spawner_class == "ours"
    assert JupyterHub(config=c).spawner_class == "ours"
    assert not overwritten(c, editor.expectations)


@pytest.mark.usefixtures("editor")
def test_what_is_overwritten_below_stops_the_hub_with_a_sentence(
    c: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    c.JupyterHub.services = ["theirs"]

    with pytest.raises(SystemExit) as caught:
        JupyterHub(config=c)

    assert caught.value.code == ExitCode.SETTINGS
    assert "c.JupyterHub.services changed after install(c, …)" in capsys.readouterr().err


def test_each_key_is_named_once(c: Config, editor: ConfigEditor) -> None:
    editor.merge_list("JupyterHub", "services", ["jobs"])
    c.JupyterHub.services = []
    c.JupyterHub.spawner_class = "simple"

    assert overwritten(c, editor.expectations) == (
        "c.JupyterHub.spawner_class",
        "c.JupyterHub.services",
    )
