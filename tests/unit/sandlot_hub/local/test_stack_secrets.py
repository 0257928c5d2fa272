from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from sandlot_hub.adapters.private_file import PrivateFileError
from sandlot_hub.local.datadir import DataDirectoryError
from sandlot_hub.local.stack_secrets import load_secrets

if TYPE_CHECKING:
    from pathlib import Path


def test_secrets_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load_secrets(path, ("offers",))
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secrets(path, ("offers",)) == first


def test_a_new_service_gets_a_token_and_the_others_keep_theirs(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load_secrets(path, ("offers",))
    second = load_secrets(path, ("offers", "quota"))
    assert second.service_tokens["offers"] == first.service_tokens["offers"]
    assert set(second.service_tokens) == {"offers", "quota"}
    assert load_secrets(path, ("offers",)) == second


def test_every_secret_is_different_and_fits_the_hub(tmp_path: Path) -> None:
    found = load_secrets(tmp_path / "secrets.json", ("offers",))
    tokens = [found.account_secret, found.proxy_password, found.operator_token]
    tokens += found.service_tokens.values()
    assert len(set(tokens)) == 4
    assert {len(token) for token in tokens} == {64}


def test_no_secret_is_shown(tmp_path: Path) -> None:
    found = load_secrets(tmp_path / "secrets.json", ("offers",))
    assert found.account_secret not in repr(found)
    assert found.service_tokens["offers"] not in repr(found)


def test_an_open_file_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    load_secrets(path, ())
    path.chmod(0o644)
    with pytest.raises(PrivateFileError):
        load_secrets(path, ())


@pytest.mark.parametrize("text", ["", "{", '{"stack": 1}', '{"unknown": "hunter2"}', '["hunter2"]'])
def test_a_broken_file_is_told_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(DataDirectoryError, match="not the file that Sandlot writes") as caught:
        load_secrets(path, ())
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert path.read_text() == text
