"""What accounts have really done, from the API server's audit log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Use:
    """A right that somebody made use of, or asked for in vain."""

    verb: str
    resource: str
    """With its sub-resource, as roles write it: ``pods/log``."""
    namespace: str
    allowed: bool
    """Whether roles allowed it; what admission then said is another matter."""


def uses(log: Path, user: str) -> list[Use]:
    """Return what an account asked for, in order, each as often as it did.

    The API server writes a line once it has answered, and for a watch another one when it began:
    who looks for a certain one waits for it.
    """
    found: dict[str, Use] = {}
    with log.open() as lines:
        for line in lines:
            # A line may still be growing.
            if line.endswith("\n") and user in line:
                event = json.loads(line)
                if event["user"]["username"] == user and "objectRef" in event:
                    found.setdefault(event["auditID"], _use(event))
    return list(found.values())


def _use(event: dict[str, object]) -> Use:
    target, notes = event["objectRef"], event.get("annotations")
    assert isinstance(target, dict)
    assert isinstance(notes, dict)
    parts = [target["resource"], target.get("subresource", "")]
    return Use(
        verb=str(event["verb"]),
        resource="/".join(part for part in parts if part),
        namespace=str(target.get("namespace", "")),
        allowed=notes.get("authorization.k8s.io/decision") == "allow",
    )
