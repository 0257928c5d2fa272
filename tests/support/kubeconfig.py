"""A kubeconfig that leads nowhere: KubeSpawner reads one when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
