"""The hooks that `install` sets on ``c.Spawner``."""

from __future__ import annotations

from typing import Protocol


class Hooked(Protocol):
    """The part of our spawners that the hooks need."""

    async def plan_start(self, requested: object) -> None:
        """Decide what a start starts."""
        ...

    async def get_options_form(self) -> str:
        """Return the spawn form as HTML."""
        ...


async def apply_user_options(spawner: Hooked, user_options: object) -> None:
    """Decide what a start starts. For ``c.Spawner.apply_user_options``.

    Every start passes here, whatever way its options came: form, URL, REST, saved or
    patched. The plan is kept as ``spawner.plan``.

    Raises
    ------
    SpawnRefused
        The options are not what this user may start here and now.
    SpawnUnavailableError
        What can be started could not be found out.
    """
    await spawner.plan_start(user_options)


async def render_options_form(spawner: Hooked) -> str:
    """Return the spawn form as HTML. For ``c.Spawner.options_form``."""
    return await spawner.get_options_form()
