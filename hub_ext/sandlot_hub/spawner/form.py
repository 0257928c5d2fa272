"""The spawn form: KubeSpawner's ``profile_list`` as HTML that works without JavaScript.

Without JavaScript the groups of all profiles are there, and the parser takes those of
the chosen one; with it the page shows only these. The texts come from the entries
under ``sandlot``, which are plain, and are escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

_OPTIONS = ("profile", "image", "size")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormNotes:
    """What the form says about the limits of a size here."""

    cpu_enforced: bool
    memory_enforced: bool
    memory_detail: str = ""
    """Why memory is not enforced, one sentence; empty when it is, or when that is not known."""


def preselection(options: object) -> dict[str, str]:
    """Return what of `options` can be preselected; they may be what was just refused."""
    if not isinstance(options, Mapping):
        return {}
    return {key: options[key] for key in _OPTIONS if isinstance(options.get(key), str)}


def render_form(profile_list: Sequence[Mapping[str, Any]], *, notes: FormNotes) -> str:
    """Return the fields of the form as HTML.

    Parameters
    ----------
    profile_list
        What the user is shown, see `domain.profile_list`.
    notes
        What holds for all sizes here.
    """
    return _template().render(profiles=profile_list, notes=notes)


@cache
def _template() -> Template:
    # Not the hub's environment, which finds an administrator's templates first: the names of
    # these fields are a protocol with `domain.options`.
    environment = Environment(
        loader=PackageLoader("sandlot_hub.spawner"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("sandlot_form.html")
