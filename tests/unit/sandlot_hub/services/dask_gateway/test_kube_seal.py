from __future__ import annotations

import base64

import pytest

from sandlot_hub.services.dask_gateway.kube_seal import ClusterKeys, Seal, UnsealableError

KEYS = ClusterKeys(certificate=b"certificate", key=b"private", token="token")


def test_it_opens_what_it_has_closed_and_nobody_else_does() -> None:
    sealed = Seal(b"k" * 32).close(KEYS)

    assert Seal(b"k" * 32).open(sealed) == KEYS
    assert "private" not in sealed
    for text in (sealed, "", "nothing"):
        with pytest.raises(UnsealableError):
            Seal(b"o" * 32).open(text)


def test_keys_do_not_print() -> None:
    assert "private" not in repr(KEYS)
    assert "token" not in repr(KEYS).replace("ClusterKeys", "")


def test_the_secret_goes_with_its_cluster() -> None:
    secret = KEYS.secret("c", labels={"a": "b"}, owner={"uid": "u"})

    assert secret["metadata"]["name"] == "dask-credentials-c"
    assert secret["metadata"]["ownerReferences"] == [{"uid": "u"}]
    assert base64.b64decode(secret["data"]["dask.pem"]) == b"private"
