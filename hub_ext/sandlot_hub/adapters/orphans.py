"""Ending with the process that started one."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have Linux tell this process to end (SIGTERM) when its parent has; does nothing elsewhere.

    A hub that is killed cannot stop what it has started, and its successor starts the same
    again: it would find the port taken.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        # It ended before the request: nobody will tell.
        os.kill(os.getpid(), signal.SIGTERM)
