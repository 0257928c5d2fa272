from __future__ import annotations

import pytest

from sandlot_hub.local.endings import why_it_ended

GIB = 1024**3


@pytest.mark.parametrize(
    ("code", "asked", "kills", "words"),
    [
        pytest.param(0, True, 0, "It was stopped.", id="asked"),
        pytest.param(137, True, 1, "It was stopped.", id="asked-and-killed"),
        pytest.param(0, False, 0, "It ended by itself.", id="by-itself"),
        pytest.param(1, False, 0, "It ended by itself.", id="with-an-error"),
        pytest.param(1, False, 3, "It ended by itself.", id="kernels-out-of-memory-before"),
        pytest.param(137, False, 1, "more than its 2 GiB of memory", id="out-of-memory"),
        pytest.param(137, False, 0, "SIGKILL", id="killed"),
        pytest.param(139, False, 0, "SIGSEGV", id="crashed"),
        pytest.param(128 + 99, False, 0, "99", id="a-signal-without-name"),
        pytest.param(127, False, 0, "could not be started", id="no-program"),
    ],
)
def test_the_sentence(code: int, *, asked: bool, kills: int, words: str) -> None:
    said = why_it_ended(code, asked=asked, memory_kills=kills, memory_bytes=2 * GIB)
    assert words in said
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("more_memory", "end"),
    [
        pytest.param("Choose another one.", "ended it. Choose another one.", id="advice"),
        pytest.param("", "so the system ended it.", id="no-advice"),
    ],
)
def test_what_to_do_about_memory_is_the_callers_to_say(more_memory: str, end: str) -> None:
    said = why_it_ended(137, asked=False, memory_kills=1, memory_bytes=GIB, more_memory=more_memory)
    assert said.endswith(end)
