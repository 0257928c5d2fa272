from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandlot_hub.domain.settings.dask import DaskSettings
from sandlot_hub.local.dask_database import dask_database
from sandlot_hub.local.hub import HubSettingsError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret"
URL = f"postgresql://sandlot:{SECRET}@db.example.org/clusters"


def kept(folder: Path, text: str, *, mode: int = 0o600) -> DaskSettings:
    path = folder / "url"
    path.write_text(text)
    path.chmod(mode)
    return DaskSettings(database_file=str(path))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(URL, id="as people write it"),
        pytest.param(URL.replace("postgresql:", "postgresql+psycopg:"), id="with the driver"),
        pytest.param("postgresql:///clusters?host=/run/postgresql", id="a unix socket"),
    ],
)
def test_what_the_file_says_is_the_database(tmp_path: Path, url: str) -> None:
    found = dask_database(kept(tmp_path, f"{url}\n"))
    assert found is not None
    assert found.get_secret_value() == url
    assert SECRET not in repr(found)


def test_without_a_file_there_is_none_and_without_clusters_it_is_not_read() -> None:
    assert dask_database(DaskSettings()) is None
    assert dask_database(DaskSettings(enabled=False, database_file="/no/such/file")) is None


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        pytest.param(URL, 0o644, "chmod 600", id="open to others"),
        pytest.param("", 0o600, "has to hold one line", id="empty"),
        pytest.param(f"{URL}\n{URL}", 0o600, "has to hold one line", id="two lines"),
        pytest.param(f"mysql://a:{SECRET}@h/d", 0o600, "has to hold one line", id="another one"),
        pytest.param(f"password={SECRET}", 0o600, "has to hold one line", id="no URL"),
        pytest.param(f"postgresql://a:{SECRET}@h", 0o600, "has to hold one line", id="no database"),
        pytest.param(f"postgresql://a:{SECRET}@h:x/d", 0o600, "has to hold one line", id="no port"),
    ],
)
def test_what_cannot_be_used_is_said_without_its_text(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(HubSettingsError, match=words) as refused:
        dask_database(kept(tmp_path, text, mode=mode))
    assert "dask.database_file" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None or SECRET not in str(refused.value.__cause__)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(HubSettingsError, match="gone cannot be opened"):
        dask_database(DaskSettings(database_file=str(tmp_path / "gone")))
