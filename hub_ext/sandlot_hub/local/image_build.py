"""Builds one environment: what is run, as whom, and for how long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .processes import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .image_definitions import ImageDefinition, PythonInfo
    from .image_progress import BuildOutput
    from .image_store import Claim, ImageStore
    from .logs import Sink
    from .server_wheel import ServerWheel

_REQUIREMENTS = "requirements.txt"
_FILES = "files"
_GRACE_S = 0.5
_PASSED_ON = frozenset({
    "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "SSL_CLIENT_CERT",
    "UV_CONCURRENT_DOWNLOADS", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS", "UV_HTTP_TIMEOUT", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_INDEX_URL",
    "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_NO_INDEX",
    "UV_OFFLINE", "UV_SYSTEM_CERTS",
})  # fmt: skip
"""How packages are reached is for the administrator to say, by uv's own variables."""
_OWN_HOME = ("HOME", "UV_CACHE_DIR")
"""Passed on as well where the builder is not a uid of its own."""


class Runner(Protocol):
    """Runs a command to its end. `processes.Launcher` does."""

    async def stream(self, command: Command, *, sink: Sink, timeout_s: float) -> int:
        """Pass on what it writes as it comes, all of it; return the exit code.

        Raises
        ------
        TimeoutError
            If it takes longer; it is ended then, as it is when the call is cancelled.
        OSError
            If it cannot be started.
        """
        ...


class BuildError(Exception):
    """A build did not end well; the text is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildLimits:
    """How long things may take."""

    install: timedelta = timedelta(minutes=60)
    """Getting and installing the packages of one image."""
    step: timedelta = timedelta(minutes=10)
    """Every other step."""
    afterlife: timedelta = timedelta(seconds=3)
    """How long a step may outlive its killed supervisor; its guard ends it sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    argv: tuple[str, ...]
    limit: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildKit:
    """What environments are built with."""

    uv: Path
    """The installer."""
    python: PythonInfo
    """What environments link to."""
    wheel: ServerWheel
    """Sandlot's part for users' servers."""


class Workshop:
    """Builds environments.

    Parameters
    ----------
    runner
        Runs the steps, as the store's builder.
    environment
        The supervisor's environment; the little that a build needs of it is passed on.
    """

    def __init__(
        self,
        *,
        runner: Runner,
        store: ImageStore,
        kit: BuildKit,
        environment: Mapping[str, str],
        limits: BuildLimits | None = None,
    ) -> None:
        self._runner = runner
        self._store = store
        self._kit = kit
        self._environment = _build_environment(environment, store.builder_home)
        self._limits = limits or BuildLimits()

    async def build(self, definition: ImageDefinition, claim: Claim, output: BuildOutput) -> None:
        """Fill the claimed slot; the caller marks it whole, or discards it.

        Raises
        ------
        BuildError
            If a step fails or takes too long.
        OSError
            If the folder cannot be written, or a step cannot be started.
        """
        inputs = self._inputs(definition)
        if await asyncio.to_thread(self._store.begin, claim, inputs):
            # The supervisor that began it was killed. Its last step may still write here.
            await asyncio.sleep(self._limits.afterlife.total_seconds())
            await asyncio.to_thread(self._store.begin, claim, inputs)
        for step in self._steps(str(self._store.path(claim.slot))):
            await self._run(step, self._store.inputs(claim.slot), output)

    def _inputs(self, definition: ImageDefinition) -> dict[str, bytes]:
        files = {f"{_FILES}/{path.as_posix()}": data for path, data in definition.files.items()}
        return {
            **files,
            _REQUIREMENTS: definition.requirements,
            self._kit.wheel.filename: self._kit.wheel.content,
        }

    def _steps(self, target: str) -> Iterator[_Step]:
        """Yield what is run, as the builder, in the folder of the inputs."""
        uv, python = str(self._kit.uv), str(self._kit.python.executable)
        venv = (uv, "venv", "--no-python-downloads", "--python", python, target)
        yield _Step(argv=venv, limit=self._limits.step)
        yield _Step(argv=("/bin/cp", "-R", f"{_FILES}/.", f"{target}/"), limit=self._limits.step)
        install = (
            uv, "pip", "install", "--python", f"{target}/bin/python", "--no-deps",
            # No package may run code of its own while it is installed.
            "--only-binary", ":all:",
            "--require-hashes", "--compile-bytecode", "-r", _REQUIREMENTS,
        )  # fmt: skip
        yield _Step(argv=install, limit=self._limits.install)
        check = (f"{target}/bin/jupyterhub-singleuser", "--version")
        yield _Step(argv=check, limit=self._limits.step)

    async def _run(self, step: _Step, folder: Path, output: BuildOutput) -> None:
        command = Command(
            # Environments are for everybody to read, but what the supervisor starts
            # gets a umask that closes all.
            argv=("/bin/sh", "-c", 'umask 022 && exec "$0" "$@"', *step.argv),
            environment=self._environment,
            directory=folder,
            identity=self._store.builder,
            grace_s=_GRACE_S,
            niceness=10,
        )
        limit_s = step.limit.total_seconds()
        try:
            code = await self._runner.stream(command, sink=output, timeout_s=limit_s)
        except TimeoutError as error:
            message = f"It took longer than {limit_s / 60:g} min. {output.reason()}"
            raise BuildError(message) from error
        if code != 0:
            message = output.reason() or f"{Path(step.argv[0]).name} ended with exit code {code}."
            raise BuildError(message)


def _build_environment(environment: Mapping[str, str], home: Path | None) -> dict[str, str]:
    passed = {name: value for name, value in environment.items() if name.upper() in _PASSED_ON}
    passed |= {
        # uv's credentials of named registries.
        name: value
        for name, value in environment.items()
        if name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD"))
    }
    if home is None:
        own = {name: environment[name] for name in _OWN_HOME if name in environment}
    else:
        own = {"HOME": str(home), "UV_CACHE_DIR": str(home / "cache")}
    fixed = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        # Builds are niced: on a busy machine uv's own minute is not always enough.
        "UV_COMPILE_BYTECODE_TIMEOUT": "600",
    }
    return {**passed, **own, **fixed}
