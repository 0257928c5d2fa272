"""The steps of a start in a cluster, as people see them: each is told once, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .progress import KnownStep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.pods.steps import ClusterStep

    from .progress import StartStory

CLUSTER_STEPS = (
    KnownStep("allowed", "Checking what you may start"),
    KnownStep("place", "Waiting for a place"),
    KnownStep("image", "Getting the image"),
    KnownStep("answer", "Starting JupyterLab"),
)
"""All steps, in their order."""

_OPENINGS: dict[ClusterStep, str] = {
    "place": "Waiting for a place…",
    "image": "Getting the image…",
    "answer": "Starting JupyterLab…",
}


class StartSteps:
    """Tells the steps of one start.

    Parameters
    ----------
    story
        Is told.
    """

    def __init__(self, story: StartStory) -> None:
        self._story = story
        self._later = iter(_OPENINGS)
        self._present = next(self._later)

    def begin(self) -> None:
        """Tell that the present step has begun."""
        self._story.tell(self._present, _OPENINGS[self._present])

    def show(self, behind: Mapping[ClusterStep, str]) -> None:
        """Tell which steps are behind that were not before, and which one that begins.

        A failure is shown at the step that was told last, so the next one begins at once.

        Parameters
        ----------
        behind
            See `pod_steps.steps_behind`.
        """
        before = self._present
        while self._present in behind:
            self._story.tell(self._present, behind[self._present], done=True)
            self._present = next(self._later)
        if self._present != before:
            self.begin()

    def wait(self, sentence: str) -> None:
        """Tell what the present step waits for."""
        self._story.tell(self._present, sentence)
