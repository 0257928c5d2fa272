"""A hub service with one route of every kind, and a browser that logs in to it."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sandlot_contracts.base import StrictWireModel
from sandlot_hub.services.access import Open, Page, TokenApi
from sandlot_hub.services.app import Route, build_application
from sandlot_hub.services.bodies import read_json
from sandlot_hub.services.handlers import ServiceHandler
from sandlot_hub.services.pages import PageHandler, build_templates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tornado.web import Application

    from sandlot_hub.services.context import ServiceContext

    from .fake_hub import FakeHub
    from .service_process import Answer, RunningService

READ = "custom:sandlot-probe:read"
ACCESS = "access:services!service=probe"

ALICE = "alice-token-0123456789"
"""A user's token that may do everything here."""


class Note(StrictWireModel):
    text: str


class NotesHandler(ServiceHandler):
    async def get(self) -> None:
        self.write_model(Note(text=self.user.name))

    async def post(self) -> None:
        self.write_model(read_json(self.request, Note))


class NoteHandler(ServiceHandler):
    async def get(self, key: str) -> None:
        self.write_model(Note(text=key))


class NotesPage(PageHandler):
    async def get(self) -> None:
        # A page with a form asks for the XSRF token, which sets its cookie.
        self.write(self.xsrf_token)

    async def post(self) -> None:
        self.write(f"changed by {self.user.name}")


class CrashHandler(ServiceHandler):
    async def get(self) -> None:
        message = "the secret plan of /etc/passwd"
        raise LookupError(message)


class CrashPage(PageHandler, CrashHandler):
    pass


class SlowHandler(ServiceHandler):
    gate: asyncio.Event
    started: asyncio.Event

    async def get(self) -> None:
        self.started.set()
        await self.gate.wait()
        self.write_model(Note(text="slow"))


class ProbeService:
    """A service with one route of every kind."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.started = asyncio.Event()
        self.healthy = True
        self.context: ServiceContext
        self.application: Application

    def routes(self) -> tuple[Route, ...]:
        pages = {"templates": build_templates()}
        api, page = TokenApi(scopes=frozenset({READ})), Page(scopes=frozenset({READ}))
        slow = {"gate": self.gate, "started": self.started}
        return (
            Route(template="", handler=NotesPage, access=page, arguments=pages),
            Route(template="crash", handler=CrashPage, access=page, arguments=pages),
            Route(template="api/v1/crash", handler=CrashHandler, access=api),
            Route(template="api/v1/notes", handler=NotesHandler, access=api),
            Route(template="api/v1/notes/{key}", handler=NoteHandler, access=api),
            Route(
                template="api/v1/slow",
                handler=SlowHandler,
                access=Open(reason="a test of the end"),
                arguments=slow,
            ),
        )

    @asynccontextmanager
    async def build(self, context: ServiceContext) -> AsyncIterator[Application]:
        self.context = dataclasses.replace(context, healthy=lambda: self.healthy)
        self.application = build_application(self.context, self.routes())
        yield self.application


@dataclass
class Browser:
    """Keeps cookies, as a browser does for one path."""

    service: RunningService
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any
    ) -> Answer:
        """Send a request with the cookies; keep those that come back."""
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**({"Cookie": pairs} if pairs else {}), **(headers or {})}
        answer = await self.service.ask(path, headers=sent, **rest)
        for name, morsel in answer.cookies.items():
            if morsel.value:
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)
        return answer

    async def log_in(self, hub: FakeHub, token: str) -> Answer:
        """Go through the hub's login, which ends with `token`; return its last answer."""
        begin = await self.ask("")
        state = parse_qs(urlsplit(begin.headers["Location"]).query)["state"][0]
        hub.codes["login-code"] = token
        return await self.ask(f"oauth_callback?code=login-code&state={state}")
