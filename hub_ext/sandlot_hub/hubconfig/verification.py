"""The check at the hub's start that nothing of Sandlot's was overwritten after `install`.

The configuration file goes on after `install`, and further files and the command line
are merged over it. JupyterHub has no hook for "all is loaded", so the check rides on
two moments that it cannot skip:

- Before the hub uses anything of the file, traitlets asks each `DeferredConfig` in it for
  its value. Ours is the name of the spawner class. At that moment the file is through.
- JupyterHub executes its configuration inside of its event loop: a callback that
  `install` leaves with the loop runs while the hub initializes, before it listens. By then
  everything is merged; but some overwritten keys have made the hub fail already, with
  words that nobody would connect with the cause.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from traitlets.config.loader import DeferredConfig
from typing_extensions import override

from .refusal import stop_hub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from traitlets.config import Config

    from .editor import Expectation


class CheckedName(str, DeferredConfig):
    """A name that has the configuration file checked when the hub takes the name."""

    __slots__ = ("config", "expectations")

    config: Config
    expectations: Sequence[Expectation]

    @override
    def get_value(self, trait: Any) -> str:
        """Check, and return the plain name."""
        _refuse_overwritten(self.config, self.expectations)
        return str(self)


def verify_at_start(
    config: Config,
    expectations: Sequence[Expectation],
    *,
    merged: Callable[[Config], object] | None = None,
) -> None:
    """Arrange the checks; a configuration that no hub loads is never checked.

    Parameters
    ----------
    config
        The configuration.
    expectations
        What `install` wrote into it.
    merged
        Called in the hub's loop with the whole configuration, once that is right.
    """
    name = CheckedName(config.JupyterHub.spawner_class)
    name.config, name.expectations = config, expectations
    config.JupyterHub.spawner_class = name
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a tool reads the file, such as `sandlot check`
        return
    loop.call_soon(_verify_merged, expectations, merged)


def overwritten(config: Config, expectations: Iterable[Expectation]) -> tuple[str, ...]:
    """Return the names of the keys that no longer hold what `install` wrote."""
    return tuple(dict.fromkeys(each.name for each in expectations if not each.holds(config)))


def _verify_merged(
    expectations: Sequence[Expectation], merged: Callable[[Config], object] | None
) -> None:
    """Check what the starting hub has merged from files and command line."""
    from jupyterhub.app import JupyterHub  # noqa: PLC0415 (only where a hub is starting)

    if not JupyterHub.initialized():
        return
    config = JupyterHub.instance().config
    if "Sandlot" not in config:
        # The file was read for something else, such as `jupyterhub upgrade-db`.
        return
    _refuse_overwritten(config, expectations)
    if merged is not None:
        merged(config)


def _refuse_overwritten(config: Config, expectations: Sequence[Expectation]) -> None:
    names = overwritten(config, expectations)
    if names:
        stop_hub(
            f"{', '.join(names)} changed after install(c, …), and Sandlot cannot work with that. "
            "Call install last in jupyterhub_config.py, and leave the options off the command line."
        )
