"""Whether a server that was ready still runs, and why it has ended."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from .documents import SERVER_CONTAINER, StartSubject, StartView, items, number, part, text
from .endings import VANISHED, disruption, judge_ended, judge_exit
from .outcomes import AGAIN, Failed, FailureCode

if TYPE_CHECKING:
    from .documents import Document

_IS_OVER = frozenset({"Failed", "Succeeded"})
_UNKNOWN_CODE = 1


def judge_run(
    pod: Document | None, *, restarts: int, last_seen: Document | None = None
) -> Failed | None:
    """Return why a server that was ready has ended; None while it runs.

    One that the cluster started again has ended too: what ran in it is gone, and its owner
    shall know why.

    Parameters
    ----------
    pod
        Its pod; None when that is gone.
    restarts
        How often the cluster had started it again when it was ready.
    last_seen
        The pod as it was before it went away.
    """
    if pod is not None:
        return _judge(pod, restarts)
    seen = None if last_seen is None else _judge(last_seen, restarts)
    return seen or VANISHED


def server_restarts(pod: Document) -> int:
    """Return how often the cluster has started the server of a pod again."""
    return number(_server(pod), "restartCount") or 0


def is_over(pod: Document) -> bool:
    """Return whether a pod has ended, and is not started again."""
    return text(pod, "status", "phase") in _IS_OVER


def exit_code(pod: Document | None) -> int:
    """Return the exit code of a server that has ended; 1 when it is not known."""
    server = {} if pod is None else _server(pod)
    code = number(_end(server), "exitCode")
    return _UNKNOWN_CODE if code is None else code


def _judge(pod: Document, restarts: int) -> Failed | None:
    because = disruption(pod)
    if because is not None:
        return because
    view = StartView(subject=StartSubject(image=""), pod=pod)
    server = _server(pod)
    if is_over(pod):
        failed = judge_ended(view, pod)
    elif part(server, "state", "terminated") or server_restarts(pod) > restarts:
        failed = judge_exit(view, server, _end(server))
    else:
        return None
    if text(pod, "metadata", "deletionTimestamp"):
        return VANISHED  # it ended because it was told to
    if failed.code is not FailureCode.EXITED:
        return failed
    return dataclasses.replace(failed, next=f"{AGAIN}; if it happens again, tell an administrator.")


def _server(pod: Document) -> Document:
    found = items(pod, "status", "containerStatuses")
    return next((each for each in found if each.get("name") == SERVER_CONTAINER), {})


def _end(server: Document) -> Document:
    return part(server, "state", "terminated") or part(server, "lastState", "terminated")
