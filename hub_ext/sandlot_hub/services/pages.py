"""Pages for people: the hub's look, no script of anybody else, errors as pages too."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from typing_extensions import override

from .handlers import ServiceHandler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandlot_contracts.problem import Problem


TEMPLATES = Path(__file__).parent / "templates"


def build_templates(*folders: Path) -> Environment:
    """Return the templates of a service, those of `folders` before the shared ones.

    Everything is escaped, and a name that does not exist is an error, not an empty text.
    """
    paths: Sequence[Path] = (*folders, TEMPLATES)
    return Environment(
        loader=FileSystemLoader(paths),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class PageHandler(ServiceHandler):
    """A page. Programs that do not ask for HTML get errors as JSON."""

    templates: Environment
    is_live: ClassVar[bool] = False
    """Whether its script asks this service for what changes."""

    def write_page(self, name: str, **values: Any) -> None:
        """Answer with the template `name`."""
        # Scripts run only with this number, which no injected text can know. The origin itself
        # is no mark of trust: users' servers may share it.
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", _policy(nonce, is_live=self.is_live))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        config = self.context.config
        page = self.templates.get_template(name).render(
            hub=config.hub_prefix,
            prefix=config.prefix,
            service=config.name,
            nonce=nonce,
            user=None if self.caller is None else self.caller.name,
            **values,
        )
        self.write(page)

    @override
    def write_problem(self, problem: Problem) -> None:
        """Answer with `problem` as a page where a person looks."""
        if "text/html" in self.request.headers.get("Accept", ""):
            self.write_page("problem.html", problem=problem)
        else:
            super().write_problem(problem)


def _policy(nonce: str, *, is_live: bool) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            *(("connect-src 'self'",) if is_live else ()),
            f"script-src 'nonce-{nonce}'",
            # The hub's style sheet imports others, which cannot carry the number.
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
