from __future__ import annotations

import pytest

from support.cluster.faults import CREATE_POD, EVERYTHING, LIST_PODS, WATCH_PODS, Match, Request

LIST = Request(method="GET", path="/api/v1/namespaces/n/pods", query={})
WATCH = Request(method="GET", path="/api/v1/namespaces/n/pods", query={"watch": "True"})
CREATE = Request(method="POST", path="/api/v1/namespaces/n/pods", query={})
READ = Request(method="GET", path="/api/v1/namespaces/n/pods/p", query={"watch": "false"})


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        pytest.param(EVERYTHING, [LIST, WATCH, CREATE, READ], id="everything"),
        pytest.param(LIST_PODS, [LIST], id="list"),
        pytest.param(WATCH_PODS, [WATCH], id="watch"),
        pytest.param(CREATE_POD, [CREATE], id="create"),
        pytest.param(Match(method="GET", watch=False), [LIST, READ], id="no-watch"),
        pytest.param(Match(path=".*/p"), [READ], id="path"),
    ],
)
def test_what_a_fault_happens_to(match: Match, meant: list[Request]) -> None:
    assert [request for request in (LIST, WATCH, CREATE, READ) if match(request)] == meant
