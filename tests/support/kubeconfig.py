"""A kubeconfig that leads nowhere: KubeSpawner reads one when it is made."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TEXT = """\
apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: none, user: {}}]
"""


def unreachable_kubeconfig(folder: Path) -> Path:
    """Write the file into `folder` and return it; the environment names it in ``KUBECONFIG``."""
    path = folder / "kubeconfig"
    path.write_text(_TEXT)
    return path


@contextmanager
def kubeconfig_named(path: Path) -> Iterator[None]:
    """Name `path` in this process' ``KUBECONFIG`` while the block lasts, and no longer.

    What runs later in the process would take a variable that stays for a cluster brought by a
    developer.
    """
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["KUBECONFIG"]
        else:
            os.environ["KUBECONFIG"] = before
