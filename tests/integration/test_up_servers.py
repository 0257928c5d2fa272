"""Users' servers under `sandlot up`: whose they are, what they may use, what they cannot reach."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.hub_user import HubUser
from support.processes import below, find_below

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.stack import Stack

    People = Callable[[str], HubUser]

pytestmark = [pytest.mark.timeout(1200), pytest.mark.root]

ENVIRONMENT = {
    "HOME", "LANG", "LOGNAME", "PATH", "SHELL", "USER", "PYTHONUSERBASE",
    # Which GPUs are its own: none.
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ONEAPI_DEVICE_SELECTOR", "ROCR_VISIBLE_DEVICES",
    # Set by JupyterLab for its kernels.
    "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "JPY_PARENT_PID", "MPLBACKEND",
    "PAGER", "PYDEVD_USE_FRAME_EVAL", "TERM",
}  # fmt: skip


@pytest.fixture
def ann(people: People) -> HubUser:
    return people("ann")


@pytest.fixture
def bob(people: People) -> HubUser:
    return people("bob")


def uid_of(stack: Stack, name: str) -> int:
    return (stack.data_dir / "homes" / name).stat().st_uid


def test_a_server_runs_under_a_uid_of_its_owners_own(
    stack: Stack, ann: HubUser, bob: HubUser
) -> None:
    told = json.loads(
        ann.kernel().run(
            "import os, json; print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups()]))"
        )
    )
    uid = uid_of(stack, "ann")
    assert told == [[uid] * 3, [uid] * 3, []]
    assert uid != uid_of(stack, "bob")
    uids = {each.uid for each in below(stack.process.pid) if each.pid != stack.process.pid}
    assert 0 not in uids, "only the supervisor is root"
    assert len(uids) >= 7, "hub, proxy, offers, two parts for Dask and two users"


def test_no_privilege_can_come_back(ann: HubUser) -> None:
    status = ann.kernel().run("print(open('/proc/self/status').read())")
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert found["NoNewPrivs"] == "1"
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}


def test_the_environment_is_what_it_should_be(stack: Stack, ann: HubUser) -> None:
    names = set(json.loads(ann.kernel().run("import os, json; print(json.dumps([*os.environ]))")))
    prefixes = ("DASK_GATEWAY__", "JUPYTERHUB_", "JUPYTER_", "SANDLOT_")
    ours = {name for name in names if name.startswith(prefixes)}
    assert names - ours <= ENVIRONMENT
    assert "SANDLOT_IMAGES_DIR" in os.environ or "SANDLOT_IMAGES_DIR" not in ours
    assert "SANDLOT_EMBEDDED" not in names


def test_the_owner_finds_a_home_that_nobody_else_can_open(stack: Stack, ann: HubUser) -> None:
    home = stack.data_dir / "homes" / "ann"
    assert home.stat().st_mode & 0o777 == 0o700
    script = (
        "from pathlib import Path; Path('note').write_text('x'); print(Path.home(), Path.cwd())"
    )
    assert ann.kernel().run(script).split() == [str(home), str(home)]
    assert (home / "note").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "path",
    [
        "homes/bob",
        "homes",
        "hub",
        "hub/jupyterhub.sqlite",
        "hub/embedded.json",
        "proxy/traefik.toml",
        "proxy/rules",
        "services/offers/service.json",
        "state/accounts.sqlite",
        "logs",
        "logs/servers/ann.log",
        "run/settings.json",
        "admin-password",
        "lock",
    ],
)
def test_a_user_cannot_open(stack: Stack, ann: HubUser, bob: HubUser, path: str) -> None:
    script = f"import os; p = {str(stack.data_dir / path)!r}\nos.listdir(p) if os.path.isdir(p) else open(p)"
    assert "PermissionError" in ann.kernel().run(script)


def test_a_user_cannot_look_into_the_processes_of_others(
    stack: Stack, ann: HubUser, bob: HubUser
) -> None:
    others = [find_below(stack.process.pid, words) for words in ("jupyterhub -f", "traefik")]
    others += [
        each.pid for each in below(stack.process.pid) if each.uid in (0, uid_of(stack, "bob"))
    ]
    kernel = ann.kernel()
    for pid in others:
        for script in (f"open('/proc/{pid}/environ').read()", f"import os; os.kill({pid}, 0)"):
            assert "PermissionError" in kernel.run(script), pid


def test_a_user_cannot_ask_the_supervisor(stack: Stack, ann: HubUser) -> None:
    script = f"import socket; socket.socket(socket.AF_UNIX).connect({str(stack.data_dir / 'run/supervisor.sock')!r})"
    assert "PermissionError" in ann.kernel().run(script)


def test_a_user_cannot_change_the_environment_of_the_hub_or_the_image(ann: HubUser) -> None:
    kernel = ann.kernel()
    prefix = kernel.run("import sys; print(sys.prefix)").strip()
    assert not Path(prefix).is_relative_to(os.environ.get("VIRTUAL_ENV", "/nowhere"))
    changed = kernel.run(f"open({prefix!r} + '/lib/x', 'w')")
    assert "PermissionError" in changed or "OSError" in changed
    import sandlot_hub  # noqa: PLC0415 (only its place is wanted)

    assert "PermissionError" in kernel.run(f"open({sandlot_hub.__file__!r}, 'a')")


def test_a_user_cannot_use_the_server_of_another(stack: Stack, ann: HubUser, bob: HubUser) -> None:
    assert ann.get("user/bob/api/contents").status_code in (403, 404)
    assert ann.api("GET", "users/bob").status_code in (403, 404)


def test_cpu_is_limited_to_the_size(ann: HubUser) -> None:
    assert ann.kernel().run("import os; print(len(os.sched_getaffinity(0)))").strip() == "1"


def test_memory_is_limited_to_the_size(stack: Stack, people: People) -> None:
    people("eve")
    limit = _memory_limit(find_below_uid(stack, "eve"))
    if limit is None:
        assert not _facilities_enforce(stack), "said to be enforced, and no limit is set"
        return
    assert limit == 2 * 1024**3


def find_below_uid(stack: Stack, name: str) -> int:
    uid = uid_of(stack, name)
    return min(each.pid for each in below(stack.process.pid) if each.uid == uid)


def _memory_limit(pid: int) -> int | None:
    """Return the limit of a process's own control group, of whichever version."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if "sandlot-" in group:
            folder = "/sys/fs/cgroup" + ("/memory" if controllers == "memory" else "")
            for name in ("memory.limit_in_bytes", "memory.max"):
                file = Path(folder + group, name)
                if file.exists():
                    return int(file.read_text())
    return None


def _facilities_enforce(stack: Stack) -> bool:
    page = HubUser(stack.url, "admin")
    page.log_in(stack.admin_password)
    return "not enforced here" not in page.get("hub/spawn").text


def test_the_log_of_a_server_tells_its_start_and_is_private(stack: Stack, ann: HubUser) -> None:
    log = stack.data_dir / "logs" / "servers" / "ann.log"
    assert log.stat().st_mode & 0o077 == 0
    assert log.stat().st_uid == 0
    assert "[sandlot] start " in log.read_text()
    assert "JUPYTERHUB_API_TOKEN" not in log.read_text()
    assert stack.run("logs", "servers/ann", "-n", "3").stdout.count("\n") == 3


def test_a_stopped_server_leaves_nothing_and_keeps_the_home(stack: Stack, people: People) -> None:
    sue = people("sue")
    sue.kernel().run("open('kept', 'w').write('x'); import os; os.system('setsid sleep 1000 &')")
    uid = uid_of(stack, "sue")
    assert any(each.uid == uid for each in below(stack.process.pid))
    sue.stop()
    assert not any(each.uid == uid for each in below(stack.process.pid))
    stack.run("user", "remove", "sue", "--yes")
    assert (stack.data_dir / "homes" / "sue" / "kept").exists()


def test_a_size_with_a_gpu_is_refused_with_the_reason(stack: Stack) -> None:
    stack.wait_image("scipy")
    rex = HubUser(stack.url, "rex")
    rex.log_in(stack.add_user("rex", "--group", "research"))
    options = {"profile": "research", "image": "scipy", "size": "gpu"}
    reply = rex.api("POST", "users/rex/server", json={"user_options": options})
    assert reply.status_code == 409
    assert "GPU" in reply.json()["message"]
