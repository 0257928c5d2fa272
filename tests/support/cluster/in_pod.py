"""Python that runs in pods of the real node, and what it finds of the network there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.stream import WsApiClient

from support.cluster.objects import pod, state_of
from support.cluster.real_node import REAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.images import Archive
    from support.cluster.namespaces import TestNamespace

OPEN = "open"
_OPENED = """\
import errno, json, socket

def opened(address, port):
    try:
        socket.create_connection((address, port), timeout=30).close()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "open"

print("told", json.dumps([opened(*each) for each in {targets!r}]))
"""
_STAYS = "import signal; signal.sigwait({signal.SIGTERM})"


async def run_in_pod(api: ApiClient, namespace: str, name: str, code: str) -> str:
    """Run Python in a pod, as a terminal there would; return the line that it told.

    Parameters
    ----------
    api
        Of an administrator.
    namespace, name
        Of the pod.
    code
        It prints one line that begins with ``told``.
    """
    # The client's types know only one word of a command.
    command: Any = ["python", "-W", "ignore", "-c", code]
    async with WsApiClient(configuration=api.configuration) as client:
        answer: str = await CoreV1Api(client).connect_get_namespaced_pod_exec(
            name, namespace, command=command, stderr=True, stdin=False, stdout=True, tty=False
        )
    # Of an answer that is JSON the client makes something else.
    _, word, told = answer.rpartition("told ")
    assert word, answer
    # What a client says about itself at its end comes after it.
    return told.splitlines()[0]


async def opened(
    api: ApiClient, namespace: str, name: str, targets: Mapping[str, tuple[str, int]]
) -> dict[str, str]:
    """Open connections from a pod; return for each `OPEN`, or the name of the error.

    Parameters
    ----------
    api
        Of an administrator.
    namespace, name
        Of the pod.
    targets
        Address and port of each.
    """
    code = _OPENED.format(targets=[*targets.values()])
    answers: list[str] = json.loads(await run_in_pod(api, namespace, name, code))
    return dict(zip(targets, answers, strict=True))


async def stand_in_for(
    namespace: TestNamespace, image: Archive, name: str, labels: Mapping[str, str]
) -> str:
    """Run a pod that does nothing under the labels of another one; return its name."""
    made = pod(name, labels=labels, terminationGracePeriodSeconds=0, **REAL.placement)
    (container,) = made["spec"]["containers"]
    container |= {
        "image": image.reference,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", _STAYS],
    }
    await namespace.create_pod(made)
    await namespace.pod_when(
        name,
        lambda found: state_of(found.status)[0] == "running",
        what=f"{name} runs",
        timeout_s=120.0,
    )
    return name
