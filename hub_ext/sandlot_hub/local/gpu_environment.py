"""What tells a process which GPUs are its own, and lets it open them.

A convention and no wall: libraries keep to these variables, and whoever unsets them sees every
GPU whose device files they may open.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu

    from .processes import Identity

_NONE: Mapping[str, str] = MappingProxyType(
    {
        "CUDA_VISIBLE_DEVICES": "",
        "ROCR_VISIBLE_DEVICES": "",
        # To HIP an empty list is none at all, and a number that no GPU has ends it.
        "HIP_VISIBLE_DEVICES": "-1",
        "ONEAPI_DEVICE_SELECTOR": "!*:gpu",
    }
)
"""For who has none: of every vendor, so that nobody uses unasked what others are given."""


def gpu_environment(gpus: Sequence[MachineGpu]) -> dict[str, str]:
    """Return the variables of a process that these GPUs, all of one vendor, were given to."""
    handles = ",".join(gpu.handle for gpu in gpus)
    match gpus[0].vendor if gpus else None:
        case None:
            return dict(_NONE)
        case "nvidia":
            return {**_NONE, "CUDA_VISIBLE_DEVICES": handles}
        case "amd":
            # HIP counts what ROCR has left over, and takes CUDA's variable for its own while
            # it has none.
            left = ",".join(str(n) for n, _ in enumerate(gpus))
            return {**_NONE, "ROCR_VISIBLE_DEVICES": handles, "HIP_VISIBLE_DEVICES": left}
        case "intel":
            return {
                **{
                    name: value for name, value in _NONE.items() if name != "ONEAPI_DEVICE_SELECTOR"
                },
                "ZE_AFFINITY_MASK": handles,
                # So that its numbers are those of cards, not of their parts, in the order of
                # their addresses, which is how they were counted.
                "ZE_FLAT_DEVICE_HIERARCHY": "COMPOSITE",
                "ZE_ENABLE_PCI_ID_DEVICE_ORDER": "1",
            }


def in_their_groups(identity: Identity, gpus: Sequence[MachineGpu]) -> Identity:
    """Return whom a process runs as, in the groups that may open its GPUs."""
    groups = {group for gpu in gpus for group in gpu.groups}
    return replace(identity, groups=(*identity.groups, *sorted(groups)))
