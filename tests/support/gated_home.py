"""A home whose Jupyter configuration holds what starts in it, or ends it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .hub_user import HubUser

if TYPE_CHECKING:
    from pathlib import Path

    from .stack import Stack

LOG_LINE = "a line in the log"
EXIT_CODE = 3


class GatedHome:
    """Decides how far the servers of one user come.

    Parameters
    ----------
    stack
        Where the user is. The home is made by a first start, which is stopped again.
    name
        The user, who is made if there is none.
    arguments
        More arguments for `sandlot user add`.
    """

    def __init__(self, stack: Stack, name: str, *arguments: str) -> None:
        self.home: Path = stack.data_dir / "homes" / name
        password = stack.password(name, *arguments)
        if not self.home.exists():
            stack.wait_image("base")
            user = HubUser(stack.url, name)
            user.log_in(password)
            user.start({"profile": "everyday", "image": "base", "size": "small"})
            user.stop()
        folder = self.home / ".jupyter"
        folder.mkdir(exist_ok=True)
        owner = self.home.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        self._config = folder / "jupyter_server_config.py"
        self._gate = self.home / "gate"
        self._opener: int | None = None
        self.open()

    def open(self) -> None:
        """Let servers start."""
        self._config.write_text("")

    def hold(self) -> None:
        """Keep servers from listening, until `release` or `fail` for one of them."""
        self.close()
        self._gate.unlink(missing_ok=True)
        os.mkfifo(self._gate)
        self._gate.chmod(0o644)
        # For both, so that nothing that opens it waits for the other side.
        self._opener = os.open(self._gate, os.O_RDWR)
        self._config.write_text(f"exec(open({str(self._gate)!r}).readline())\n")

    def release(self) -> None:
        """Let the server that is held, or is about to be, go on."""
        self._say("pass")

    def fail(self) -> None:
        """End the server that is held, or is about to be."""
        self._say(f"print({LOG_LINE!r}); raise SystemExit({EXIT_CODE})")

    def close(self) -> None:
        """Close what holds servers."""
        if self._opener is not None:
            os.close(self._opener)
            self._opener = None

    def _say(self, code: str) -> None:
        assert self._opener is not None, "nothing is held"
        os.write(self._opener, f"{code}\n".encode())
