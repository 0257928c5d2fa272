from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    *("pydantic", "sandlot_contracts", "psutil", "yaml", "aiohttp"),
    *("dask", "dask_gateway", "distributed"),
)


def imported_by(module: str, *, before: str) -> set[str]:
    """Return the top-level packages that importing `module` adds to `before`."""
    script = (
        f"import sys, {before}\nknown = set(sys.modules)\nimport {module}\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - known})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "before"),
    [
        pytest.param("sandlot_server.app", "jupyter_server.serverapp", id="the start of a server"),
        pytest.param("sandlot_server.commands.doctor", "argparse", id="asking for arguments"),
    ],
)
def test_importing_brings_nothing_heavy(module: str, before: str) -> None:
    added = imported_by(module, before=before)

    assert "sandlot_server" in added
    assert not added.intersection(HEAVY)
