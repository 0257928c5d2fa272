"""What a user's server finds in its environment: ours, what the hub may give, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gpu_environment import gpu_environment
from .refusals import RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sandlot_hub.domain.capacity.machine_gpus import MachineGpu

ALLOWED_PREFIXES = ("JUPYTERHUB_", "SANDLOT_", "JUPYTER_", "DASK_GATEWAY__")
_VALUE_MAXIMUM = 64 * 1024
_COUNT_MAXIMUM = 200


def server_environment(
    *,
    user: str,
    home: Path,
    image: Path,
    given: Mapping[str, str],
    gpus: Sequence[MachineGpu] = (),
) -> dict[str, str]:
    """Return the whole environment of a server.

    Parameters
    ----------
    user
        Name of the owner, for those who ask for ``USER``.
    home
        The owner's home.
    image
        Folder of the environment that the server runs in.
    given
        What the hub gives; checked by `check_given`.
    gpus
        Those that it may use, all of one vendor.
    """
    return {
        **given,
        **gpu_environment(gpus),
        "HOME": str(home),
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": f"{image}/bin:{home}/.local/bin:/usr/local/bin:/usr/bin:/bin",
    }


def check_given(given: Mapping[str, str]) -> None:
    """Check what the hub wants to give to a server.

    Raises
    ------
    RefusedRequestError
        If a name is not one that the hub may set (``LD_PRELOAD``, ``PATH``, …), or a
        value cannot be passed on.
    """
    if len(given) > _COUNT_MAXIMUM:
        sentence = f"The environment has {len(given)} variables; {_COUNT_MAXIMUM} are allowed."
        raise RefusedRequestError(sentence, code="environment", field="environment")
    for name, value in given.items():
        if not name.startswith(ALLOWED_PREFIXES) or not name.isidentifier() or not name.isascii():
            sentence = (
                f"The environment variable {name[:60]!r} may not be given to a server: only names "
                f"that begin with {', '.join(ALLOWED_PREFIXES)} may."
            )
            raise RefusedRequestError(sentence, code="environment", field="environment")
        if "\0" in value or len(value) > _VALUE_MAXIMUM:
            sentence = f"The value of {name[:60]} cannot be passed on: too long, or with a NUL."
            raise RefusedRequestError(sentence, code="environment", field="environment")
