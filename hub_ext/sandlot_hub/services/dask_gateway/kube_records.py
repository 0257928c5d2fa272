"""A cluster of pods in the words of dask-gateway's database, which the routes speak."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dask_gateway_server import models  # type: ignore[import-untyped]
from dask_gateway_server.backends.db_base import JobStatus  # type: ignore[import-untyped]
from dask_gateway_server.backends.kubernetes.utils import (  # type: ignore[import-untyped]
    parse_k8s_timestamp,
)
from dask_gateway_server.utils import Flag  # type: ignore[import-untyped]

from sandlot_hub.domain.dask.names import (
    API_PORT,
    COMPONENT,
    DASHBOARD_PORT,
    SCHEDULER_PORT,
    WORKER,
    host_in_url,
)
from sandlot_hub.domain.pods.documents import part, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandlot_hub.domain.pods.documents import Document

_PHASES = {"Running": JobStatus.RUNNING, "Stopped": JobStatus.STOPPED, "Failed": JobStatus.FAILED}
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(slots=True, kw_only=True)
class PodWorker:
    """A worker, as far as it is counted."""

    name: str
    status: JobStatus
    target: JobStatus
    close_expected: bool


@dataclass(slots=True, kw_only=True, eq=False)
class PodCluster:
    """One cluster. It stays the same object while what is known of it changes."""

    name: str
    username: str
    options: dict[str, str]
    config: dict[str, Any]
    token: str
    tls_cert: bytes
    tls_key: bytes
    start_time: int
    """Milliseconds since 1970."""
    count: int = 0
    """Workers that are wanted."""
    written: dict[str, object] = field(default_factory=dict)
    """What of its record was written last, or seen there."""
    version: int = 0
    """Of the record that was written last."""
    is_writing: bool = False
    status: JobStatus = JobStatus.SUBMITTED
    target: JobStatus = JobStatus.RUNNING
    stop_time: int | None = None
    state: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    """Of the scheduler's pod."""
    pods: dict[str, Document] = field(default_factory=dict)
    active: frozenset[str] = frozenset()
    """Workers that the scheduler says it has."""
    closing: frozenset[str] = frozenset()
    worked: int = 0
    """How many workers have ever worked."""
    shortage: str = ""
    """Why it gets fewer workers than its scheduler asks for."""
    idle: bool = False
    """Whether its scheduler has asked for its end."""
    ready: Flag = field(default_factory=Flag)

    def take(self, record: Document) -> None:
        """Take over what its record says."""
        spec, status = part(record, "spec"), part(record, "status")
        # With a code it has failed, though its workers take their time to end.
        active = spec.get("active", True) is True and not status.get("code")
        phase = text(status, "phase")
        self.status = _PHASES.get(phase, JobStatus.SUBMITTED)
        self.target = (
            JobStatus.RUNNING if active and self.status < JobStatus.STOPPED else (JobStatus.STOPPED)
        )
        # What comes back may be older than what was written meanwhile: taken over, it would
        # leave room for others' workers that there is not.
        if not self.is_writing and _version(record) >= self.version:
            self.count = int(spec.get("replicas", 0))
            self.worked = max(self.worked, int(spec.get("worked", 0)))
            self.written = {"replicas": self.count, "worked": int(spec.get("worked", 0))}
        self.address = text(status, "address")
        told = ("code", "reason", "next", "detail", "log", "worker")
        self.state = {name: status[name] for name in told if status.get(name)}
        self.note_shortage(self.shortage)
        adaptive = part(spec, "adaptive")
        if adaptive:
            bounds = {name: adaptive.get(name) for name in ("minimum", "maximum")}
            self.state["adaptive"] = bounds
        ended = text(status, "completionTime")
        self.stop_time = parse_k8s_timestamp(ended) if ended else None

    def note_shortage(self, why: str) -> None:
        """Keep why it gets fewer workers than its scheduler asks for; empty: it gets them."""
        self.shortage = self.state["shortage"] = why

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Take over no number of workers while one is being written."""
        self.is_writing = True
        try:
            yield
        finally:
            self.is_writing = False

    def wrote(self, record: Document) -> None:
        """Take note of what was written."""
        spec = part(record, "spec")
        self.version = _version(record)
        self.written = {name: spec.get(name, 0) for name in ("replicas", "worked")}

    @property
    def model_status(self) -> Any:
        """The status as people's code knows it."""
        if self.status >= JobStatus.STOPPED:
            return models.ClusterStatus[self.status.name]
        if self.target > JobStatus.RUNNING:
            return models.ClusterStatus.STOPPING
        running = self.status == JobStatus.RUNNING
        return models.ClusterStatus.RUNNING if running else models.ClusterStatus.PENDING

    @property
    def workers(self) -> dict[str, PodWorker]:
        """The workers that there are, by name."""
        return {each.name: each for each in self._workers()}

    def _workers(self) -> Iterable[PodWorker]:
        for name, pod in self.pods.items():
            if text(pod, "metadata", "labels", COMPONENT) != WORKER:
                continue
            over = text(pod, "status", "phase") in _OVER
            ends = bool(text(pod, "metadata", "deletionTimestamp"))
            works = name in self.active and text(pod, "status", "phase") == "Running"
            status = JobStatus.RUNNING if works else JobStatus.SUBMITTED
            yield PodWorker(
                name=name,
                # A pod that is over holds nothing any more, and one that ends does.
                status=JobStatus.STOPPED if over else status,
                target=JobStatus.STOPPED if ends else JobStatus.RUNNING,
                close_expected=name in self.closing,
            )

    @property
    def scheduler_address(self) -> str:
        """Where its scheduler is."""
        return self._at("tls", SCHEDULER_PORT)

    @property
    def dashboard_address(self) -> str:
        """Where its dashboard is."""
        return self._at("http", DASHBOARD_PORT)

    @property
    def api_address(self) -> str:
        """Where its scheduler takes orders."""
        return self._at("http", API_PORT)

    def _at(self, scheme: str, port: int) -> str:
        return f"{scheme}://{host_in_url(self.address)}:{port}" if self.address else ""

    def to_model(self) -> Any:
        """Return it as dask-gateway's client is told of it."""
        return models.Cluster(
            name=self.name,
            username=self.username,
            token=self.token,
            options=self.options,
            config=self.config,
            status=self.model_status,
            scheduler_address=self.scheduler_address,
            dashboard_address=self.dashboard_address,
            api_address=self.api_address,
            tls_cert=self.tls_cert,
            tls_key=self.tls_key,
            start_time=self.start_time,
            stop_time=self.stop_time,
        )


def _version(record: Document) -> int:
    # Of one kind of object, versions are numbers that grow.
    return int(text(record, "metadata", "resourceVersion") or "0")
