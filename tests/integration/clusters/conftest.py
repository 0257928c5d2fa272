"""One stack with Dask clusters and two people, for the tests of this folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.dask_user import DaskUser
from support.hub_user import HubUser
from support.stack import Launch, Stack, open_folder, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Change = Callable[[str, str], None]

SETTINGS = """\
version: 1
images:
  base: {display_name: JupyterLab, local: base}
  private: {display_name: Private, local: base, allow: {groups: [secret]}}
sizes:
  small: {display_name: Small, cpus: 1, memory: 2 GiB}
  tiny: {display_name: Tiny, cpus: 1, memory: 1 GiB}
profiles:
  everyday: {display_name: Everyday work, images: [base, private], sizes: [small, tiny]}
dask:
  enabled: true
  sizes: [tiny]
  idle_timeout: 10 min
  limits: {clusters: 3, workers: 3}
"""
CONFIG = """\
from sandlot_hub import install
c = get_config()
install(c, {path!r})
"""


class DaskStack:
    """The stack, and where things of its gateway are.

    Parameters
    ----------
    stack
        It runs.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        ports = json.loads((stack.data_dir / "state" / "ports.json").read_text())
        self.ports: dict[str, int] = ports
        self.door = f"http://127.0.0.1:{ports['dask_routes']}/api/v1"
        """Where schedulers reach the gateway."""

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        return self.stack.process.pid

    def uid_of(self, name: str) -> int:
        """Return the uid of a user's processes."""
        return (self.stack.data_dir / "homes" / name).stat().st_uid


def _person(stack: Stack, name: str) -> DaskUser:
    user = HubUser(stack.url, name)
    user.log_in(stack.add_user(name))
    user.start()
    return DaskUser(user)


@pytest.fixture(scope="package")
def dask() -> Iterator[DaskStack]:
    with open_folder() as folder:
        settings, config = folder / "settings.yaml", folder / "hub.py"
        settings.write_text(SETTINGS)
        config.write_text(CONFIG.format(path=str(settings)))
        settings.chmod(0o644)
        config.chmod(0o644)
        with running(Launch(config=config), data_dir=folder / "data") as started:
            started.wait_image("base")
            yield DaskStack(started)


@pytest.fixture
def change_settings(dask: DaskStack) -> Iterator[Change]:
    """Replace words of the settings; they are as before after the test."""
    settings = dask.stack.data_dir.parent / "settings.yaml"

    def change(old: str, new: str) -> None:
        settings.write_text(SETTINGS.replace(old, new))
        dask.stack.run("restart", "hub")

    yield change
    settings.write_text(SETTINGS)
    dask.stack.run("restart", "hub")


@pytest.fixture(scope="package")
def known_ann(dask: DaskStack) -> DaskUser:
    return _person(dask.stack, "ann")


@pytest.fixture(scope="package")
def bob(dask: DaskStack) -> DaskUser:
    return _person(dask.stack, "bob")


@pytest.fixture
def ann(known_ann: DaskUser) -> Iterator[DaskUser]:
    """Somebody whose clusters end with the test."""
    yield known_ann
    known_ann.stop_all()


@pytest.fixture
def newcomer(dask: DaskStack) -> Iterator[DaskUser]:
    """Somebody of whom the gateway has never heard: what has failed stays in a list for a while."""
    person = _person(dask.stack, "cleo")
    yield person
    person.stop_all()
