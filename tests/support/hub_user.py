"""A person at a hub, over HTTP: logs in by the form, starts a server, runs code in it."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import websocket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT_S = 60.0
PROGRESS_S = 120.0


class HubUser:
    """One person with cookies of their own.

    Parameters
    ----------
    url
        The hub's root with its base URL.
    name
        The user's name.
    """

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.name = name
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the environment
        self.session.headers["Connection"] = "close"  # so that there is nothing to close

    def log_in(self, password: str) -> requests.Response:
        """Log in by the form; the reply is the page that comes after it."""
        form = self.get("hub/login")
        fields = {"username": self.name, "password": password, "_xsrf": self._xsrf(form)}
        return self.session.post(form.url, data=fields, timeout=TIMEOUT_S)

    def get(self, path: str, **options: Any) -> requests.Response:
        """Get a page below the hub's root."""
        return self.session.get(urljoin(self.url, path), timeout=TIMEOUT_S, **options)

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the hub's REST API with the login's cookies."""
        headers = {"X-XSRFToken": self._cookie("hub/"), "Referer": urljoin(self.url, "hub/home")}
        address = urljoin(self.url, f"hub/api/{path}")
        return self.session.request(method, address, headers=headers, timeout=TIMEOUT_S, **options)

    def start(self, options: Mapping[str, str] | None = None) -> None:
        """Start the server over REST and wait until it is ready."""
        body = {"user_options": dict(options)} if options else {}
        reply = self.api("POST", f"users/{self.name}/server", json=body)
        assert reply.status_code in (201, 202), reply.text
        last = list(self.progress())[-1]
        assert last.get("ready"), last

    def stop(self) -> None:
        """Stop the server and wait until it has stopped."""
        self.api("DELETE", f"users/{self.name}/server")
        deadline = time.monotonic() + TIMEOUT_S
        while self.model().get("servers"):
            assert time.monotonic() < deadline, "the server did not stop"

    def model(self) -> dict[str, Any]:
        """Return what the hub knows of this user."""
        reply = self.api("GET", f"users/{self.name}")
        assert reply.ok, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def progress(self) -> Iterator[dict[str, Any]]:
        """Yield the events of a start until it has succeeded or failed."""
        address = urljoin(self.url, f"hub/api/users/{self.name}/server/progress")
        with self.session.get(address, stream=True, timeout=PROGRESS_S) as reply:
            assert reply.ok, reply.text
            for line in reply.iter_lines():
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    yield event
                    if event.get("ready") or event.get("failed"):
                        return

    def lab(self, path: str = "", **options: Any) -> requests.Response:
        """Get something from the user's own server."""
        return self.get(f"user/{self.name}/{path}", **options)

    def lab_api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the REST API of the user's own server."""
        self.lab("lab")  # the first visit logs in at the server and brings its cookie
        headers = {"X-XSRFToken": self._cookie(f"user/{self.name}/")}
        address = urljoin(self.url, f"user/{self.name}/{path}")
        return self.session.request(method, address, headers=headers, timeout=TIMEOUT_S, **options)

    @contextlib.contextmanager
    def socket(self, path: str, **options: Any) -> Iterator[websocket.WebSocket]:
        """Keep a websocket below the hub's root open while the context lasts."""
        address = urljoin(self.url, path)
        cookies = [c for c in self.session.cookies if urlsplit(address).path.startswith(c.path)]
        connection = websocket.create_connection(
            address.replace("http", "ws", 1),
            cookie="; ".join(f"{c.name}={c.value}" for c in cookies),
            timeout=TIMEOUT_S,
            **options,
        )
        with contextlib.closing(connection):
            yield connection

    def kernel(self) -> Kernel:
        """Start a kernel in the user's own server."""
        reply = self.lab_api("POST", "api/kernels", json={"name": "python3"})
        assert reply.status_code == 201, reply.text
        return Kernel(self, reply.json()["id"])

    def _xsrf(self, page: requests.Response) -> str:
        before, found, after = page.text.partition('name="_xsrf" value="')
        assert found, f"no form at {page.url}: {before[:500]}"
        return after.partition('"')[0]

    def _cookie(self, path: str) -> str:
        wanted = urlsplit(urljoin(self.url, path)).path
        values = [c.value for c in self.session.cookies if c.name == "_xsrf" and c.path == wanted]
        return values[0] if values and values[0] else ""


class Kernel:
    """A running kernel, spoken to over websockets through the proxy."""

    def __init__(self, user: HubUser, kernel_id: str) -> None:
        self._user = user
        self._path = f"user/{user.name}/api/kernels/{kernel_id}/channels"

    def run(self, code: str) -> str:
        """Run code over a connection of its own; return what it printed, or the error."""
        with self.connected() as channel:
            return channel.run(code)

    @contextlib.contextmanager
    def connected(self) -> Iterator[Channel]:
        """Keep one connection while the context lasts."""
        with self._user.socket(self._path) as connection:
            yield Channel(connection)


class Channel:
    """One connection to a kernel."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._socket = connection

    def run(self, code: str) -> str:
        """Run code; return what it printed, or the error's name and text."""
        sent = uuid.uuid4().hex
        header = {"msg_id": sent, "msg_type": "execute_request", "version": "5.3"}
        header |= {"username": "", "session": uuid.uuid4().hex, "date": ""}
        content = {"code": code, "silent": False, "store_history": False, "stop_on_error": True}
        content |= {"user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
        printed = ""
        while True:
            reply = json.loads(self._socket.recv())
            if reply["parent_header"].get("msg_id") != sent:
                continue
            match reply["msg_type"]:
                case "stream":
                    printed += reply["content"]["text"]
                case "error":
                    printed += f"{reply['content']['ename']}: {reply['content']['evalue']}"
                case "status" if reply["content"]["execution_state"] == "idle":
                    return printed
