from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.supervisor_client import SupervisorClient
from sandlot_hub.local.peers import Peers
from sandlot_hub.local.socket_api import SocketApi, serving
from support.fake_dask import DASK, PROCESS, FakeDask, dask_request

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.asyncio
async def test_the_gateway_is_answered(tmp_path: Path) -> None:
    socket, dask = tmp_path / "s.sock", FakeDask()
    peers = Peers(operator=frozenset(), hub=-2, services=frozenset(), gateway=os.geteuid())
    api = SocketApi(servers=dask, dask=dask, stack=dask, peers=peers)  # type: ignore[arg-type]
    client = SupervisorClient(socket)
    async with serving(api, socket, gid=None):
        assert await client.start_dask(dask_request()) == DASK
        assert (await client.dask_states()).processes == (DASK,)
        assert (await client.dask_states(after=6, wait_s=2.5)).version == 7
        assert await client.stop_dask(PROCESS, now=True) == DASK
        assert (await client.dask_log(PROCESS)).lines == ("a", "b")
    assert dask.asked == [
        ("start", dask_request()),
        ("states", None, 0.0),
        ("states", 6, 2.5),
        ("stop", PROCESS, True),
        ("log", PROCESS),
    ]
