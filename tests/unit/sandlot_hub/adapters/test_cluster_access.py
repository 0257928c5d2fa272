from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kubernetes_asyncio.client import Configuration

from sandlot_hub.adapters.cluster_access import ClusterAccessError, cluster_configuration
from support.cluster.access import Access

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

SERVER = "https://10.96.0.1:443"
IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
ACCOUNT = Access(server="https://127.0.0.1:6443", authority="", token="abc")


async def token(configuration: Configuration) -> str:
    """Return what a client says who it is."""
    return str(await configuration.get_api_key_with_prefix("BearerToken"))


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A Secret of a service account, as it is mounted."""
    (tmp_path / "token").write_text("from-secret")
    (tmp_path / "ca.crt").write_text("an authority")
    (tmp_path / "namespace").write_text("hub")
    return tmp_path


async def test_a_kubeconfig(tmp_path: Path) -> None:
    path = ACCOUNT.write(tmp_path / "kubeconfig")

    found = await cluster_configuration(path, environment=IN_CLUSTER)

    assert found.host == ACCOUNT.server
    assert await token(found) == "Bearer abc"


async def test_a_secret_that_is_mounted(mounted: Path) -> None:
    found = await cluster_configuration(mounted, environment=IN_CLUSTER)

    assert found.host == SERVER
    assert found.ssl_ca_cert == str(mounted / "ca.crt")
    assert await token(found) == "Bearer from-secret"
    # The cluster may write another one.
    assert found.refresh_api_key_hook is not None


async def test_what_kubectl_would_use(tmp_path: Path) -> None:
    paths = f"{tmp_path}/none:{ACCOUNT.write(tmp_path / 'kubeconfig')}"

    found = await cluster_configuration(None, environment={"KUBECONFIG": paths})

    assert found.host == ACCOUNT.server


async def test_nobody_else_comes_with_these_credentials(mounted: Path) -> None:
    before = Configuration.get_default_copy().host

    await cluster_configuration(mounted, environment=IN_CLUSTER)

    assert Configuration.get_default_copy().host == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "it is no kubeconfig", id="empty"),
        pytest.param("{", "it is no kubeconfig", id="no YAML"),
        pytest.param("[1]", "it is no kubeconfig", id="a list"),
        pytest.param("secret-text", "it is no kubeconfig", id="a token"),
        pytest.param("{contexts: 3, current-context: x}", "it is no kubeconfig", id="broken"),
        pytest.param("{}", "Expected key current-context", id="nothing in it"),
    ],
)
async def test_a_file_that_is_no_kubeconfig_is_named_and_not_quoted(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)

    with pytest.raises(ClusterAccessError) as caught:
        await cluster_configuration(path, environment={})

    assert str(caught.value).startswith(f"{path} cannot be used to come to a cluster: ")
    assert why in str(caught.value)
    assert "secret-text" not in str(caught.value)


@pytest.mark.parametrize(
    ("credentials", "environment", "why"),
    [
        pytest.param("none", {}, "there is no file", id="no file"),
        pytest.param(".", {}, "Service host/port is not set", id="outside of a cluster"),
        pytest.param(".", IN_CLUSTER, "Service token file does not exist", id="empty folder"),
        pytest.param(None, IN_CLUSTER, "Service token file", id="a pod without a token"),
        pytest.param(None, {"KUBECONFIG": "/none"}, "there is no file /none", id="nowhere"),
    ],
)
async def test_credentials_that_are_not_there(
    tmp_path: Path, credentials: str | None, environment: dict[str, str], why: str
) -> None:
    given = None if credentials is None else tmp_path / credentials

    with pytest.raises(ClusterAccessError, match=why):
        await cluster_configuration(given, environment=environment)
