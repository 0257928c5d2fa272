from __future__ import annotations

import pytest

from sandlot_hub.spawner.log_lines import readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param("plain text", "plain text", id="plain"),
        pytest.param("\x1b[1;31mred\x1b[0m", "red", id="colours"),
        pytest.param("\x1b[2J\x1b[Hgone", "gone", id="cursor"),
        pytest.param("a\x00\x07b", "a\\x00\\x07b", id="control characters"),
        pytest.param("x" * 401, "x" * 400 + "…", id="long"),
    ],
)
def test_lines_are_fit_for_a_page(line: str, shown: str) -> None:
    assert readable([line]) == (shown,)


def test_only_the_end_is_kept() -> None:
    assert readable(str(n) for n in range(100)) == tuple(str(n) for n in range(60, 100))
