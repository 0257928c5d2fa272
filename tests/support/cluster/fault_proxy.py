"""A proxy in front of an API server that a test can tell to misbehave.

It speaks TLS and HTTP/1.1 on a loopback port, in a thread with a loop of its own: a test may block
its own loop, or start the client in another process. Everything that it does happens on sockets,
so a client meets it as it would meet the real thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

from support.cluster.certificates import Authority
from support.cluster.exchange import Client, Exchange, HangUpError, Upstream
from support.cluster.faults import EVERYTHING, Pass
from support.cluster.http1 import LIMIT

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from types import TracebackType

    from support.cluster.access import Access
    from support.cluster.faults import Ending, Fault, Match, Request

Told = TypeVar("Told")

ADDRESS = "127.0.0.1"
ANSWER_S = 15.0
"""How long the proxy's own thread may take for what a test tells it."""


@dataclass
class Rule:
    """A fault, and what it happens to."""

    fault: Fault
    match: Match
    left: int | None
    """How often it still happens; None for ever."""
    hits: int = 0
    """How often it has happened."""


class FaultProxy:
    """The proxy; a context.

    Parameters
    ----------
    access
        How to reach the API server; whoever comes through the proxy brings an own token.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._authority = Authority()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._server: asyncio.Server | None = None
        self._port = 0
        self._conversations: dict[asyncio.Task[None], Client] = {}
        self._exchanges: set[Exchange] = set()
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._requests: list[Request] = []
        self._trust = ssl.create_default_context(cadata=access.authority)
        self._identity = self._make_identity()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ask(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._ask(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(ANSWER_S)
            self._loop.close()

    def through(self, access: Access) -> Access:
        """Return an account's access through the proxy."""
        return access.at(f"https://{ADDRESS}:{self._port}", authority=self._authority.pem)

    def inject(self, fault: Fault, match: Match = EVERYTHING, *, times: int | None = None) -> Rule:
        """Let a fault happen to what matches: so often, or until `heal`.

        The first rule that matches a request decides.
        """
        rule = Rule(fault, match, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def heal(self) -> None:
        """Forget all faults; what has already happened stays so."""
        with self._lock:
            self._rules.clear()

    def requests(self, match: Match = EVERYTHING) -> list[Request]:
        """Return what was asked for, in order."""
        with self._lock:
            return [request for request in self._requests if match(request)]

    def count(self, match: Match = EVERYTHING) -> int:
        """Return how often something was asked for."""
        return len(self.requests(match))

    def under_way(self, match: Match = EVERYTHING) -> int:
        """Return how many such requests are being answered now: watches that are open."""
        return self._ask(self._under_way(match))

    def end_now(self, ending: Ending, match: Match = EVERYTHING) -> int:
        """End the answers that are under way; return how many there were."""
        return self._ask(self._end_now(ending, match))

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Cut every connection and refuse new ones while the context lasts."""
        self._ask(self._stop_listening())
        try:
            yield
        finally:
            self._ask(self._listen())

    def _ask(self, what: Coroutine[object, object, Told]) -> Told:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(ANSWER_S)

    def _make_identity(self) -> ssl.SSLContext:
        identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            files = self._authority.write_server(Path(folder), "proxy", addresses=[ADDRESS])
            identity.load_cert_chain(*files)
        return identity

    async def _listen(self) -> None:
        """Listen: on any port the first time, on the same one from then on."""
        self._server = await asyncio.start_server(
            self._accept, ADDRESS, self._port, ssl=self._identity, limit=LIMIT
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        assert self._server is not None
        self._server.close()
        conversations = list(self._conversations.items())
        for task, client in conversations:
            client.reset()
            task.cancel()
        await asyncio.gather(*(task for task, _ in conversations), return_exceptions=True)

    async def _close(self) -> None:
        await self._stop_listening()
        # What it cancelled closes its transports in the next rounds of the loop.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _under_way(self, match: Match) -> int:
        return sum(1 for each in self._exchanges if match(each.request))

    async def _end_now(self, ending: Ending, match: Match) -> int:
        chosen = [each for each in self._exchanges if match(each.request)]
        for each in chosen:
            each.end(ending)
        return len(chosen)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        client = Client(reader, writer)
        self._conversations[task] = client
        try:
            await self._converse(client)
        except (OSError, asyncio.IncompleteReadError, HangUpError):
            pass  # either side has left, which is what this proxy is for
        except asyncio.CancelledError:
            pass  # the loop has nobody to tell: this task is the connection's own
        finally:
            del self._conversations[task]
            client.close()

    async def _converse(self, client: Client) -> None:
        server = urlsplit(self._access.server)
        upstream = Upstream(host=server.hostname or "", port=server.port or 443, trust=self._trust)
        try:
            while (asked := await client.next_request()) is not None:
                request, head, body = asked
                exchange = Exchange(
                    request=request, head=head, body=body, client=client, upstream=upstream
                )
                fault = self._note(request)
                self._exchanges.add(exchange)
                try:
                    await fault.act(exchange)
                finally:
                    self._exchanges.discard(exchange)
        finally:
            upstream.close()

    def _note(self, request: Request) -> Fault:
        """Count a request, and return what happens to it."""
        with self._lock:
            self._requests.append(request)
            for rule in self._rules:
                if rule.left != 0 and rule.match(request):
                    rule.hits += 1
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule.fault
        return Pass()
