from __future__ import annotations

import dataclasses

from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.profiles import resolve
from sandlot_hub.spawner.session import allowed_environment, session_size
from support.catalogue import EVERYTHING_HERE, GIB, catalogue, person


def _plan(profile: str) -> Plan:
    decided = resolve(
        {"profile": profile},
        entitlements=person(),
        settings=catalogue(),
        facilities=EVERYTHING_HERE,
    )
    assert isinstance(decided, Plan)
    return decided


def test_size_says_what_is_a_limit_here() -> None:
    facilities = dataclasses.replace(EVERYTHING_HERE, memory_enforced=False)
    size = session_size(_plan("cpu"), facilities)
    assert (size.slug, size.cpus, size.memory_bytes) == ("small", 1.0, 2 * GIB)
    assert (size.cpu_enforced, size.memory_enforced) == (True, False)
    assert size.accelerator is None


def test_size_names_its_accelerator() -> None:
    accelerator = session_size(_plan("gpu"), EVERYTHING_HERE).accelerator
    assert accelerator is not None
    assert (accelerator.flavor, accelerator.display_name, accelerator.count) == (
        "l4",
        "NVIDIA L4",
        2,
    )


def test_environment_is_an_allow_list() -> None:
    given = {
        "JUPYTERHUB_USER": "ann",
        "JUPYTER_PATH": "/x",
        "SANDLOT_SESSION": "{}",
        "DASK_GATEWAY__ADDRESS": "http://x",
        "DASK_CONFIG": "/evil",
        "LD_PRELOAD": "/evil.so",
        "PYTHONPATH": "/evil",
        "XJUPYTERHUB_A": "1",
        "JPY_API_TOKEN": "secret",
    }
    taken, left_out = allowed_environment(given)
    assert set(taken) == {
        "JUPYTERHUB_USER",
        "JUPYTER_PATH",
        "SANDLOT_SESSION",
        "DASK_GATEWAY__ADDRESS",
    }
    assert set(left_out) == {
        "DASK_CONFIG",
        "LD_PRELOAD",
        "PYTHONPATH",
        "XJUPYTERHUB_A",
        "JPY_API_TOKEN",
    }
