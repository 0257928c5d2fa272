from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from sandlot_hub.adapters.hub_identity import HubIdentity
from sandlot_hub.services.access import Machine, Page, TokenApi, decide_access

if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIENCE = "access:services!service=quota"
READ = "custom:sandlot-quota:read"
WRITE = "custom:sandlot-quota:write"
API = TokenApi(scopes=frozenset({READ}))
CHANGE = TokenApi(scopes=frozenset({READ, WRITE}))
PAGE = Page(scopes=frozenset({READ}))
METRICS = Machine(scopes=frozenset({"read:metrics"}))


def holds(required: str, held: Iterable[str]) -> bool:
    return required in held


def identity(
    *scopes: str,
    kind: Literal["user", "service"] = "user",
    groups: frozenset[str] = frozenset(),
    admin: bool = False,
) -> HubIdentity:
    return HubIdentity(
        kind=kind, name="x", groups=groups, scopes=frozenset(scopes), admin=admin, model={}
    )


@pytest.mark.parametrize(
    ("caller", "access", "code", "scope"),
    [
        pytest.param(identity(AUDIENCE, READ), API, None, None, id="api-in"),
        pytest.param(identity(AUDIENCE, READ), PAGE, None, None, id="page-in"),
        pytest.param(identity(AUDIENCE, READ, WRITE), CHANGE, None, None, id="both-scopes"),
        pytest.param(identity(AUDIENCE, READ), CHANGE, "scope-missing", WRITE, id="one-of-two"),
        pytest.param(identity(AUDIENCE), API, "scope-missing", READ, id="no-custom-scope"),
        pytest.param(identity(AUDIENCE), PAGE, "scope-missing", READ, id="page-no-scope"),
        pytest.param(identity(READ), API, "scope-missing", AUDIENCE, id="no-audience"),
        pytest.param(identity(READ), PAGE, "scope-missing", AUDIENCE, id="page-no-audience"),
        pytest.param(
            identity("access:services!service=offers", READ),
            API,
            "scope-missing",
            AUDIENCE,
            id="audience-of-another-service",
        ),
        pytest.param(identity(), API, "scope-missing", AUDIENCE, id="no-scopes"),
        pytest.param(
            identity(groups=frozenset({"admin", READ, AUDIENCE})),
            API,
            "scope-missing",
            AUDIENCE,
            id="groups-named-like-scopes",
        ),
        pytest.param(identity(admin=True), API, "scope-missing", AUDIENCE, id="admin-by-flag"),
        pytest.param(
            identity(AUDIENCE, READ, kind="service"), API, "user-needed", None, id="service-api"
        ),
        pytest.param(
            identity(AUDIENCE, READ, kind="service"), PAGE, "user-needed", None, id="service-page"
        ),
        pytest.param(
            identity("read:metrics", kind="service"), METRICS, None, None, id="service-metrics"
        ),
        pytest.param(identity("read:metrics"), METRICS, None, None, id="user-metrics"),
        pytest.param(
            identity(AUDIENCE, READ), METRICS, "scope-missing", "read:metrics", id="no-metrics"
        ),
    ],
)
def test_who_may(
    caller: HubIdentity, access: TokenApi | Page | Machine, code: str | None, scope: str | None
) -> None:
    denied = decide_access(caller, access, audience=AUDIENCE, has_scope=holds)
    assert (None if denied is None else denied.code) == code
    assert (None if denied is None else denied.scope) == scope
    if denied is not None:
        assert "Next: " in denied.message
