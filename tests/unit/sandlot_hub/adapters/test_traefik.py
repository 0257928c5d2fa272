from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.traefik import EmbeddedProxy, RulesFile

if TYPE_CHECKING:
    from pathlib import Path

RULES = {"http": {"routers": {"r": {"rule": "PathPrefix(`/ünï/`)"}}}}


def test_the_proxys_uid_can_read_the_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    old_mask = os.umask(0o077)
    try:
        RulesFile(path).atomic_dump(RULES)
    finally:
        os.umask(old_mask)

    assert path.stat().st_mode & 0o777 == 0o644
    assert RulesFile(path).load() == RULES


def test_the_first_time_there_are_no_rules(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RulesFile(tmp_path / "rules.toml").load()


@pytest.mark.asyncio
async def test_the_hubs_proxy_class_writes_through_it(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    RulesFile(path).atomic_dump(RULES)

    proxy = EmbeddedProxy(dynamic_config_file=str(path))

    assert isinstance(proxy.dynamic_config_handler, RulesFile)
    assert proxy.dynamic_config["http"]["routers"] == RULES["http"]["routers"]
