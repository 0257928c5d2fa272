from __future__ import annotations

import logging
import time
from types import SimpleNamespace

import pytest

from sandlot_hub.adapters.page_ticket import read_ticket, ticket_key
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.spawner.offers_feed import OffersFeed, beside, build_feed
from support.catalogue import catalogue


def _feed(host: str = "", prefix: str = "/base/services/offers/") -> OffersFeed:
    service = SimpleNamespace(
        url="http://127.0.0.1:40003", api_token="a-token", host=host, prefix=prefix
    )
    return build_feed(
        service, settings=catalogue(), settings_hash="0", log=logging.getLogger("a hub")
    )


@pytest.mark.parametrize(
    ("host", "address"),
    [
        pytest.param("", "/base/services/offers/api/v1/stream", id="same origin"),
        pytest.param(
            "https://services.hub.example:8443",
            "https://services.hub.example:8443/base/services/offers/api/v1/stream",
            id="subdomain_host",
        ),
    ],
)
def test_browsers_find_the_stream(host: str, address: str) -> None:
    assert _feed(host).stream_url == address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        pytest.param("http://127.0.0.1:40003", "http://127.0.0.1:40003", id="one machine"),
        pytest.param("http://hub:8089", "http://127.0.0.1:8089", id="a name of the cluster"),
        pytest.param("http://10.1.2.3:8089/", "http://10.1.2.3:8089", id="an address"),
        pytest.param("http://[fd00::1]:8089", "http://[fd00::1]:8089", id="an IPv6 address"),
    ],
)
def test_the_hub_finds_the_service_beside_it(url: str, address: str) -> None:
    assert beside(url) == address


def test_a_ticket_has_those_groups_that_the_settings_name() -> None:
    many = frozenset({"cs101", "staff", *(f"group-{n}" for n in range(500))})
    owner = Entitlements(user="ann", groups=many, admin=True)
    ticket = _feed().ticket(owner)
    read = read_ticket(ticket, key=ticket_key("a-token"), now=time.time())
    assert (read.kind, read.user, read.admin) == ("page", "ann", True)
    assert read.groups == {"cs101", "staff"}
    assert len(ticket) < 1000
