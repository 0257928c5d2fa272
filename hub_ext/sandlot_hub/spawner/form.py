"""The spawn form: KubeSpawner's ``profile_list`` as HTML that works without JavaScript.

Without JavaScript the groups of all profiles are there, and the parser takes those of
the chosen one; with it the page shows only these. The texts come from the entries
under ``sandlot``, which are plain, and are escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sandlot_hub.domain.choices.options import field_name, text_field_name

from .alike import ANY, NAME, OTHER, named_anew, told_alike, with_other
from .instead_links import instead_links
from .wording import choice_names, disk_size, row_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from sandlot_contracts.problem import Alternative

_OPTIONS = ("profile", "image", "reference", "size")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormNotes:
    """What the form says about the limits of a size here."""

    cpu_enforced: bool
    memory_enforced: bool
    memory_detail: str = ""
    """Why memory is not enforced, one sentence; empty when it is, or when that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpossibleChoice:
    """A choice that cannot be started, and what can be instead."""

    message: str
    """What is off and why, and what next: plain text."""
    code: str
    """The stable code of the reason."""
    alternatives: tuple[Alternative, ...] = ()
    """What fits instead, best first."""
    choice: Mapping[str, str] = field(default_factory=dict)
    """What was asked for, as far as it can be read."""

    @property
    def instead(self) -> list[dict[str, str | None]]:
        """What fits instead, as in a profile list."""
        return [alternative.model_dump() for alternative in self.alternatives]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage:
    """For whom and where the form is, and how an open page follows what changes.

    All addresses have no slash at their end.
    """

    user: str
    """Owner of the server; whoever looks at the form may be an administrator."""
    server_name: str
    """Empty for the default server."""
    spawn_url: str
    """Address of this page: below it ``?opt-profile=…`` starts, ``#profile=…`` fills in."""
    static_url: str
    """Folder of the page's modules. It changes with their contents."""
    price_unit: str
    """What prices are counted in."""
    settings_hash: str
    """Fingerprint of the settings that the form shows, to tell when others are told of."""
    known: bool = False
    """Whether the availability in the form comes from a live source."""
    age_s: float = 0.0
    """Seconds since that availability was true, when the form was rendered."""
    stream_url: str = ""
    """Where the open page is told of changes; empty when nothing tells it."""
    ticket: str = ""
    """What the stream is asked with; empty when there is no stream."""
    ticket_url: str = ""
    """Where the page gets the next ticket; empty when there is no stream."""
    availability_url: str = ""
    """Page that shows all accelerators; empty where there are none, or nothing shows them."""
    named_servers: bool = False
    """Whether people may have servers with names of their own here."""
    last: ImpossibleChoice | None = None
    """Set when the last choice is not preselected because it cannot be started."""
    refused: ImpossibleChoice | None = None
    """Set when the form is shown again because what was sent is refused."""


def preselection(options: object) -> dict[str, str]:
    """Return what of `options` can be preselected; they may be what was just refused."""
    if not isinstance(options, Mapping):
        return {}
    return {key: options[key] for key in _OPTIONS if isinstance(options.get(key), str)}


def render_form(
    profile_list: Sequence[Mapping[str, Any]], *, notes: FormNotes, page: FormPage
) -> str:
    """Return the fields of the form as HTML.

    Parameters
    ----------
    profile_list
        What the user is shown, see `domain.profile_list`.
    notes
        What holds for all sizes here.
    page
        For whom and where the form is.
    """
    return _template().render(profiles=profile_list, notes=notes, page=page)


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
    environment.filters.update(named_anew=named_anew, with_other=with_other)
    environment.globals.update(
        ANY=ANY,
        NAME=NAME,
        OTHER=OTHER,
        choice_names=choice_names,
        disk_size=disk_size,
        field_name=field_name,
        instead_links=instead_links,
        row_context=row_context,
        text_field_name=text_field_name,
        told_alike=told_alike,
    )
    return environment.get_template("sandlot_form.html")
