"""Runs the Go compiler on the tool module, and says how far it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from support.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from support.cluster.toolchain import Go

PROGRESS_S = 10.0
SHOWN_LINES = 20
"""How much of the compiler's output an error shows."""
VERSION = "k8s.io/component-base/version"
CLIENT_VERSION = "k8s.io/client-go/pkg/version"


class Compiler:
    """Go with the tool module, the flags and the folders of one build.

    Parameters
    ----------
    go
        The toolchain.
    module
        Folder of go.mod and go.sum.
    version
        What the programs answer when they are asked for their version. Unstamped ones answer with
        something that is no version, and clients such as Helm refuse them.
    work
        Folder for what Go keeps between compilations. A ``GOCACHE`` in the environment wins over
        it, and is left alone afterwards.
    say
        Told how far it is, a line at a time.
    """

    def __init__(
        self, *, go: Go, module: Path, version: str, work: Path, say: Callable[[str], None]
    ) -> None:
        self._go = go
        self._module = module
        self._version = version
        self._work = work
        self._say = say

    @staticmethod
    def flags(version: str) -> list[str]:
        """Return the arguments of ``go build`` that decide what comes out."""
        major, minor, _ = version.removeprefix("v").split(".")
        stamps = [
            f"{VERSION}.gitVersion={version}",
            f"{VERSION}.gitMajor={major}",
            f"{VERSION}.gitMinor={minor}",
            f"{VERSION}.gitTreeState=clean",
            f"{VERSION}.buildDate=1970-01-01T00:00:00Z",
            f"{CLIENT_VERSION}.gitVersion={version}",
            f"{CLIENT_VERSION}.gitMajor={major}",
            f"{CLIENT_VERSION}.gitMinor={minor}",
        ]
        linker = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in stamps)])
        return ["-trimpath", "-buildvcs=false", "-tags=notest,grpcnotrace", f"-ldflags={linker}"]

    def fetch(self, packages: Iterable[str]) -> None:
        """Download the modules that these packages are made of."""
        self._say("Getting the modules (800 MB the first time)")
        self._run(["list", "-deps", *packages], step="Getting modules")

    def compile(self, package: str, program: Path) -> None:
        """Compile one program."""
        asked = ["build", "-v", *self.flags(self._version), "-o", str(program), package]
        self._run(asked, step=f"Compiling {program.name}")

    def folder_of(self, module: str) -> Path:
        """Return where a module's files lie."""
        return Path(self._run(["list", "-m", "-f", "{{.Dir}}", module], step="Looking up").strip())

    def clean(self) -> None:
        """Remove what Go kept between compilations."""
        # Go writes modules without write permission, on folders as well.
        if self._work.is_dir():
            for folder in self._work.rglob("*/"):
                folder.chmod(0o755)
        shutil.rmtree(self._work, ignore_errors=True)

    def _run(self, arguments: list[str], *, step: str) -> str:
        """Run Go, count the lines that it writes, and return its answer."""
        started = told = time.monotonic()
        last: deque[str] = deque(maxlen=SHOWN_LINES)
        count = 0
        with (
            subprocess.Popen(
                [str(self._go.program), *arguments],
                cwd=self._module,
                env=self._environment(),
                stdout=(answer := (self._folder() / "answer").open("w+")),
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            answer,
        ):
            assert process.stderr is not None
            for line in process.stderr:
                last.append(line.rstrip())
                count += 1
                if time.monotonic() - told > PROGRESS_S:
                    told = time.monotonic()
                    self._say(f"{step}: {count} packages, {told - started:.0f} s")
            if process.wait():
                message = "\n".join([f"{step} failed; Go says:", *last])
                raise ClusterError(message)
            answer.seek(0)
            return answer.read()

    def _folder(self) -> Path:
        self._work.mkdir(parents=True, exist_ok=True)
        return self._work

    def _environment(self) -> dict[str, str]:
        """Return Go's environment: no other toolchain, nothing of C, own folders."""
        fixed = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        own = {"GOCACHE": str(self._work / "compiled")}
        if self._go.ours:
            own["GOMODCACHE"] = str(self._work / "modules")
        kept = {name: os.environ[name] for name in own if name in os.environ}
        return {**os.environ, **own, **kept, **fixed}
