from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.cluster.access import Access
from support.cluster.cluster import brought, read_access
from support.cluster.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = Access(server="https://127.0.0.1:1", authority="CERTIFICATE", token="t")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = ACCESS.write(tmp_path / "kubeconfig")

    assert read_access(path) == Access(server=ACCESS.server, authority=ACCESS.authority)
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_authority_may_be_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("BESIDE")
    document = _document(tmp_path)
    document["clusters"][0]["cluster"] = {"server": "https://s", "certificate-authority": "ca.crt"}
    path = tmp_path / "other"
    path.write_text(json.dumps(document))

    assert read_access(path).authority == "BESIDE"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"current-context": "gone"}, "no entry 'gone' in contexts", id="context"),
        pytest.param({"clusters": []}, "no entry 'test' in clusters", id="cluster"),
        pytest.param(
            {"clusters": [{"name": "test", "cluster": {"server": "https://s"}}]},
            "no certificate authority",
            id="authority",
        ),
        pytest.param(
            {"clusters": [{"name": "test", "cluster": {"insecure-skip-tls-verify": True}}]},
            "skips the check",
            id="insecure",
        ),
    ],
)
def test_a_kubeconfig_that_will_not_do_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = tmp_path / "bad"
    path.write_text(json.dumps({**_document(tmp_path), **changes}))

    with pytest.raises(ClusterError, match=words):
        read_access(path)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, None),
        ({"KUBECONFIG": "/k"}, "/k"),
        ({"KUBECONFIG": "/k", "SANDLOT_TEST_KUBECONFIG": "/s"}, "/s"),
        ({"SANDLOT_TEST_KUBECONFIG": ""}, None),
    ],
    ids=["none", "kubeconfig", "both", "empty"],
)
def test_which_cluster_is_brought(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str | None
) -> None:
    for variable in ("KUBECONFIG", "SANDLOT_TEST_KUBECONFIG"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    found = brought()

    assert (None if found is None else str(found)) == name


def _document(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ACCESS.write(folder / "template").read_text())
    return document
