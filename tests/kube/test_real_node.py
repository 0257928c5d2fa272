"""Pods that really run: the shipped image under Pod Security *restricted*, on kubelet and containerd."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.cluster.control_groups import TREES
from support.cluster.control_plane import STORAGE_CLASS
from support.cluster.images import PYTHON_IMAGE
from support.cluster.network import ADDRESS, NAMESPACES, Network
from support.cluster.objects import claim, pod, state_of
from support.cluster.real_node import REAL
from support.cluster.runs import runs_folder, sweep
from support.cluster.waiting import until
from support.house import ROOT

if TYPE_CHECKING:
    from support.cluster.cluster import Cluster
    from support.cluster.images import Archive
    from support.cluster.namespaces import TestNamespace

RUN_S = 120.0
START_S = 240.0
HOME = "/home/jovyan"

pytestmark = [pytest.mark.real_node, pytest.mark.slow, pytest.mark.timeout(START_S + RUN_S)]


def real_pod(name: str, image: str, *command: str, **container: Any) -> Any:
    """Return a pod for the real node, with the user that its image names.

    Nothing of its image can be written; home and ``/tmp`` are volumes.
    """
    made = pod(name, restartPolicy="Never", terminationGracePeriodSeconds=1, **REAL.placement)
    spec = made["spec"]
    spec["securityContext"] = {
        "runAsNonRoot": True,
        "fsGroup": 100,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec["volumes"] = [{"name": "home", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    (only,) = spec["containers"]
    only |= {
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": [*command],
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (of the container)
        ],
        **container,
    }
    only["securityContext"]["readOnlyRootFilesystem"] = True
    return made


async def ended(namespace: TestNamespace, name: str) -> Any:
    """Return a pod when its container has ended."""
    return await namespace.pod_when(
        name,
        lambda found: state_of(found.status)[0] == "terminated",
        what=f"{name} has ended",
        timeout_s=RUN_S,
    )


async def log_of(namespace: TestNamespace, name: str) -> str:
    found: str = await namespace.core.read_namespaced_pod_log(name, namespace.name)
    return found


@pytest.mark.parametrize("name", ["base", "scipy"])
@pytest.mark.asyncio
async def test_an_image_keeps_its_promises(
    name: str, images: dict[str, Archive], namespace: TestNamespace
) -> None:
    verify = f"/opt/sandlot/verify/{name}/verify"
    await namespace.create_pod(real_pod("verify", images[name].reference, verify))

    found = await ended(namespace, "verify")

    written = await log_of(namespace, "verify")
    assert found.status.container_statuses[0].state.terminated.exit_code == 0, written
    assert "A kernel starts, from this image, and computes." in written
    assert "FAILED" not in written


@pytest.mark.asyncio
async def test_it_runs_as_its_numbered_user(
    images: dict[str, Archive], namespace: TestNamespace
) -> None:
    code = "import os; print(os.getuid(), os.getgid(), os.path.expanduser('~'))"
    await namespace.create_pod(real_pod("who", images["base"].reference, "python", "-c", code))

    await ended(namespace, "who")

    assert (await log_of(namespace, "who")).split() == ["1000", "100", HOME]


@pytest.mark.asyncio
async def test_jupyterlab_answers(images: dict[str, Archive], namespace: TestNamespace) -> None:
    """Whether it does, kubelet finds out: a probe asks it over the pod's network."""
    command = ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
    asked = {"httpGet": {"path": "/api", "port": 8888}, "periodSeconds": 1}
    manifest = real_pod("lab", images["base"].reference, *command, readinessProbe=asked)
    await namespace.create_pod(manifest)

    found = await namespace.pod_when(
        "lab",
        lambda each: any(
            condition.type == "Ready" and condition.status == "True"
            for condition in each.status.conditions or ()
        ),
        what="JupyterLab answers",
        timeout_s=RUN_S,
    )

    assert found.status.pod_ip.startswith("10.244.77.")


@pytest.mark.asyncio
async def test_memory_is_limited(images: dict[str, Archive], namespace: TestNamespace) -> None:
    # Without tini: only the end of a container's first process tells the same on every kernel.
    greedy = {
        "command": ["python", "-c", "print('on', flush=True); bytearray(200 << 20); print('off')"],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    await namespace.create_pod(real_pod("greedy", images["base"].reference, **greedy))

    found = await ended(namespace, "greedy")

    assert state_of(found.status) == ("terminated", "OOMKilled")
    assert found.status.container_statuses[0].state.terminated.exit_code == 137
    assert await log_of(namespace, "greedy") == "on\n"


@pytest.mark.asyncio
async def test_a_home_outlives_its_pods(
    images: dict[str, Archive], namespace: TestNamespace
) -> None:
    """The image's user can write in it, and it goes with its claim."""
    claims = namespace.core.create_namespaced_persistent_volume_claim
    await claims(namespace.name, claim("home", storage_class=STORAGE_CLASS))
    for name, script in (("writes", "echo kept > kept"), ("reads", "ls -n; cat kept")):
        manifest = real_pod(name, images["base"].reference, "sh", "-c", script)
        volume, _ = manifest["spec"]["volumes"]
        volume |= {"persistentVolumeClaim": {"claimName": "home"}}
        del volume["emptyDir"]
        await namespace.create_pod(manifest)
        await ended(namespace, name)
    words = (await log_of(namespace, "reads")).split()
    assert words[-1] == "kept"
    assert words[words.index("1000") : words.index("1000") + 2] == ["1000", "100"]

    found = await namespace.core.read_namespaced_persistent_volume_claim("home", namespace.name)
    volume = found.spec.volume_name
    for name in ("writes", "reads"):
        await namespace.core.delete_namespaced_pod(name, namespace.name, grace_period_seconds=0)
    await namespace.core.delete_namespaced_persistent_volume_claim("home", namespace.name)

    async def gone() -> bool:
        left = await namespace.core.list_persistent_volume()
        return all(each.metadata.name != volume for each in left.items)

    await until(gone, what="its volume is gone")


@pytest.mark.asyncio
async def test_a_pod_is_reached_and_reaches(
    images: dict[str, Archive], namespace: TestNamespace, cluster: Cluster
) -> None:
    """From the network of the hub, by its address, and back."""
    plane = cluster.plane
    assert plane is not None
    code = f"""
import http.server, socket
socket.create_connection(({ADDRESS!r}, 443), timeout=5).close()
http.server.test(http.server.SimpleHTTPRequestHandler, port=8888)
"""
    await namespace.create_pod(real_pod("web", images["base"].reference, "python", "-c", code))
    found = await namespace.pod_when(
        "web", lambda each: state_of(each.status)[0] == "running", what="it runs"
    )
    asked = f"import urllib.request as r; r.urlopen('http://{found.status.pod_ip}:8888', timeout=5)"

    def answers() -> bool:
        command = plane.network.command(sys.executable, "-I", "-c", asked)
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    await until(answers, what="the pod answers")


@pytest.mark.asyncio
async def test_an_image_that_runs_as_root(
    images: dict[str, Archive], namespace: TestNamespace
) -> None:
    await namespace.create_pod(real_pod("root", images[PYTHON_IMAGE].reference))

    await namespace.pod_when(
        "root",
        lambda found: state_of(found.status) == ("waiting", "CreateContainerConfigError"),
        what="kubelet does not start it",
    )


@pytest.mark.asyncio
async def test_an_image_that_is_not_there(
    images: dict[str, Archive], namespace: TestNamespace
) -> None:
    await namespace.create_pod(real_pod("missing", "registry.invalid/sandlot/none:1"))

    await namespace.pod_when(
        "missing",
        lambda found: state_of(found.status) == ("waiting", "ErrImagePull"),
        what="the image cannot be pulled",
        timeout_s=30,
    )


KILLED = """
import sys, time
from support.cluster.builder import NODE_PROGRAMS, cache_folder, programs
from support.cluster.cluster import running
from support.cluster.images import PYTHON_IMAGE, archives
from support.cluster.real_node import RealNode

made = archives(cache=cache_folder(), say=print)
kubelet = programs(NODE_PROGRAMS, cache=cache_folder(), say=print)
with running(say=print) as cluster:
    node = RealNode(plane=cluster.plane, programs=kubelet)
    node.start(made.values(), pause=made[PYTHON_IMAGE])
    print("started", cluster.plane.folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_run_leaves_is_removed_by_the_next(images: dict[str, Archive]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT / 'tools'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("started "):
                folder = Path(line.split()[1])
                break
        else:
            pytest.fail("it has ended before it was there")
        process.send_signal(signal.SIGKILL)
    network = Network(folder.name)
    assert network.members()
    assert list(TREES.glob(f"**/{folder.name}/kubepods"))

    assert folder.name in sweep(runs_folder())

    assert not network.members()
    assert not (NAMESPACES / network.name).exists()
    assert not list(TREES.glob(f"**/{folder.name}"))
    assert not folder.exists()
    assert str(folder) not in Path("/proc/mounts").read_text()
