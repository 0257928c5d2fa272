"""What a user's server is told about itself, and what it inherits from the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.session import SessionAccelerator, SessionSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.choices.plan import AcceleratorPlan, Plan

ENVIRONMENT_PREFIXES = ("JUPYTERHUB_", "JUPYTER_", "SANDLOT_", "DASK_GATEWAY__")
"""What the names of variables that reach a local server begin with."""


def session_size(plan: Plan, facilities: Facilities) -> SessionSize:
    """Return the resources that the server gets, and which of them are limits here."""
    return SessionSize(
        slug=plan.size_slug,
        display_name=plan.size.display_name,
        cpus=plan.size.cpus,
        memory_bytes=plan.size.memory,
        accelerator=_accelerator(plan.accelerator),
        cpu_enforced=facilities.cpu_enforced,
        memory_enforced=facilities.memory_enforced,
    )


def _accelerator(plan: AcceleratorPlan | None) -> SessionAccelerator | None:
    if plan is None:
        return None
    return SessionAccelerator(
        flavor=plan.flavor_slug, display_name=plan.flavor.display_name, count=plan.count
    )


def allowed_environment(environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what a local server inherits, and the names that are left out.

    The supervisor takes nothing else, so that neither a setting nor a hook of the hub
    can change how its fixed command is run (``LD_PRELOAD``, ``PYTHONPATH``, ``PATH``).
    """
    taken = {
        name: value for name, value in environment.items() if name.startswith(ENVIRONMENT_PREFIXES)
    }
    return taken, tuple(name for name in environment if name not in taken)
