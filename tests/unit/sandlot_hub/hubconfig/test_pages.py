from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.pages import configure_pages, page_handlers
from sandlot_hub.spawner.page_files import page_files
from sandlot_hub.spawner.pages.variable import SandlotVariable

if TYPE_CHECKING:
    from traitlets.config import Config

HASH = "0123456789ab"


def test_what_an_administrator_has_stays_and_wins(c: Config) -> None:
    theirs: Any = ("/theirs", object)
    c.JupyterHub.extra_handlers = [theirs]
    c.JupyterHub.template_paths = ["/theirs"]
    c.JupyterHub.template_vars = {"announcement": "Hello", "sandlot": "theirs"}

    configure_pages(ConfigEditor(config=c), settings_hash=HASH)

    assert c.JupyterHub.extra_handlers == [theirs, *page_handlers(HASH)]
    assert c.JupyterHub.template_paths[0] == "/theirs"
    assert c.JupyterHub.template_vars == {"announcement": "Hello", "sandlot": "theirs"}


def test_a_second_install_adds_nothing(c: Config) -> None:
    for _ in range(2):
        configure_pages(ConfigEditor(config=c), settings_hash=HASH)
    assert c.JupyterHub.extra_handlers == page_handlers(HASH)
    assert c.JupyterHub.template_vars == {"sandlot": SandlotVariable}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/sandlot/health", "HubHealthHandler"),
        ("/sandlot/ticket", "TicketHandler"),
        ("/sandlot/catalogue", "CatalogueHandler"),
        (page_files().url("/") + "/spawn.js", "StaticHandler"),
        ("/sandlot/static/0/../../x.js", None),
        ("/sandlot/static/0/.hidden", None),
        ("/sandlot/static/0/%2e%2e%2fx.js", None),
    ],
)
def test_addresses(path: str, found: str | None) -> None:
    # As the hub does: the pattern below its prefix, to the end.
    names = [h.__name__ for pattern, h, *_ in page_handlers(HASH) if re.fullmatch(pattern, path)]
    assert names == ([] if found is None else [found])
