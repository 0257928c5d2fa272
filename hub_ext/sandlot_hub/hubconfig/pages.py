"""What the hub's own pages get: our handlers, and a variable for their templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sandlot_hub.spawner
from sandlot_hub.spawner.health import HEALTH_PATH, HubHealthHandler
from sandlot_hub.spawner.pages.catalogue import CATALOGUE_PATH, CatalogueHandler
from sandlot_hub.spawner.pages.static import STATIC_PATTERN, StaticHandler
from sandlot_hub.spawner.pages.ticket import TICKET_PATH, TicketHandler
from sandlot_hub.spawner.pages.variable import VARIABLE, SandlotVariable

if TYPE_CHECKING:
    from .editor import ConfigEditor


def page_handlers(settings_hash: str) -> list[tuple[Any, ...]]:
    """Return the entries for ``c.JupyterHub.extra_handlers``."""
    return [
        (HEALTH_PATH, HubHealthHandler, {"settings_hash": settings_hash}),
        (STATIC_PATTERN, StaticHandler),
        (TICKET_PATH, TicketHandler),
        (CATALOGUE_PATH, CatalogueHandler),
    ]


def page_variables() -> dict[str, Any]:
    """Return the entries for ``c.JupyterHub.template_vars``."""
    return {VARIABLE: SandlotVariable}


def configure_pages(editor: ConfigEditor, *, settings_hash: str) -> None:
    """Write the templates, the handlers and the variable; an administrator's own win."""
    templates = Path(sandlot_hub.spawner.__file__).parent / "templates"
    editor.merge_list("JupyterHub", "template_paths", [str(templates)])
    editor.merge_list("JupyterHub", "extra_handlers", page_handlers(settings_hash))
    editor.merge_mapping("JupyterHub", "template_vars", page_variables())
