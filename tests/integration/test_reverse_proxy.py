"""The reverse proxy of docs/reverse-proxy.md, taken from that page word for word, in front of a stack."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from support.house import ROOT
from support.hub_user import HubUser
from support.stack import Launch, free_port, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.stack import Stack

pytestmark = pytest.mark.timeout(900)

NGINX = """\
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    {page}
}}
"""


class Front(NamedTuple):
    """A stack behind the proxy."""

    stack: Stack
    url: str
    plain_port: int
    certificate: Path

    def person(self, name: str) -> HubUser:
        """Return somebody who comes in through the proxy."""
        user = HubUser(self.url, name)
        user.session.verify = str(self.certificate)
        return user


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl (packages nginx-light and openssl)")
    public, secure, plain = free_port(), free_port(), free_port()
    url = f"https://localhost:{secure}/lab/"
    arguments = ("--port", str(public), "--base-url", "/lab/", "--public-url", url)
    with open_folder() as folder, running(Launch(arguments=arguments)) as stack:
        certificate = _certificate(folder)
        page = _example(folder, {"443 ssl": f"{secure} ssl", "80": str(plain)}, public)
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, page=page))
        with subprocess.Popen([program, "-p", str(folder), "-c", str(config)]) as nginx:
            try:
                _wait_listening(plain)
                yield Front(stack, url, plain, certificate)
            finally:
                nginx.terminate()


def test_a_person_works_through_the_proxy(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", str(front.certificate))
    front.stack.wait_image("base")
    alice = front.person("alice")
    reply = alice.log_in(front.stack.add_user("alice"))

    assert reply.ok
    assert {each.url.partition(":")[0] for each in (*reply.history, reply)} == {"https"}

    # The events of the start come one by one, and the kernel's websocket is let through.
    alice.start({"profile": "everyday", "image": "base", "size": "small"})

    assert alice.kernel().run("print(6 * 7)") == "42\n"
    assert alice.get("services/offers/").ok
    # JupyterHub never marks its `_xsrf` as secure; it is worth nothing without a login.
    logins = [each for each in alice.session.cookies if each.name != "_xsrf"]
    assert logins
    assert not [f"{each.name} of {each.path}" for each in logins if not each.secure]


def test_the_commands_tell_the_address_that_people_use(front: Front) -> None:
    status = front.stack.status()

    assert status.public_url == front.url
    assert status.url == front.stack.url
    assert f"people reach it at {front.url}" in front.stack.run("status").stdout
    assert f"address    {front.url}\n" in front.stack.run("user", "add", "adele").stdout


def test_who_comes_without_tls_is_sent_to_tls(front: Front) -> None:
    address = f"http://localhost:{front.plain_port}/lab/hub/login"
    reply = requests.get(address, allow_redirects=False, timeout=30)

    assert reply.headers["Location"] == "https://localhost/lab/hub/login"


def test_nobody_can_say_who_else_they_are(front: Front) -> None:
    """The proxy sets what it forwards: a header that a client sends does not get through."""
    claims = {"X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "http"}
    reply = front.person("mallory").session.get(
        f"{front.url}hub/", headers=claims, allow_redirects=True, timeout=30
    )

    assert reply.ok
    assert all("evil" not in each.headers.get("Location", "") for each in reply.history)


def _example(folder: Path, ports: dict[str, str], public: int) -> str:
    """Return the page's nginx example, with this test's ports and certificate."""
    text = (ROOT / "docs/reverse-proxy.md").read_text()
    page = text.partition("```nginx\n")[2].partition("```")[0]
    replaced = {
        **{f"listen {old};": f"listen 127.0.0.1:{new};" for old, new in ports.items()},
        "127.0.0.1:8000": f"127.0.0.1:{public}",
        "/etc/ssl/sandlot.crt": str(folder / "sandlot.crt"),
        "/etc/ssl/private/sandlot.key": str(folder / "sandlot.key"),
    }
    for old, new in replaced.items():
        assert old in page, f"docs/reverse-proxy.md lacks {old!r}"
        page = page.replace(old, new)
    return page


def _certificate(folder: Path) -> Path:
    certificate = folder / "sandlot.crt"
    subprocess.run(
        [  # noqa: S607 (looked for above)
            "openssl",
            "req",
            "-x509",
            *("-newkey", "rsa:2048", "-noenc", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "sandlot.key"), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate


def _wait_listening(port: int) -> None:
    """Wait until it answers: refused connections are tried again, for some seconds in all."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=Retry(connect=8, backoff_factor=0.05)))
        session.get(f"http://localhost:{port}/", allow_redirects=False, timeout=30)
