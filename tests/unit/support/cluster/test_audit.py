from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.cluster.audit import Use, uses

if TYPE_CHECKING:
    from pathlib import Path


def event(number: str, user: str = "hub", decision: str = "allow", **target: str) -> str:
    document: dict[str, Any] = {
        "auditID": number,
        "user": {"username": user},
        "verb": "get",
        "objectRef": {"resource": "pods", "namespace": "n", **target},
        "annotations": {"authorization.k8s.io/decision": decision},
    }
    return json.dumps(document) + "\n"


def test_each_request_counts_once_and_a_line_that_grows_not_yet(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    lines = [
        event("1"),
        event("2", subresource="log", decision="forbid"),
        event("2", subresource="log", decision="forbid"),
        event("3", user="hub-of-somebody-else"),
        event("4"),
        event("5").rstrip("\n"),
    ]
    log.write_text("".join(lines))
    plain = Use(verb="get", resource="pods", namespace="n", allowed=True)
    refused = Use(verb="get", resource="pods/log", namespace="n", allowed=False)

    assert uses(log, "hub") == [plain, refused, plain]
