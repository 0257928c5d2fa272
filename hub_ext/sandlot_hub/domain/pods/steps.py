"""Which steps of a start are behind, from the server's pod alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sandlot_hub.domain.values.names import printable

from .documents import SERVER_CONTAINER, items, part, text

if TYPE_CHECKING:
    from .documents import Document

ClusterStep = Literal["place", "image", "answer"]
"""Where a start stands: a node is found, the image is got, the server answers."""


def steps_behind(pod: Document | None) -> dict[ClusterStep, str]:
    """Return the steps that are behind, each with the sentence that says so, in their order."""
    node = "" if pod is None else text(pod, "spec", "nodeName")
    if pod is None or not node:
        return {}
    behind: dict[ClusterStep, str] = {"place": f"Place found: node {printable(node)}."}
    if any(map(_has_begun, items(pod, "status", "containerStatuses"))):
        behind["image"] = "The image is there."
    return behind


def _has_begun(container: Document) -> bool:
    # One that has ended had begun; between two starts only its last state tells.
    return container.get("name") == SERVER_CONTAINER and bool(
        part(container, "state", "running")
        or part(container, "state", "terminated")
        or part(container, "lastState", "terminated")
    )
