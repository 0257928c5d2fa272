"""The GPUs of this machine as they were a moment ago. Looked at only while somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sandlot_hub.domain.capacity.machine_gpus import VENDOR_NAMES, GpuSight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandlot_hub.domain.settings.local_flavor import Vendor

ResultT = TypeVar("ResultT")

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_PATIENCE_S = 10.0


class GpuSource(Protocol):
    """Looks at the GPUs of some vendors."""

    @property
    def vendors(self) -> tuple[Vendor, ...]:
        """Whose."""
        ...

    def look(self) -> GpuSight:
        """Return what there is now. May block for long."""
        ...


class MachineGpus:
    """What all sources have found.

    Parameters
    ----------
    sources
        Each is called in a thread of its own, and never twice at once.
    changed
        Called when something else was found than before.
    monotonic
        Seconds that never go back.
    every_s
        How old may be what is known, in seconds, before a source is called again.
    patience_s
        How long a source may take, in seconds; then its GPUs cannot be used until it answers.
    """

    def __init__(
        self,
        *,
        sources: Sequence[GpuSource],
        changed: Callable[[], None],
        monotonic: Callable[[], float],
        every_s: float = _EVERY_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._watched = tuple(
            _Watched(source, changed=changed, monotonic=monotonic, patience_s=patience_s)
            for source in sources
        )
        self._every_s = every_s

    @property
    def sight(self) -> GpuSight | None:
        """What is known; None before every source has answered once, or was given up."""
        found = [each.sight for each in self._watched if each.sight is not None]
        if len(found) < len(self._watched):
            return None
        return GpuSight(
            gpus=tuple(gpu for sight in found for gpu in sight.gpus),
            missing={v: why for sight in found for v, why in sight.missing.items()},
        )

    def look_soon(self) -> None:
        """Have those sources called that were not called lately. Waits for nothing."""
        for each in self._watched:
            each.look_after(self._every_s)

    async def fresh(self, *, wait_s: float) -> None:
        """Do the same, and wait up to `wait_s` seconds for what they find."""
        self.look_soon()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await asyncio.gather(*(each.answered.wait() for each in self._watched))


class _Watched:
    """One source and what it found last."""

    def __init__(
        self,
        source: GpuSource,
        *,
        changed: Callable[[], None],
        monotonic: Callable[[], float],
        patience_s: float,
    ) -> None:
        self.sight: GpuSight | None = None
        self.answered = asyncio.Event()
        """Set unless a call is under way that may still answer in time."""
        self._source = source
        self._changed = changed
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._looked_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def look_after(self, seconds: float) -> None:
        """Call the source, unless it has answered in these seconds or is being called."""
        looking = self._task is not None and not self._task.done()
        if not looking and self._monotonic() - self._looked_at >= seconds:
            self.answered.clear()
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        working = in_daemon_thread(self._source.look)
        done, _ = await asyncio.wait({working}, timeout=self._patience_s)
        if not done:
            self._take(self._given_up(_silence(self._source.vendors)))
            # A second call before the end of the first would only block another thread.
            await asyncio.wait({working})
        error = working.exception()
        if error is not None:
            log.error("looking at GPUs failed", exc_info=error)
            self._take(self._given_up("Looking at the GPUs of this machine failed."))
        else:
            self._take(working.result())

    def _given_up(self, reason: str) -> GpuSight:
        known = () if self.sight is None else self.sight.gpus
        return GpuSight(
            gpus=tuple(replace(gpu, down=reason, busy=False) for gpu in known),
            missing=dict.fromkeys(self._source.vendors, reason),
        )

    def _take(self, sight: GpuSight) -> None:
        # When it was answered, not asked: a slow driver is not asked all the time.
        self._looked_at = self._monotonic()
        self.answered.set()
        if sight != self.sight:
            self.sight = sight
            self._changed()


def in_daemon_thread(work: Callable[[], ResultT]) -> asyncio.Future[ResultT]:
    """Return what `work` will return, from a thread that keeps no process from ending.

    Those of an executor are waited for when Python ends, and a driver that hangs would keep
    the supervisor for ever.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ResultT] = loop.create_future()

    def settle(how: Callable[[Any], None], what: object) -> None:
        if not future.done():  # cancelled
            how(what)

    def run() -> None:
        how: Callable[[Any], None] = future.set_result
        what: object
        try:
            what = work()
        except Exception as error:  # noqa: BLE001 (handed on whole, to whoever waits)
            how, what = future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, how, what)

    threading.Thread(target=run, name="gpus", daemon=True).start()
    return future


def _silence(vendors: Sequence[Vendor]) -> str:
    names = " and ".join(VENDOR_NAMES[vendor] for vendor in vendors)
    return f"The driver of {names} does not answer."
