"""What a notebook said, whatever its interpreter says beside it."""

from __future__ import annotations

import pytest

from support.dask_user import said

FINALIZER = """\
Exception ignored in: <function Gateway.__del__ at 0x7fa138d15620>
Traceback (most recent call last):
  File "client.py", line 380, in __del__
    self.close()
         ^^^^^
RuntimeError: Accessing the loop property while the loop is not running is not supported
"""


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("working\n[1, 2]\n", id="the-last-line"),
        pytest.param("[1, 2]\n" + FINALIZER, id="a-client-is-collected-afterwards"),
        pytest.param(FINALIZER * 2 + "[1, 2]\n" + FINALIZER, id="several-are"),
    ],
)
def test_what_a_notebook_said(output: str) -> None:
    assert said(output) == [1, 2]


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("", id="nothing"),
        pytest.param("[1, 2]\nValueError: no", id="an-error-afterwards"),
        pytest.param(FINALIZER, id="nothing-but-a-collected-client"),
        pytest.param("[1, 2]\n" + FINALIZER + "ValueError: no", id="an-error-after-one"),
    ],
)
def test_an_end_without_an_answer_is_told(output: str) -> None:
    with pytest.raises(AssertionError):
        said(output)
