"""Copied into every local image: people's own packages, in their home, one folder an image.

Nobody can change a shared environment, so ``%pip install`` looks for another place.
Python switches the per-user folder off in virtual environments; this switches it on
again, below ``~/.local/share/sandlot/<image>``, so that what was added to one image
does not meet another. It comes after the image's own packages: what somebody adds
cannot replace a part of the server that they need to remove it again.

Runs at the start of every Python of the image: standard library only, and little of it.
"""

from __future__ import annotations

import os
import site
import sys

INSTALLED_AS = "_sandlot_user_site"
"""Name of this module in the image."""


def enable() -> None:
    """Add the user's folder to what Python and pip know.

    Called from a ``.pth`` file, which Python reads twice in a virtual environment:
    before and after it switches the per-user folder off. The second call is the one
    that pip sees.
    """
    if not site.check_enableusersite():  # -s, -I, PYTHONNOUSERSITE, or another effective uid
        return
    base = os.environ.get("PYTHONUSERBASE") or _default_base()
    if base is None:
        return
    os.environ["PYTHONUSERBASE"] = base
    site.USER_BASE = site.USER_SITE = None
    site.ENABLE_USER_SITE = True
    folder = site.getusersitepackages()
    if folder not in sys.path and os.path.isdir(folder):  # noqa: PTH112 (pathlib is slow to import)
        site.addsitedir(folder)


def _default_base() -> str | None:
    """Return the user's folder for this image; None where there is no home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 (pathlib is slow to import)
    image = os.path.basename(sys.prefix).rpartition("-")[0]  # noqa: PTH119 (pathlib is slow to import)
    if not os.path.isabs(home) or home == "/" or not image:  # noqa: PTH117 (pathlib is slow to import)
        return None
    return os.path.join(home, ".local", "share", "sandlot", image)  # noqa: PTH118 (pathlib is slow to import)
