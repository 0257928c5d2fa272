from __future__ import annotations

from pathlib import Path

import pytest

from sandlot_hub.domain.capacity.machine_gpus import MachineGpu
from sandlot_hub.local.refusals import RefusedRequestError
from sandlot_hub.local.server_environment import check_given, server_environment


def test_the_whole_environment() -> None:
    assert server_environment(
        user="ann",
        home=Path("/homes/ann"),
        image=Path("/images/base"),
        given={"JUPYTERHUB_USER": "ann"},
    ) == {
        "JUPYTERHUB_USER": "ann",
        "HOME": "/homes/ann",
        "USER": "ann",
        "LOGNAME": "ann",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": "/images/base/bin:/homes/ann/.local/bin:/usr/local/bin:/usr/bin:/bin",
        "CUDA_VISIBLE_DEVICES": "",
        "ROCR_VISIBLE_DEVICES": "",
        "HIP_VISIBLE_DEVICES": "-1",
        "ONEAPI_DEVICE_SELECTOR": "!*:gpu",
    }


def test_what_is_given_hides_no_gpu_and_shows_none() -> None:
    given = {"CUDA_VISIBLE_DEVICES": "all", "JUPYTER_X": "1"}
    gpus = (MachineGpu(id="GPU-1", vendor="nvidia", handle="GPU-1", product="NVIDIA L4"),)
    environment = server_environment(
        user="ann", home=Path("/homes/ann"), image=Path("/images/base"), given=given, gpus=gpus
    )
    assert environment["CUDA_VISIBLE_DEVICES"] == "GPU-1"
    assert environment["JUPYTER_X"] == "1"


@pytest.mark.parametrize(
    "name", ["JUPYTERHUB_API_TOKEN", "JUPYTER_X", "SANDLOT_SESSION", "DASK_GATEWAY__ADDRESS"]
)
def test_what_may_be_given(name: str) -> None:
    check_given({name: "äöü\n"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("LD_PRELOAD", "x", id="loader"),
        pytest.param("PATH", "x", id="path"),
        pytest.param("DASK_CONFIG", "/evil", id="other options of dask"),
        pytest.param("jupyterhub_x", "x", id="case"),
        pytest.param("XJUPYTER_X", "x", id="prefix-inside"),
        pytest.param("JUPYTER_X=Y", "x", id="equals"),
        pytest.param("JUPYTER_X\nLD_PRELOAD", "x", id="newline"),
        pytest.param("JUPYTER_\u00e9", "x", id="letters-of-elsewhere"),
        pytest.param("", "x", id="empty"),
        pytest.param("JUPYTER_X", "a\0b", id="nul"),
        pytest.param("JUPYTER_X", "x" * 70_000, id="too-long"),
    ],
)
def test_what_may_not_be_given(name: str, value: str) -> None:
    with pytest.raises(RefusedRequestError) as caught:
        check_given({name: value})
    assert caught.value.problem.code == "environment"
    assert value[:40] not in str(caught.value) or value == "x"


def test_too_many_are_refused() -> None:
    with pytest.raises(RefusedRequestError, match="201 variables"):
        check_given({f"JUPYTER_{number}": "" for number in range(201)})
