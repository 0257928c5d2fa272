"""What a person may have, whoever asks for it and however."""

from __future__ import annotations

import concurrent.futures
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from support.dask_user import LIE, cluster_token, dask_processes, one
from support.processes import arguments, below

if TYPE_CHECKING:
    from support.dask_user import DaskUser

    from .conftest import DaskStack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.root]


def test_ten_who_ask_for_the_last_place_at_once(ann: DaskUser) -> None:
    ann.create()
    ann.create()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        body: dict[str, Any] = {"cluster_options": {}}
        replies = list(pool.map(lambda _: ann.ask("POST", "clusters/", json=body), range(10)))

    assert sorted(reply.status_code for reply in replies) == [201, *[409] * 9]
    refused = [reply.json() for reply in replies if reply.status_code == 409]
    assert {each["code"] for each in refused} == {"cluster-limit"}
    assert ann.overview().used.clusters == 3
    assert len(ann.ask("GET", "clusters/").json()) == 3


def test_limits_hold_over_all_clusters_of_a_person(dask: DaskStack, ann: DaskUser) -> None:
    first, second = ann.create(), ann.create()
    ann.running(first)
    ann.running(second)
    ann.scale(first, 2)

    refused = ann.ask("POST", f"clusters/{second}/scale", json={"count": 2})
    assert refused.status_code == 409
    assert refused.json()["code"] == "worker-limit"
    assert refused.json()["params"]["allowed"] == 1
    ann.scale(second, 1)
    ann.wait(lambda all_: sum(each.workers.running for each in all_.clusters) == 3)

    (scheduler,) = dask_processes(dask.pid, second, "scheduler")
    headers = {"Authorization": f"token {cluster_token(scheduler.pid)}"}
    url = f"{dask.door}/clusters/{second}/heartbeat"
    assert requests.post(url, json=LIE, headers=headers, timeout=10).status_code == 200
    assert ann.overview().used.workers <= 3
    workers = [
        each for name in (first, second) for each in dask_processes(dask.pid, name, "worker")
    ]
    assert len(workers) <= 3
    wrongs: list[Any] = [{**LIE, "count": -1}, {**LIE, "api_address": "http://10.0.0.1:80"}]
    for wrong in (*wrongs, [], None):
        reply = requests.post(url, json=wrong, headers=headers, timeout=10)
        assert reply.status_code == 422, reply.text


BAD = {
    "unknown option": ("clusters/", {"cluster_options": {"cores": 4}}, 422, "cores"),
    "unknown image": ("clusters/", {"cluster_options": {"image": "nope"}}, 422, "image"),
    "an image of others": ("clusters/", {"cluster_options": {"image": "private"}}, 422, "image"),
    "no size for workers": (
        "clusters/",
        {"cluster_options": {"worker_size": "small"}},
        422,
        "worker_size",
    ),
    "an option of another type": ("clusters/", {"cluster_options": {"image": 4}}, 422, "image"),
    "no object": ("clusters/", [], 422, None),
    "negative": ("clusters/{name}/scale", {"count": -1}, 422, "count"),
    "huge": ("clusters/{name}/scale", {"count": 10**12}, 422, "count"),
    "a fraction": ("clusters/{name}/scale", {"count": 1.5}, 422, "count"),
    "nothing": ("clusters/{name}/scale", {}, 422, "count"),
    "negative bounds": ("clusters/{name}/adapt", {"minimum": -1}, 422, "minimum"),
    "huge bounds": ("clusters/{name}/adapt", {"maximum": 10**12}, 422, "maximum"),
    "text": ("clusters/{name}/scale", {"count": "2"}, 422, "count"),
    "true": ("clusters/{name}/scale", {"count": True}, 422, "count"),
    "an unknown member": ("clusters/", {"cpus": 64}, 422, "cpus"),
    "malformed": ("clusters/", b"{", 400, None),
    "malformed count": ("clusters/{name}/scale", b'{"count": ', 400, None),
    "malformed bounds": ("clusters/{name}/adapt", b"[", 400, None),
    "not a number": ("clusters/{name}/scale", b'{"count": NaN}', 400, None),
    "no letters": ("clusters/", b'{"cluster_options": {"image": "\xff"}}', 400, None),
    "somebody else's": (f"clusters/{'0' * 32}/scale", {"count": 1}, 404, None),
    "no cluster's name": ("clusters/...x/adapt", {"maximum": 1}, 404, None),
}


def test_what_is_wrong_is_refused_and_creates_nothing(ann: DaskUser) -> None:
    name = ann.create()
    ann.running(name)
    for row, (path, body, status, field) in BAD.items():
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        reply = ann.ask("POST", path.format(name=name), data=data, headers=headers)
        problem = reply.json()
        assert reply.status_code == status, (row, problem)
        assert problem["code"], row
        assert problem.get("field") == field, (row, problem)
        assert problem["error"] == problem["message"], row
    assert ann.ask("GET", "clusters/").json().keys() == {name}
    assert one(ann.overview(), name).workers.wanted == 0


def test_the_supervisor_alone_is_root(dask: DaskStack, ann: DaskUser) -> None:
    ann.running(ann.create())
    others = [each for each in below(dask.pid) if each.pid != dask.pid]
    assert 0 not in {each.uid for each in others}
    shown = "\n".join(arguments(each.pid) for each in others)
    assert ann.token not in shown
    assert "PRIVATE KEY" not in shown
