"""What the client makes of a supervisor that does not behave; the rest is in test_socket_api."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.supervisor_client import (
    SupervisorClient,
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.adapters.unix_socket import short_path

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def answering(path: Path, reply: bytes) -> asyncio.Server:
    """Serve one fixed answer to everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(answer, str(path))


def http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(http("200 OK", "{}"), id="wrong-shape"),
        pytest.param(http("200 OK", "<html>"), id="no-json"),
        pytest.param(b"", id="hangs-up"),
        pytest.param(b"\x00\x01\r\n\r\n", id="no-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", id="half"),
    ],
)
async def test_an_answer_that_is_none(tmp_path: Path, reply: bytes) -> None:
    async with await answering(tmp_path / "s", reply):
        with pytest.raises(SupervisorUnreachableError):
            await SupervisorClient(tmp_path / "s").facilities()


async def test_a_refusal_without_reason_has_a_sentence(tmp_path: Path) -> None:
    async with await answering(tmp_path / "s", http("503 No", "down")):
        with pytest.raises(SupervisorRefusedError, match="503") as caught:
            await SupervisorClient(tmp_path / "s").facilities()
    assert caught.value.problem.status == 503


@pytest.mark.parametrize("length", [20, 250])
async def test_short_paths_lead_to_the_same_place(tmp_path: Path, length: int) -> None:
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    (folder / "file").write_text("here")
    with short_path(folder / "file") as short:
        assert len(short) <= 107
        with open(short) as file:  # noqa: ASYNC230, PTH123 (the path as it is)
            assert file.read() == "here"
