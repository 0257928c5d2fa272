"""The keys of every mode: spawner, options, scopes and pages."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traitlets.config import Configurable

from sandlot_hub.spawner.hooks import apply_user_options, render_options_form

from .pages import configure_pages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from sandlot_hub.adapters.settings_file import LoadedSettings

    from .editor import ConfigEditor

OFFERS_READ = "custom:sandlot-offers:read"
OFFERS_ACCESS = "access:services!service=offers"
DASK_ACCESS = "access:services!service=dask-gateway"

CUSTOM_SCOPES: Mapping[str, Mapping[str, str]] = {
    OFFERS_READ: {"description": "Read which images and sizes one may start, and why others not"},
}
USER_SCOPES = frozenset({DASK_ACCESS, OFFERS_ACCESS, OFFERS_READ})
"""What every user may do with Sandlot's services, and so what their servers may."""

_SERVER_DEFAULTS = ("users:activity!user", "access:servers!server")
"""Scopes of the hub's ``server`` role. Setting the option replaces them, so they are repeated."""

_FROM_SETTINGS = "images, sizes and profiles come from Sandlot's settings"
_KUBESPAWNERS_FORM = (
    "profile_list",
    "profile_form_template",
    "additional_profile_form_template_paths",
)


def spawner_sections(spawner_class: type[Configurable]) -> tuple[str, ...]:
    """Return the sections of ``c`` that a spawner reads, the most specific first."""
    names = [cls.__name__ for cls in spawner_class.mro() if issubclass(cls, Configurable)]
    return tuple(names[: names.index("Spawner") + 1])


def configure_spawning(
    editor: ConfigEditor, loaded: LoadedSettings, *, spawner: str, sections: tuple[str, ...]
) -> None:
    """Write what servers are started by and how people choose.

    Parameters
    ----------
    editor
        The configuration.
    loaded
        The settings.
    spawner
        Import path of the spawner class.
    sections
        Its `spawner_sections`.
    """
    editor.take(("JupyterHub",), "spawner_class", spawner, "Sandlot starts the servers")
    editor.take(sections, "apply_user_options", apply_user_options, _FROM_SETTINGS)
    editor.take(sections, "options_form", render_options_form, _FROM_SETTINGS)
    for key in _KUBESPAWNERS_FORM:
        editor.clear(("KubeSpawner",), key, _FROM_SETTINGS)
    elsewhere = [name for name in sections if name != "Sandlot"]
    editor.clear(elsewhere, "settings", "assign c.Sandlot.settings instead")
    editor.put(("Sandlot",), "settings", loaded.settings)
    editor.put(("Sandlot",), "settings_source", loaded.source)
    _merge_scopes(editor, sections)
    configure_pages(editor, settings_hash=loaded.hash)


def _merge_scopes(editor: ConfigEditor, sections: tuple[str, ...]) -> None:
    editor.merge_mapping("JupyterHub", "custom_scopes", CUSTOM_SCOPES)
    editor.merge_set("JupyterHub", "extra_user_scopes", USER_SCOPES)
    roles = {role.get("name"): role for role in editor.container("JupyterHub", "load_roles", [])}
    if "scopes" in roles.get("user", {}):
        editor.notes.append(
            "c.JupyterHub.load_roles redefines the role 'user', and JupyterHub then ignores "
            "extra_user_scopes: people will be refused by Sandlot's services. Move your scopes "
            "to c.JupyterHub.extra_user_scopes."
        )
    base = roles.get("server", {}).get("scopes", _SERVER_DEFAULTS)
    section = next(
        (name for name in sections if editor.has(name, "server_token_scopes")), "Spawner"
    )
    theirs = editor.container(section, "server_token_scopes", [])
    if callable(theirs):
        chained = theirs if isinstance(theirs, TokenScopes) else TokenScopes(theirs, tuple(base))
        editor.take((section,), "server_token_scopes", chained, "it is chained")
    else:
        ours = sorted(USER_SCOPES)
        editor.merge_list(section, "server_token_scopes", [*(() if theirs else base), *ours])


@dataclass(frozen=True, slots=True)
class TokenScopes:
    """An administrator's callable for ``Spawner.server_token_scopes``, with our scopes added."""

    theirs: Callable[[Any], Collection[str] | Awaitable[Collection[str]]]
    base: tuple[str, ...]
    """What the server gets when the callable asks for nothing."""

    async def __call__(self, spawner: Any) -> list[str]:
        """Return the scopes that the server's token asks for."""
        found = self.theirs(spawner)
        scopes = await found if inspect.isawaitable(found) else found
        return sorted({*(scopes or self.base), *USER_SCOPES})
