"""What a scheduler says of its cluster: read exactly, and believed as little as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, StringConstraints

from sandlot_contracts.base import StrictWireModel
from sandlot_hub.domain.dask.admission import MAXIMUM_WORKERS

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORT = "[1-9][0-9]{0,4}"
# Loopback only: the gateway, its proxy and workers go where these lead.
_Http = Annotated[str, StringConstraints(pattern=rf"^http://127\.0\.0\.1:{_PORT}$")]
_Name = Annotated[str, StringConstraints(max_length=200)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=MAXIMUM_WORKERS)]


class Heartbeat(StrictWireModel):
    """The message of dask-gateway's scheduler plug-in."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=False)

    scheduler_address: Annotated[str, StringConstraints(pattern=rf"^tls://127\.0\.0\.1:{_PORT}$")]
    dashboard_address: _Http | Annotated[str, StringConstraints(max_length=0)]
    api_address: _Http
    count: Annotated[int, Field(ge=0, strict=True)]
    active_workers: _Names
    closing_workers: _Names
    closed_workers: _Names

    def about(self, workers: Mapping[str, bool], *, count: int) -> dict[str, str | int | list[str]]:
        """Return the message for dask-gateway, about workers that there are.

        Parameters
        ----------
        workers
            The cluster's, by name, with whether each ran when the scheduler last spoke of it.
        count
            How many workers the cluster gets.
        """
        active, closing = (
            _known(self.active_workers, workers),
            _known(self.closing_workers, workers),
        )
        closed = _known(self.closed_workers, workers) - active - closing
        # A worker that ran and is not spoken of any more is one that has gone.
        gone = {name for name, ran in workers.items() if ran} - active - closing
        return {
            "scheduler_address": self.scheduler_address,
            "dashboard_address": self.dashboard_address,
            "api_address": self.api_address,
            "count": count,
            "active_workers": sorted(active),
            "closing_workers": sorted(closing),
            "closed_workers": sorted(closed | gone),
        }


class PodHeartbeat(StrictWireModel):
    """The same from a scheduler in a pod. Where it listens is known of its pod, and not believed."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=False)

    count: Annotated[int, Field(ge=0, strict=True)]
    active_workers: _Names
    closing_workers: _Names


def _known(names: tuple[str, ...], workers: Mapping[str, bool]) -> set[str]:
    return {name for name in names if name in workers}
