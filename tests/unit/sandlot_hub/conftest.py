"""Golden files lie in a folder ``golden`` beside the test that reads them."""

from __future__ import annotations

import pytest

from support.golden import Golden


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    update = bool(request.config.getoption("update_golden"))
    return Golden(request.path.parent / "golden", update=update)
