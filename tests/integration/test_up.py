"""`sandlot up` on an empty data directory, and every way in which it refuses to start."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sqlite3
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from sandlot_contracts.exits import ExitCode
from support.hub_user import HubUser
from support.processes import below, wait_ended
from support.stack import AS_ROOT, CONFIG, open_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.stack import Stack

    Start = Callable[..., Stack]

pytestmark = pytest.mark.timeout(300)

GROUP_READABLE = 0o077


def test_status_tells_what_runs(stack: Stack) -> None:
    status = stack.status()
    assert status.url == stack.url
    assert status.pid == stack.process.pid
    assert status.admin == "admin"
    parts = ("dask-gateway", "dask-proxy", "hub", "offers", "proxy")
    assert status.services == dict.fromkeys(parts, "running")
    assert set(status.images) == {"base", "scipy"}
    assert status.isolation == ("own-uid" if AS_ROOT else "shared-uid")
    assert stack.admin_password not in stack.run("status", "--json").stdout


def test_the_printed_password_is_the_administrators(stack: Stack) -> None:
    assert f"Log in as admin with the password {stack.admin_password}" in stack.output
    admin = HubUser(stack.url, "admin")
    assert admin.log_in(stack.admin_password).status_code == 200
    assert admin.model()["admin"] is True


def test_a_wrong_password_is_refused(stack: Stack) -> None:
    reply = HubUser(stack.url, "admin").log_in("not the password")
    assert reply.status_code == 403
    assert "Traceback" not in reply.text


def test_only_loopback_is_listened_on(stack: Stack) -> None:
    told = json.loads((stack.data_dir / "run" / "supervisor.json").read_text())
    ports = {f"{port:04X}" for port in told["ports"].values()}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [fields[1].split(":") for fields in lines if fields[3] == "0A"]
    assert {address for address, port in listening if port in ports} == {"0100007F"}
    assert ports <= {port for _, port in listening}
    assert not ports & {
        line.split()[1].split(":")[1] for line in _tcp6() if line.split()[3] == "0A"
    }


def test_secrets_and_logs_are_private(stack: Stack) -> None:
    private = [stack.data_dir / "admin-password", *stack.data_dir.rglob("*.log")]
    private += [stack.data_dir / "hub" / "embedded.json", stack.data_dir / "state" / "secrets.json"]
    private += [stack.data_dir / "services" / "offers" / "service.json"]
    open_ones = [str(path) for path in private if path.stat().st_mode & GROUP_READABLE]
    assert open_ones == []


def test_no_secret_is_in_arguments_environments_or_logs(stack: Stack) -> None:
    kept = json.loads((stack.data_dir / "state" / "secrets.json").read_text())
    secrets = [kept["account_secret"], kept["proxy_password"], kept["operator_token"]]
    secrets += [*kept["service_tokens"].values(), stack.admin_password]
    seen = b"".join(path.read_bytes() for path in stack.data_dir.rglob("*.log"))
    for each in below(stack.process.pid):
        for name in ("cmdline", "environ"):
            path = f"/proc/{each.pid}/{name}"
            # A guard is closed to its own user, so that only root can look there.
            with contextlib.suppress(PermissionError), open(path, "rb") as file:  # noqa: PTH123 (not a path of ours)
                seen += file.read()
    assert [secret for secret in secrets if secret.encode() in seen] == []


def test_a_second_up_says_where_the_first_one_is(stack: Stack, start: Start) -> None:
    second = start(stack.data_dir)
    assert second.wait() == ExitCode.ALREADY_RUNNING
    assert str(stack.process.pid) in second.output
    assert stack.url in second.output
    assert stack.status().services["hub"] == "running"


def test_down_ends_everything_and_the_next_start_goes_on(start: Start) -> None:
    first = start().wait_ready()
    everything = below(first.process.pid)
    password = first.add_user("ann")
    done = first.run("down")
    assert done.returncode == ExitCode.OK
    assert first.wait() == ExitCode.OK
    wait_ended(everything)
    assert first.run("status", check=False).returncode == ExitCode.NOT_RUNNING
    assert first.run("down", check=False).returncode == ExitCode.NOT_RUNNING

    again = start(first.data_dir, arguments=("--port", _port_of(first.url))).wait_ready()
    assert again.url == first.url
    assert again.admin_password == first.admin_password
    assert again.admin_password not in again.output
    assert HubUser(again.url, "ann").log_in(password).status_code == 200
    assert list((again.data_dir / "hub" / "backups").glob("*.sqlite"))


def test_ctrl_c_while_it_starts_leaves_nothing(start: Start) -> None:
    begun = start()
    begun.wait_for("Starting hub and services")
    everything = below(begun.process.pid)
    begun.process.send_signal(signal.SIGINT)
    assert begun.wait() == ExitCode.OK
    wait_ended(everything)


def test_a_base_url_holds_for_hub_services_and_status(start: Start) -> None:
    based = start(arguments=("--base-url", "/lab-hub")).wait_ready()
    assert based.url.endswith("/lab-hub/")
    assert based.status().url == based.url
    admin = HubUser(based.url, "admin")
    assert admin.log_in(based.admin_password).url.startswith(f"{based.url}hub/")
    reply = requests.get(f"{based.url}services/offers/health", timeout=10)
    assert reply.json()["settings_hash"] == based.status().settings_hash


def test_wrong_new_settings_keep_the_running_hub(start: Start) -> None:
    with open_folder() as folder:
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        settings.chmod(0o644)
        begun = start(settings=settings).wait_ready()
        before = begun.status()

        settings.write_text(SETTINGS.replace("memory: 1 GiB", "memory: 1 GiBi"))
        refused = begun.run("restart", "hub", check=False)
        assert refused.returncode == ExitCode.SETTINGS
        assert "sizes.small.memory" in refused.stderr
        assert begun.status() == before

        settings.write_text(SETTINGS.replace("memory: 1 GiB", "memory: 2 GiB"))
        begun.run("restart", "hub")
        after = begun.status()
        assert after.settings_hash != before.settings_hash
        reply = requests.get(f"{begun.url}services/offers/health", timeout=10)
        assert reply.json()["settings_hash"] == after.settings_hash


def test_an_unknown_part_is_named(stack: Stack) -> None:
    refused = stack.run("restart", "kettle", check=False)
    assert refused.returncode == ExitCode.USAGE
    assert "hub, offers, proxy" in refused.stderr


SETTINGS = textwrap.dedent(
    """\
    version: 1
    images:
      base: {display_name: Base, local: base}
    sizes:
      small: {display_name: Small, cpus: 1, memory: 1 GiB}
    profiles:
      all: {display_name: All, images: [base], sizes: [small]}
    """
)
TWO_DEFAULTS = SETTINGS.replace("[small]}", "[small], default: true}") + (
    "  more: {display_name: More, images: [base], sizes: [small], default: true}\n"
)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        pytest.param("version: [1", "line", id="no-yaml"),
        pytest.param(SETTINGS + "colour: red\n", "colour", id="unknown-key"),
        pytest.param(SETTINGS.replace("1 GiB", "1 Gibi"), "sizes.small.memory", id="unit-typo"),
        pytest.param(SETTINGS.replace("[small]", "[smal]"), "smal", id="unknown-size"),
        pytest.param(TWO_DEFAULTS, "profiles.more.default", id="two-defaults"),
    ],
)
def test_broken_settings_are_told_by_name(start: Start, broken: str, named: str) -> None:
    with open_folder() as folder:
        settings = folder / "settings.yaml"
        settings.write_text(broken)
        settings.chmod(0o644)
        refused = start(settings=settings)
        assert refused.wait() == ExitCode.SETTINGS
        assert named in refused.output
        assert str(settings) in refused.output
        assert "Traceback" not in refused.output


def test_the_password_is_printed_by_the_first_start_that_gets_ready(start: Start) -> None:
    with open_folder() as folder:
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS.replace("1 GiB", "1 Gibi"))
        settings.chmod(0o644)
        refused = start(folder / "data", settings=settings)
        assert refused.wait() == ExitCode.SETTINGS

        settings.write_text(SETTINGS)
        first = start(folder / "data", settings=settings).wait_ready()
        first.wait_for(f"Log in as admin with the password {first.admin_password}")
        assert first.stop() == ExitCode.OK

        again = start(folder / "data", settings=settings).wait_ready()
        again.wait_for("Log in as admin; the password is in")
        assert again.stop() == ExitCode.OK
        assert again.admin_password not in again.output


def test_broken_files_of_the_supervisor_are_told(start: Start) -> None:
    with open_folder() as folder:
        data = folder / "data"
        (data / "state").mkdir(parents=True, mode=0o700)
        (data / "version.json").write_text('{"format": 1}')
        for name in ("secrets.json", "ports.json", "accounts.sqlite"):
            path = data / "state" / name
            path.write_text('{"secret": "hunter2"}' * 9)
            path.chmod(0o600)
            refused = start(data)
            assert refused.wait() == ExitCode.DATA_DIRECTORY
            assert str(path) in refused.output
            assert "Traceback" not in refused.output
            assert "hunter2" not in refused.output
            path.unlink()


def test_a_missing_file_is_told_before_anything_is_made(start: Start, tmp_path: Path) -> None:
    refused = start(config=tmp_path / "nothing.py")
    assert refused.wait() == ExitCode.SETTINGS
    assert "nothing.py" in refused.output
    assert not refused.data_dir.exists()


def test_a_port_in_use_is_told(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = start(arguments=("--port", port))
        assert refused.wait() == ExitCode.PORT_IN_USE
        assert port in refused.output
        assert "--port" in refused.output


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("version.json", '{"format": 99}', id="newer-format"),
        pytest.param("version.json", "{", id="not-ours"),
        pytest.param("thesis.tex", "\\begin", id="something-else"),
    ],
)
def test_a_foreign_directory_is_left_alone(start: Start, name: str, text: str) -> None:
    with open_folder() as folder:
        (folder / name).write_text(text)
        refused = start(folder)
        assert refused.wait() == ExitCode.DATA_DIRECTORY
        assert str(folder) in refused.output
        assert [path.name for path in folder.iterdir()] == [name]


def test_an_unwritable_place_is_told(start: Start) -> None:
    with open_folder() as folder:
        (folder / "file").write_text("")
        refused = start(folder / "file" / "data")
        assert refused.wait() == ExitCode.DATA_DIRECTORY
        assert "--data-dir" in refused.output


@pytest.mark.root
def test_a_closed_folder_is_named_before_anything_is_made(start: Start) -> None:
    with open_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        refused = start(closed / "data")
        assert refused.wait() == ExitCode.UNREACHABLE_PATH
        assert f"chmod o+x {closed}" in refused.output
        assert list(closed.iterdir()) == []


def test_the_database_is_brought_to_this_hubs_version_or_refused(start: Start) -> None:
    first = start().wait_ready()
    assert first.stop() == ExitCode.OK
    # As the revision before the newest one left it.
    column = "ALTER TABLE spawners DROP COLUMN display_name"
    _change_database(
        first.data_dir, "UPDATE alembic_version SET version_num = 'ff1860e38070'", column
    )
    again = start(first.data_dir).wait_ready()
    assert "Upgraded the hub's database" in again.output
    assert again.stop() == ExitCode.OK

    _change_database(first.data_dir, "UPDATE alembic_version SET version_num = 'ffffffffffff'")
    refused = start(first.data_dir)
    assert refused.wait() == ExitCode.DATA_DIRECTORY
    assert "newer JupyterHub" in refused.output


def _change_database(data_dir: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(data_dir / "hub" / "jupyterhub.sqlite")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_the_hub_is_given_up_when_it_cannot_start(start: Start) -> None:
    with open_folder() as folder:
        config = folder / "jupyterhub_config.py"
        config.write_text(
            f"{CONFIG.read_text()}\nimport os; 'SANDLOT_EMBEDDED' in os.environ and 1/0\n"
        )
        config.chmod(0o644)
        (folder / "settings.yaml").write_text(SETTINGS)
        (folder / "settings.yaml").chmod(0o644)
        refused = start(config=config)
        assert refused.wait(120) == ExitCode.FAILURE
        assert "ZeroDivisionError" in refused.output


def _tcp6() -> list[str]:
    table = Path("/proc/net/tcp6")
    return table.read_text().splitlines()[1:] if table.exists() else []


def _port_of(url: str) -> str:
    return url.split("/")[2].rpartition(":")[2]
