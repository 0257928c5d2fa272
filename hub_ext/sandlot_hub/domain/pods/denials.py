"""Why the cluster refuses to make an object, from the status document of its API.

People read a sentence, never the response: that has headers, names of webhooks and the
whole manifest in it.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from sandlot_hub.domain.values.names import printable

from .documents import text
from .outcomes import ASK, LATER, Failed, FailureCode, detail, sentences

if TYPE_CHECKING:
    from .documents import Document, StartSubject

_CONFLICT = 409
_FORBIDDEN = 403
_NO_RIGHT = frozenset({401, _FORBIDDEN})
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})

_QUOTA = re.compile(
    r"exceeded quota: (?P<quota>[^,]+), requested: (?P<requested>.*?), "
    r"used: (?P<used>.*?), limited: (?P<limited>.*)",
    re.DOTALL,
)
_AMOUNT = re.compile(r"([^=,]+)=([^,]+)")
_DENIED = (
    re.compile(
        r"admission webhook \"[^\"]*\" denied the request(?: without explanation)?:? ?(.*)",
        re.DOTALL,
    ),
    re.compile(r"denied request:? ?(.*)", re.DOTALL),
    re.compile(r"must specify (.*)"),
    re.compile(r"(no PriorityClass with name .*|error looking up service account .*)"),
    re.compile(r"(.*because it is being terminated)"),
    re.compile(r"((?:minimum|maximum) .* usage per .*)"),
)
_POD_SECURITY = re.compile(r"violates PodSecurity \"")
_RBAC = re.compile(r"User \"[^\"]*\" cannot (\w+) resource")
_RESOURCES = {"cpu": "CPU", "memory": "memory", "pods": "number of servers"}


class CreateAnswer(Enum):
    """What to do after the cluster did not make an object."""

    EXISTS = auto()
    """One of that name is there: look whose it is."""
    AGAIN = auto()
    """Nothing was decided: ask again."""
    FAILED = auto()
    """It was refused, for the reason that `explain_denial` gives."""


def read_answer(status: int, document: Document) -> CreateAnswer:
    """Return what an answer that is no success means.

    Parameters
    ----------
    status
        HTTP status.
    document
        The ``Status`` document of the answer; empty when it had none.
    """
    if status == _CONFLICT:
        # Two kinds share the number: the name is taken; or many starts at once have changed
        # the quota's books under each other, which is over the next moment.
        taken = text(document, "reason") == "AlreadyExists"
        return CreateAnswer.EXISTS if taken else CreateAnswer.AGAIN
    return CreateAnswer.AGAIN if status in _TRY_AGAIN else CreateAnswer.FAILED


def explain_denial(status: int, document: Document, subject: StartSubject) -> Failed:
    """Return why the cluster refused, for people."""
    message = text(document, "message")
    quota = _QUOTA.search(message)
    if quota is not None:
        return _over_quota(quota, subject)
    if status in _TRY_AGAIN:
        return unreachable()
    # What a rule refuses is always told in words; to an account without the right there are
    # not always any.
    if _RBAC.search(message) or (status in _NO_RIGHT and not message):
        return _not_permitted()
    return _known_rule(message) or _unknown_rule(status)


def _not_permitted() -> Failed:
    return Failed(
        code=FailureCode.NOT_PERMITTED,
        sentence="The hub may not do in the cluster what your server needs.",
        next=f"{ASK}: the hub's role in the cluster lacks a right; its log names it.",
    )


def _known_rule(message: str) -> Failed | None:
    if _POD_SECURITY.search(message):
        return Failed(
            code=FailureCode.DENIED,
            sentence="Your server does not keep to the security standard of the cluster.",
            next=f"{ASK}: what is added to servers has to keep to it; the hub's log names it.",
        )
    for pattern in _DENIED:
        match = pattern.search(message)
        if match is not None:
            said = sentences("A rule of the cluster refused your server.", detail(match[1]))
            return Failed(code=FailureCode.DENIED, sentence=said, next=f"{ASK}.")
    return None


def _unknown_rule(status: int) -> Failed:
    if status == _FORBIDDEN:
        code, said = FailureCode.DENIED, "A rule of the cluster refused your server."
    else:
        code, said = FailureCode.INVALID, "The cluster does not take your server as it is set up."
    return Failed(code=code, sentence=said, next=f"{ASK}: the hub's log has the reason.")


def unreachable() -> Failed:
    """Return the failure of a cluster that does not answer, or answers with its own errors."""
    return Failed(
        code=FailureCode.CLUSTER_TROUBLE,
        sentence="The cluster does not answer, or cannot do its work at the moment.",
        next="Next: try again in a few minutes; if that fails too, tell an administrator.",
    )


def _over_quota(quota: re.Match[str], subject: StartSubject) -> Failed:
    requested, used, limited = (
        dict(_AMOUNT.findall(quota[name])) for name in ("requested", "used", "limited")
    )
    parts = []
    for name, amount in requested.items():
        what = _resource_words(name, subject)
        parts.append(
            f"{what}: {printable(amount)} asked for, "
            f"{printable(used.get(name, '?'))} of {printable(limited.get(name, '?'))} in use"
        )
    said = f"The cluster's limit for all users together is reached ({'; '.join(parts)})."
    return Failed(code=FailureCode.QUOTA, sentence=said, next=LATER)


def _resource_words(name: str, subject: StartSubject) -> str:
    plain = name.removeprefix("requests.").removeprefix("limits.")
    if subject.accelerator and plain == subject.resource:
        return printable(subject.accelerator)
    return _RESOURCES.get(plain, printable(plain))
