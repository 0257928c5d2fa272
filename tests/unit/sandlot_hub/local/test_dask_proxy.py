from __future__ import annotations

import importlib.machinery
import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.local.dask_proxy import DaskProxyMissingError, DaskProxyPlan, find_dask_proxy
from sandlot_hub.local.health import Health
from sandlot_hub.local.processes import Identity

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command_tells_no_secret() -> None:
    plan = DaskProxyPlan(
        port=4004,
        routes_port=4003,
        token="secret-token",
        identity=Identity(uid=7, gid=7),
        health=Health(own_uids=False),
    )
    made = plan.command()

    assert made.argv[1:5] == ("-address", "127.0.0.1:4004", "-tcp-address", "127.0.0.1:4004")
    assert "http://127.0.0.1:4003/api/v1/routes" in made.argv
    assert "secret-token" not in " ".join(made.argv)
    assert "secret-token" not in repr((plan, made))
    assert made.environment["DASK_GATEWAY_PROXY_TOKEN"] == "secret-token"


def test_the_program_is_there_and_can_be_run() -> None:
    assert os.access(find_dask_proxy(), os.X_OK)


@pytest.mark.parametrize("what", ["package", "program"])
def test_what_is_missing_is_named(tmp_path: Path, what: str) -> None:
    there = importlib.machinery.ModuleSpec("dask_gateway_server", None)
    there.origin = str(tmp_path / "__init__.py")

    with pytest.raises(DaskProxyMissingError, match=r"sandlot\[local\]"):
        find_dask_proxy(lambda _: None if what == "package" else there)
