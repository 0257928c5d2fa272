"""The unix socket of the embedded supervisor: HTTP with JSON bodies.

| request | caller | body | reply |
|---|---|---|---|
| ``GET /v1/status`` | operator | | `StackStatus` |
| ``POST /v1/parts/{name}/restart`` | operator | | `StackStatus` |
| ``POST /v1/stop`` | operator | | 202 |
| ``GET /v1/facilities?after=V&wait=S`` | hub, services, operator | | `LocalFacilities`; waits up to S seconds while its version is V |
| ``PUT /v1/servers`` | hub | `StartServer` | `ServerState` |
| ``GET /v1/servers/{spawn_id}?wait=S`` | hub | | `ServerState`, 404; waits up to S seconds while ``starting`` |
| ``DELETE /v1/servers/{spawn_id}?now=0|1`` | hub | | `ServerState`, 404 |
| ``GET /v1/servers/{spawn_id}/log`` | hub | | `LogTail` |
| ``PUT /v1/dask`` | gateway | `StartDask` | `DaskState` |
| ``GET /v1/dask?after=V&wait=S`` | gateway | | `DaskStates`; waits up to S seconds while its version is V |
| ``DELETE /v1/dask/{process_id}?now=0|1`` | gateway | | `DaskState`, 404 |
| ``GET /v1/dask/{process_id}/log`` | gateway | | `LogTail`, 404 |
| ``GET /v1/accounts/{user}`` | hub, operator | | `Account`, 404 |

The caller is known by the socket's peer credentials (``SO_PEERCRED``): the hub's
uid, that of the Dask gateway, or root and the supervisor's own uid for the operator. Errors are
`Problem` documents.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import StrictWireModel, WireModel
from .capacity import CapacityState
from .images import ImageContents
from .session import Isolation

PartState = Literal["starting", "running", "stopped", "failed", "restarting"]
ImageState = Literal["ready", "queued", "building", "failed", "missing"]


class LocalImage(WireModel):
    """Whether an image's local environment can be used."""

    state: ImageState
    detail: str = Field(default="", description="Progress or reason, one sentence.")
    progress: float = Field(default=0.0, ge=0.0, le=1.0)
    contents: ImageContents = ImageContents()


class LocalFacilities(WireModel):
    """What this machine can do at the moment."""

    version: int = Field(
        default=0, ge=0, description="Another number after every change; of one supervisor only."
    )
    images: dict[str, LocalImage] = Field(description="By image slug.")
    running: dict[str, int] = Field(
        default_factory=dict,
        description="Servers that start or run, by the slug of their size; none is left out.",
    )
    cpus: int = Field(ge=1, description="Processors of this machine.")
    memory_bytes: int = Field(gt=0)
    cpu_enforced: bool
    memory_enforced: bool
    memory_detail: str = Field(default="", description="Why memory is not enforced, if it is not.")
    isolation: Isolation
    capacity: CapacityState | None = Field(
        default=None, description="What is free of its accelerators; None when that is not known."
    )
    missing_flavors: dict[str, str] = Field(
        default_factory=dict,
        description="Why a flavor of the settings is not there, one sentence, by its slug.",
    )
    gpu_holders: dict[str, dict[str, int]] = Field(
        default_factory=dict,
        description="Accelerators that servers and workers of clusters hold: by the slug of the "
        "flavor, then by owner.",
    )


class StartServer(StrictWireModel):
    """Ask for one user's server. The command is the supervisor's, never the caller's."""

    spawn_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    owner: str = Field(min_length=1, max_length=255)
    server_name: str = Field(max_length=64)
    image: str = Field(description="Slug of the image.")
    size: str = Field(description="Slug of the size.")
    settings_hash: str = Field(description="Hash of the settings that the plan was made from.")
    environment: dict[str, str] = Field(
        description="Only names that begin with JUPYTERHUB_, SANDLOT_, JUPYTER_ or DASK_GATEWAY__."
    )
    port: int = Field(ge=1024, le=65535)


class ServerState(WireModel):
    """A user's server process as the supervisor knows it."""

    spawn_id: str
    owner: str
    server_name: str
    state: Literal["starting", "listening", "exited"]
    pid: int = Field(description="Process id; of the last process when exited.")
    uid: int
    port: int
    exit_code: int | None = None
    reason: str = Field(default="", description="Why it ended, one sentence, when exited.")


class LogTail(WireModel):
    """The last lines that a server wrote."""

    lines: tuple[str, ...]


class StartDask(StrictWireModel):
    """Ask for a scheduler or a worker. The command is the supervisor's, never the caller's."""

    process_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    cluster: str = Field(
        pattern=r"^[0-9a-f]{32}$", description="The process id of its scheduler, too."
    )
    owner: str = Field(min_length=1, max_length=255)
    role: Literal["scheduler", "worker"]
    image: str = Field(description="Slug of the image.")
    size: str = Field(description="Slug of the workers' size.")
    settings_hash: str = Field(description="Hash of the settings that the plan was made from.")
    token: str = Field(
        pattern=r"^[0-9a-f]{32}$", repr=False, description="The cluster's, for the gateway."
    )
    certificate: str = Field(max_length=16384, description="The cluster's, as PEM.")
    key: str = Field(max_length=16384, repr=False, description="Its key, as PEM.")
    scheduler_address: str | None = Field(
        default=None, pattern=r"^tls://127\.0\.0\.1:[0-9]{1,5}$", description="For a worker."
    )


class DaskState(WireModel):
    """A process of a Dask cluster as the supervisor knows it."""

    process_id: str
    cluster: str
    owner: str
    role: Literal["scheduler", "worker"]
    state: Literal["running", "exited"]
    pid: int = Field(description="Process id of its guard.")
    uid: int
    exit_code: int | None = None
    reason: str = Field(default="", description="Why it ended, one sentence, when exited.")


class DaskStates(WireModel):
    """All of them that run, and those that ended lately."""

    version: int = Field(ge=0, description="Another number after every change.")
    processes: tuple[DaskState, ...]


class Account(WireModel):
    """Where a user's files are on this machine."""

    user: str
    uid: int
    home: str


class StackStatus(WireModel):
    """Reply of ``sandlot status --json``."""

    url: str = Field(description="The hub's root with base URL, no token.")
    public_url: str | None = Field(
        default=None, description="How people reach the hub, when a reverse proxy stands in front."
    )
    admin: str = Field(description="Name of the first administrator.")
    pid: int = Field(description="Process id of the supervisor.")
    services: dict[str, PartState]
    isolation: Isolation
    images: dict[str, LocalImage]
    servers: int = Field(ge=0, description="User servers that run.")
    settings_hash: str
