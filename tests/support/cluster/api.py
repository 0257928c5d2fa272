"""The client that tests look at the cluster with: kubernetes_asyncio, as KubeSpawner uses it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio import config
from kubernetes_asyncio.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from kubernetes_asyncio.client import ApiClient

WATCH_S = 30.0


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[ApiClient]:
    """Give a client for an account; its connections are closed with the context."""
    async with await config.new_client_from_config(config_file=str(kubeconfig)) as client:
        yield client


async def watched(
    listing: Callable[..., Any],
    *arguments: str,
    wanted: Callable[[Any], bool],
    what: str,
    name: str = "",
    labels: str = "",
    timeout_s: float = WATCH_S,
) -> Any:
    """Return the first object of a list, now or later, that is as wanted.

    Parameters
    ----------
    listing
        Method of an API object that lists, with its `arguments`.
    wanted
        Asked for each state of each object; not for one that is gone.
    what
        What must come, for the message.
    name, labels
        Which objects; all without.
    timeout_s
        How long, in seconds.

    Raises
    ------
    AssertionError
        If it did not come; with the last state that was seen.
    """
    chosen = {"label_selector": labels} if labels else {}
    if name:
        chosen["field_selector"] = f"metadata.name={name}"
    last: Any = None
    try:
        async with asyncio.timeout(timeout_s), Watch() as watch:
            async for event in watch.stream(listing, *arguments, **chosen):
                last = event["object"] if event["type"] != "DELETED" else None
                if last is not None and wanted(last):
                    return last
    except TimeoutError:
        state = "not there" if last is None else getattr(last, "status", last)
        message = f"waited {timeout_s:g} s in vain: {what}; it was: {state}"
        raise AssertionError(message) from None
