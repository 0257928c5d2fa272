"""`install(c, settings)`: the one call in ``jupyterhub_config.py``.

The module imports its work only when it is called: the package imports this module
itself, so that ``sandlot_hub.install`` is the function and never the module, and
`import sandlot_hub.domain` must stay cheap.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from traitlets.config import Config

    from .domain.settings.model import SandlotSettings


def install(
    c: Config, settings: SandlotSettings | Mapping[str, object] | str | Path | None = None
) -> None:
    """Make the hub that loads ``c`` a Sandlot.

    Call it last in ``jupyterhub_config.py``. It reads and checks the settings, writes
    its part of the configuration, and logs which keys it touched. What an administrator
    set stays, except where docs/architecture.md says otherwise; then the log names it.
    A second call changes nothing.

    Parameters
    ----------
    c
        The configuration that JupyterHub gives to the file.
    settings
        A mapping, or the path of a YAML file; relative paths start at the folder of the
        file that calls. Without it, ``c.Sandlot.settings`` counts. `sandlot up
        --settings FILE` wins over both.

    Raises
    ------
    SystemExit
        With `ExitCode.SETTINGS`, after a report on standard error, when the settings are
        wrong or the hub cannot work as it is configured. The hub does not start then.
    """
    from .hubconfig.installation import configure  # noqa: PLC0415 (see the module's docstring)

    configure(c, settings, environment=os.environ, base=_folder_of_caller())


def _folder_of_caller() -> Path:
    """Return the folder of the file that calls `install`; the working directory without one."""
    frame = inspect.currentframe()
    caller = frame.f_back.f_back if frame and frame.f_back else None
    file = caller.f_globals.get("__file__") if caller else None
    return Path(file).absolute().parent if isinstance(file, str) else Path.cwd()
