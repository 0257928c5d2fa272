"""Which GPUs are given to whom on this machine.

There is no book of leases: what is given out is read off whatever runs, each time anew. So a GPU
is given back when nothing is left of what held it, exactly once, however that ended; and the next
supervisor, which starts nothing before all that a killed one has left is gone, begins with none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandlot_hub.domain.capacity.machine_gpus import (
    free_gpus,
    gpus_by_flavor,
    machine_capacity,
    missing_flavors,
)
from sandlot_hub.domain.values.names import printable

from .refusals import RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandlot_contracts.capacity import CapacityState
    from sandlot_hub.domain.capacity.machine_gpus import GpuSight, MachineGpu
    from sandlot_hub.domain.settings.model import AcceleratorRequest, SandlotSettings

    from .gpus import MachineGpus

_WAIT_S = 10.0
"""How long a start waits for a driver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What one server, or another workload, holds."""

    holder: str
    """Id of the workload."""
    owner: str
    gpus: tuple[MachineGpu, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFacts:
    """What is told of the accelerators of this machine; nothing before it is known."""

    capacity: CapacityState | None = None
    missing: dict[str, str] = field(default_factory=dict)
    """Why a flavor is not there, by its slug."""
    holders: dict[str, dict[str, int]] = field(default_factory=dict)
    """How many are held: by the slug of the flavor, then by owner."""


class GpuLeases:
    """Gives GPUs to workloads.

    Parameters
    ----------
    gpus
        What there is.
    """

    def __init__(self, *, gpus: MachineGpus) -> None:
        self._gpus = gpus
        self._books: list[Callable[[], Iterable[Lease]]] = []

    def read_from(self, book: Callable[[], Iterable[Lease]]) -> None:
        """Count what the workloads of this book hold; it names those that run."""
        self._books.append(book)

    async def fresh(self, *, wait_s: float = _WAIT_S) -> None:
        """Have it found out what there is now, if nobody has asked lately; wait that long for it."""
        await self._gpus.fresh(wait_s=wait_s)

    def take(
        self,
        request: AcceleratorRequest | None,
        settings: SandlotSettings,
        *,
        holder: str,
        worker: bool = False,
    ) -> tuple[MachineGpu, ...]:
        """Return GPUs that nobody else holds or uses; none for a request of none.

        They are held from the moment that a book names them. Between this call and that moment
        nothing may be awaited: another start would find them free.

        Parameters
        ----------
        request
            How many of which flavor.
        settings
            What the flavors are.
        holder
            Whose own, if any are, count as free.
        worker
            Whether it is a worker of a cluster, whose owner is told other words.

        Raises
        ------
        RefusedRequestError
            If there are not enough now (``accelerators-busy``), never are (``size-never-fits``),
            or there is none of the flavor (``size-unavailable``).
        """
        if request is None:
            return ()
        sight = self._gpus.sight
        its = (
            ()
            if sight is None
            else gpus_by_flavor(settings.accelerators, sight.gpus)[request.flavor]
        )
        free = free_gpus(its, self._held(without=holder))
        if len(free) >= request.count:
            return free[: request.count]
        words = _WORKER if worker else _SERVER
        raise _refusal(request, settings, sight, words, total=len(its), free=len(free))

    def facts(
        self, settings: SandlotSettings | None, *, cpus: float, memory_bytes: int
    ) -> GpuFacts:
        """Return what others may know now.

        Parameters
        ----------
        settings
            What the flavors are; None while that is not known.
        cpus, memory_bytes
            The most that one server can have.
        """
        self._gpus.look_soon()
        sight = self._gpus.sight
        if sight is None or settings is None:
            return GpuFacts()
        return GpuFacts(
            capacity=machine_capacity(
                settings, sight.gpus, held=self._held(), cpus=cpus, memory_bytes=memory_bytes
            ),
            missing=missing_flavors(settings, sight),
            holders=self._holders(settings),
        )

    def _holders(self, settings: SandlotSettings) -> dict[str, dict[str, int]]:
        found: dict[str, Counter[str]] = {}
        for lease in self._leases():
            for slug, its in gpus_by_flavor(settings.accelerators, lease.gpus).items():
                if its:
                    found.setdefault(slug, Counter())[lease.owner] += len(its)
        return {slug: dict(owners) for slug, owners in found.items()}

    def _leases(self) -> Iterable[Lease]:
        return (lease for book in self._books for lease in book())

    def _held(self, *, without: str = "") -> frozenset[str]:
        return frozenset(
            gpu.id for lease in self._leases() if lease.holder != without for gpu in lease.gpus
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How people are told that there are not enough."""

    who: str
    busy: str
    """What next, when there will be."""
    never: str
    """What next, when there never are."""


_SERVER = _Words(
    who="This server",
    busy="Choose another size, or try again later.",
    never="Choose another size.",
)
_WORKER = _Words(
    who="A worker",
    busy="It starts when there is one for it.",
    never="Start a cluster of another worker size.",
)


def _refusal(  # noqa: PLR0913 (what the sentence is made of)
    request: AcceleratorRequest,
    settings: SandlotSettings,
    sight: GpuSight | None,
    words: _Words,
    *,
    total: int,
    free: int,
) -> RefusedRequestError:
    name = printable(settings.accelerators[request.flavor].display_name)
    if sight is None:
        sentence = "It is not known yet which GPUs of this machine are free. Try again in a moment."
        return RefusedRequestError(sentence, code="accelerators-unknown", status=503)
    if total < request.count:
        why = missing_flavors(settings, sight).get(request.flavor)
        if why is not None:
            return RefusedRequestError(why, code="size-unavailable", status=409, field="size")
        sentence = (
            f"{words.who} needs {request.count} × {name}, and this machine has {total}. "
            f"{words.never}"
        )
        return RefusedRequestError(sentence, code="size-never-fits", status=409, field="size")
    what = f"{request.count} × {name}" if free else name
    left = f"{free} is free" if free == 1 else f"{free} are free" if free else "none is free"
    sentence = f"{words.who} needs {what}, and {left} of the {total} on this machine. {words.busy}"
    return RefusedRequestError(sentence, code="accelerators-busy", status=409, field="size")
