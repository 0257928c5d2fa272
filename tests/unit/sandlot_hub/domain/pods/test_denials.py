from __future__ import annotations

from typing import Any

import pytest

from sandlot_hub.domain.pods.denials import CreateAnswer, explain_denial, read_answer
from sandlot_hub.domain.pods.outcomes import FailureCode
from support.pod_states import SUBJECT

PODS = 'pods "jupyter-ann" is forbidden: '


def _status(message: str = "", reason: str = "Forbidden", code: int = 403) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": {"name": "jupyter-ann", "kind": "pods"},
        "code": code,
    }


@pytest.mark.parametrize(
    ("status", "reason", "answer"),
    [
        pytest.param(409, "AlreadyExists", CreateAnswer.EXISTS, id="name-taken"),
        pytest.param(409, "Conflict", CreateAnswer.AGAIN, id="quota-conflict"),
        pytest.param(409, "", CreateAnswer.AGAIN, id="conflict-without-words"),
        pytest.param(429, "TooManyRequests", CreateAnswer.AGAIN, id="too-many"),
        pytest.param(500, "InternalError", CreateAnswer.AGAIN, id="internal"),
        pytest.param(503, "ServiceUnavailable", CreateAnswer.AGAIN, id="unavailable"),
        pytest.param(504, "Timeout", CreateAnswer.AGAIN, id="timeout"),
        pytest.param(403, "Forbidden", CreateAnswer.FAILED, id="forbidden"),
        pytest.param(422, "Invalid", CreateAnswer.FAILED, id="invalid"),
        pytest.param(400, "BadRequest", CreateAnswer.FAILED, id="bad"),
        pytest.param(404, "NotFound", CreateAnswer.FAILED, id="no-namespace"),
        pytest.param(401, "Unauthorized", CreateAnswer.FAILED, id="token"),
    ],
)
def test_what_an_answer_means(status: int, reason: str, answer: CreateAnswer) -> None:
    assert read_answer(status, _status(reason=reason, code=status)) is answer


@pytest.mark.parametrize(
    ("status", "message", "code", "sentence"),
    [
        pytest.param(
            403,
            f"{PODS}exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, "
            "used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4",
            FailureCode.QUOTA,
            "The cluster's limit for all users together is reached "
            "(NVIDIA L4: 2 asked for, 4 of 4 in use).",
            id="quota",
        ),
        pytest.param(
            403,
            f"{PODS}exceeded quota: all, requested: limits.memory=16Gi,pods=1, "
            "used: limits.memory=60Gi,pods=9, limited: limits.memory=64Gi,pods=9",
            FailureCode.QUOTA,
            "The cluster's limit for all users together is reached (memory: 16Gi asked for, "
            "60Gi of 64Gi in use; number of servers: 1 asked for, 9 of 9 in use).",
            id="quota-of-two",
        ),
        pytest.param(
            403,
            f"{PODS}failed quota: q: must specify limits.cpu for: side",
            FailureCode.DENIED,
            "A rule of the cluster refused your server. The cluster says: “limits.cpu for: side”.",
            id="quota-needs-limits",
        ),
        pytest.param(
            403,
            f'{PODS}violates PodSecurity "restricted:latest": unrestricted capabilities (container '
            '"notebook" must set securityContext.capabilities.drop=["ALL"])',
            FailureCode.DENIED,
            "Your server does not keep to the security standard of the cluster.",
            id="pod-security",
        ),
        pytest.param(
            400,
            'admission webhook "validate.kyverno.svc-fail" denied the request: Only images of\n'
            "registry.example may be used",
            FailureCode.DENIED,
            "A rule of the cluster refused your server. The cluster says: “Only images of registry.example may be used”.",
            id="webhook",
        ),
        pytest.param(
            422,
            "pods \"jupyter-ann\" is forbidden: ValidatingAdmissionPolicy 'hours' with binding 'b' "
            "denied request: Not at night",
            FailureCode.DENIED,
            "A rule of the cluster refused your server. The cluster says: “Not at night”.",
            id="policy",
        ),
        pytest.param(
            403,
            f"{PODS}no PriorityClass with name notebooks was found",
            FailureCode.DENIED,
            "A rule of the cluster refused your server. "
            "The cluster says: “no PriorityClass with name notebooks was found”.",
            id="priority-class",
        ),
        pytest.param(
            403,
            f"{PODS}maximum memory usage per Container is 8Gi, but limit is 16Gi",
            FailureCode.DENIED,
            "A rule of the cluster refused your server. "
            "The cluster says: “maximum memory usage per Container is 8Gi, but limit is 16Gi”.",
            id="limit-range",
        ),
        pytest.param(
            403,
            'pods is forbidden: User "system:serviceaccount:people:hub" cannot create resource '
            '"pods" in API group "" in the namespace "people"',
            FailureCode.NOT_PERMITTED,
            "The hub may not do in the cluster what your server needs.",
            id="rbac",
        ),
        pytest.param(
            403,
            f"{PODS}nobody knows",
            FailureCode.DENIED,
            "A rule of the cluster refused your server.",
            id="other-403",
        ),
        pytest.param(
            422,
            'Pod "jupyter-ann" is invalid: spec.containers[0].image: Required value',
            FailureCode.INVALID,
            "The cluster does not take your server as it is set up.",
            id="invalid",
        ),
        pytest.param(
            500,
            'failed calling webhook "x": Post "https://x.svc:443/?timeout=10s": EOF',
            FailureCode.CLUSTER_TROUBLE,
            "The cluster does not answer, or cannot do its work at the moment.",
            id="webhook-down",
        ),
        pytest.param(
            403,
            "",
            FailureCode.NOT_PERMITTED,
            "The hub may not do in the cluster what your server needs.",
            id="no-words",
        ),
    ],
)
def test_a_denial_is_a_sentence(
    status: int, message: str, code: FailureCode, sentence: str
) -> None:
    failed = explain_denial(status, _status(message, code=status), SUBJECT)
    assert (failed.code, failed.sentence) == (code, sentence)
    assert failed.next.startswith("Next: ")


@pytest.mark.parametrize("document", [{}, {"message": None}, {"message": 3}])
def test_a_denial_without_words(document: dict[str, Any]) -> None:
    assert explain_denial(403, document, SUBJECT).code is FailureCode.NOT_PERMITTED
    assert explain_denial(422, document, SUBJECT).code is FailureCode.INVALID


def test_a_denial_is_short_and_printable() -> None:
    message = f'admission webhook "w" denied the request: \x1b[31m{"x" * 10_000}'
    said = explain_denial(403, _status(message), SUBJECT).sentence
    assert said.isprintable()
    assert len(said) < 300
