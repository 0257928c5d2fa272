"""Compile the programs of the cluster once, and keep them by what they were made from.

The cache is ``SANDLOT_CLUSTER_CACHE``, else ``sandlot/cluster`` in the user's cache folder. Each
folder in it is named by a hash over go.mod, go.sum, the Go version and the flags; what nobody has
used for a month goes. Compiling takes about six minutes on two cores, finding it again a moment.
What Go needs while it compiles (4 GB) lies in the cache too and goes with success: an interrupted
build goes on where it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.cluster.compiler import Compiler
from support.cluster.toolchain import find_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from support.cluster.toolchain import Go

MODULE = Path(__file__).parent / "tools"
KUBERNETES = "v1.36.4"
"""The version that the programs say they are; a test compares it with go.mod."""
PROGRAMS = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}
NODE_PROGRAMS = {"kubelet": "k8s.io/kubernetes/cmd/kubelet"}
"""What a real node needs besides: compiled when somebody asks for one."""
KWOK = "sigs.k8s.io/kwok"
STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)
"""What kwok's module says that nodes and pods do; kept beside the programs."""

UNUSED_S = 30 * 24 * 3600


@dataclass(frozen=True)
class Programs:
    """A folder with the programs that were asked for, and kwok's own stages."""

    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)

    @property
    def stages(self) -> list[Path]:
        """Kwok's files, in the order of `STAGES`."""
        return [self.folder / "stages" / Path(name).name for name in STAGES]


def cache_folder() -> Path:
    """Return where programs are kept on this machine."""
    chosen = os.environ.get("SANDLOT_CLUSTER_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sandlot/cluster"


def programs(
    wanted: Mapping[str, str] = PROGRAMS,
    *,
    also: Iterable[Mapping[str, str]] = (),
    cache: Path,
    say: Callable[[str], None],
) -> Programs:
    """Return the programs, compiled now if the cache does not hold them.

    Parameters
    ----------
    wanted
        Name and package of each.
    also
        What is compiled with them if they are: what all of them share is compiled only once.
    cache
        Where they are kept.
    say
        Told what happens, a line at a time, when it is not over in a moment.

    Raises
    ------
    CannotRunHereError
        If there is no Go and no way to get one.
    ClusterError
        If they do not compile.
    """
    cache.mkdir(parents=True, exist_ok=True)
    go = find_go(cache / "toolchain", say=say)
    folder = cache / build_key(go, wanted)
    if not folder.is_dir():
        with _alone(cache, say=say):
            # Somebody else may have made it while this one waited.
            if not folder.is_dir():
                asked = {cache / build_key(go, each): each for each in (wanted, *also)}
                missing = {made: each for made, each in asked.items() if not made.is_dir()}
                _build(go, missing, cache, say=say)
                _remove_unused(cache)
    os.utime(folder)
    return Programs(folder)


def build_key(go: Go, wanted: Mapping[str, str] = PROGRAMS) -> str:
    """Return the name of what this Go makes of the module."""
    total = hashlib.sha256()
    for part in ((MODULE / "go.mod").read_bytes(), (MODULE / "go.sum").read_bytes()):
        total.update(hashlib.sha256(part).digest())
    words = [go.version, *Compiler.flags(KUBERNETES), *wanted.values(), *STAGES]
    total.update("\0".join(words).encode())
    return total.hexdigest()[:16]


@contextmanager
def _alone(cache: Path, *, say: Callable[[str], None]) -> Iterator[None]:
    """Let one run compile at a time: two would take twice the memory for the same result."""
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is compiling the test cluster; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(
    go: Go, missing: Mapping[Path, Mapping[str, str]], cache: Path, *, say: Callable[[str], None]
) -> None:
    started = time.monotonic()
    names = ", ".join(name for wanted in missing.values() for name in wanted)
    say(
        f"Compiling {names} of Kubernetes {KUBERNETES} for the tests with {go.version}: "
        "minutes, once"
    )
    compiler = Compiler(go=go, module=MODULE, version=KUBERNETES, work=cache / "work", say=say)
    for folder, wanted in missing.items():
        _build_one(compiler, wanted, folder)
    compiler.clean()
    kept = " and ".join(str(folder) for folder in missing)
    say(f"Compiled in {time.monotonic() - started:.0f} s; kept in {kept}")


def _build_one(compiler: Compiler, wanted: Mapping[str, str], folder: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        compiler.fetch(wanted.values())
        for name, package in wanted.items():
            compiler.compile(package, made / name)
        _copy_stages(compiler.folder_of(KWOK), made / "stages")
        # In one step: a folder with this name is complete.
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy_stages(module: Path, folder: Path) -> None:
    folder.mkdir()
    for name in STAGES:
        source = module / "kustomize/stage" / name
        (folder / source.name).write_bytes(source.read_bytes())


def _remove_unused(cache: Path) -> None:
    """Remove builds that nobody asked for in a month, and those that were cut short."""
    for folder in cache.iterdir():
        unused = time.time() - folder.stat().st_mtime > UNUSED_S
        is_build = (folder / "stages").is_dir()
        if folder.name.startswith("building-") or (unused and is_build):
            shutil.rmtree(folder, ignore_errors=True)
