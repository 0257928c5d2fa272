from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.datadir import DataDirectory
from sandlot_hub.local.health import Health
from sandlot_hub.local.layout import Identities
from sandlot_hub.local.processes import Identity
from sandlot_hub.local.proxy import ProxyMissingError, ProxyPlan, find_traefik

if TYPE_CHECKING:
    from pathlib import Path

ME = Identity(uid=os.geteuid(), gid=os.getegid())
WHO = Identities(hub=ME, proxy=ME, services={}, dask_proxy=ME, images=ME, stack_gid=ME.gid)


def plan(folder: Path, *, behind_tls: bool = False, port_held: bool = False) -> ProxyPlan:
    directory = DataDirectory(folder)
    directory.rules.mkdir(parents=True)
    return ProxyPlan(
        directory=directory,
        who=WHO,
        health=Health(own_uids=False),
        public_port=8000,
        api_port=8001,
        base_url="/",
        behind_tls=behind_tls,
        port_held=port_held,
    )


def written(made: ProxyPlan) -> dict[str, object]:
    made.write_files()
    return tomllib.loads((made.directory.proxy / "traefik.toml").read_text())


def test_only_loopback_is_listened_on(tmp_path: Path) -> None:
    found = written(plan(tmp_path))
    points = found["entryPoints"]
    assert isinstance(points, dict)
    assert {each["address"] for each in points.values()} == {"127.0.0.1:8000", "127.0.0.1:8001"}


@pytest.mark.parametrize(
    ("behind_tls", "trusted"), [(False, []), (True, ["127.0.0.1/32"])], ids=["plain", "behind-tls"]
)
def test_forwarded_headers_are_believed_from_a_reverse_proxy_only(
    tmp_path: Path, *, behind_tls: bool, trusted: list[str]
) -> None:
    found = written(plan(tmp_path, behind_tls=behind_tls))
    assert found["entryPoints"]["http"]["forwardedHeaders"]["trustedIPs"] == trusted  # type: ignore[index]


def test_any_folder_name_survives(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" \\ name'
    made = plan(folder)
    found = written(made)
    assert found["providers"]["file"]["filename"] == str(made.directory.rules_file)  # type: ignore[index]


def test_routes_of_an_earlier_run_are_gone(tmp_path: Path) -> None:
    made = plan(tmp_path)
    made.directory.rules_file.write_text('[http.routers.old]\nrule = "PathPrefix(`/`)"\n')
    made.write_files()
    assert tomllib.loads(made.directory.rules_file.read_text()) == {}
    assert made.directory.rules_file.stat().st_mode & 0o777 == 0o640


def test_the_proxy_gets_no_environment(tmp_path: Path) -> None:
    command = plan(tmp_path).command()
    assert set(command.environment) == {"LANG", "PATH"}
    assert command.argv[0] == str(find_traefik())


def test_a_missing_proxy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProxyMissingError, match=r"sandlot\[local\]"):
        find_traefik()


@pytest.mark.parametrize("port_held", [True, False], ids=["held", "not-held"])
def test_ports_are_shared_only_with_a_supervisor_that_holds_them(
    tmp_path: Path, *, port_held: bool
) -> None:
    points = written(plan(tmp_path, port_held=port_held))["entryPoints"]
    assert isinstance(points, dict)
    assert {each["reusePort"] for each in points.values()} == {port_held}
