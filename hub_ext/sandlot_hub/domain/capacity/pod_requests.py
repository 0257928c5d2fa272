"""What the scheduler counts for a pod.

As the resource helpers of Kubernetes (1.29 and newer) do it: containers run together, init
containers one after the other before them, and those of them that are restarted always
(sidecars) run on beside all that come later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandlot_hub.domain.values.quantities import CPU, MEMORY, Amounts

from .cluster_records import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_POD_LEVEL = frozenset({CPU, MEMORY})
_POD_LEVEL_PREFIX = "hugepages-"


class ContainerAmounts(NamedTuple):
    """What one container asks for, by resource name; None for what `read_amount` cannot read."""

    requests: Mapping[str, int | None] = NOTHING
    limits: Mapping[str, int | None] = NOTHING
    """Count where nothing is requested."""
    sidecar: bool = False
    """Of an init container: whether it is restarted always."""
    given: Mapping[str, int | None] = NOTHING
    """What the node has given it, which is more than it asks for while it is made smaller."""


def pod_amounts(
    containers: Iterable[ContainerAmounts],
    init_containers: Iterable[ContainerAmounts] = (),
    *,
    overhead: Mapping[str, int | None] = NOTHING,
    pod_level: ContainerAmounts | None = None,
) -> Amounts:
    """Return what the scheduler counts for a pod, and of which resources that cannot be known.

    Parameters
    ----------
    containers
        Those that run together.
    init_containers
        Those that run before, in their order.
    overhead
        What the runtime itself takes.
    pod_level
        What is asked for all containers together; it holds instead of their sum.
    """
    unknown: set[str] = set()
    together: dict[str, int] = {}
    for each in containers:
        _add(together, _asked(each, unknown))
    _highest(together, _before(init_containers, together, unknown))
    if pod_level is not None:
        _hold_instead(together, pod_level, unknown)
    _add(together, _read(overhead, unknown))
    return Amounts({name: each for name, each in together.items() if each}, frozenset(unknown))


def _hold_instead(together: dict[str, int], whole: ContainerAmounts, unknown: set[str]) -> None:
    unclear: set[str] = set()
    for name, amount in _asked(whole, unclear).items():
        if _is_pod_level(name):
            together[name] = amount
            unknown.discard(name)
    unknown |= unclear


def _before(
    init_containers: Iterable[ContainerAmounts], together: dict[str, int], unknown: set[str]
) -> dict[str, int]:
    sidecars: dict[str, int] = {}
    most: dict[str, int] = {}
    for each in init_containers:
        asked = _asked(each, unknown)
        if each.sidecar:
            # It runs on beside the containers, and beside each init container after it.
            _add(together, asked)
            _add(sidecars, asked)
            _highest(most, sidecars)
        else:
            _add(asked, sidecars)
            _highest(most, asked)
    return most


def _asked(container: ContainerAmounts, unknown: set[str]) -> dict[str, int]:
    asked = container.requests
    if container.limits:
        asked = {**container.limits, **asked}
    amounts = _read(asked, unknown)
    if container.given:
        _highest(amounts, _read(container.given, unknown))
    return amounts


def _read(amounts: Mapping[str, int | None], unknown: set[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for name, amount in amounts.items():
        if amount is None:
            unknown.add(name)
        else:
            known[name] = amount
    return known


def _add(to: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        to[name] = to.get(name, 0) + amount


def _highest(of: dict[str, int], other: Mapping[str, int]) -> None:
    for name, amount in other.items():
        if amount > of.get(name, 0):
            of[name] = amount


def _is_pod_level(name: str) -> bool:
    return name in _POD_LEVEL or name.startswith(_POD_LEVEL_PREFIX)
