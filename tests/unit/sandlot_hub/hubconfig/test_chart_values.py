"""`config/kubernetes/values*.yaml` do what they say, as the chart's configuration runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from traitlets.config import Config

from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.hubconfig.kubernetes import OFFERS_PORT
from sandlot_hub.hubconfig.spawning import DASK_ACCESS
from support.cluster.namespaces import HUB, offers_account_documents
from support.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = ROOT / "config/kubernetes"
TOKEN = "0" * 64


def values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


@pytest.fixture
def hub() -> dict[str, Any]:
    """The hub's part of the values."""
    found: dict[str, Any] = values("values.yaml")["hub"]
    return found


def both() -> dict[str, Any]:
    """Return what Helm makes of both files: mappings are merged, everything else is replaced."""

    def merged(below: Any, above: Any) -> Any:
        if not (isinstance(below, dict) and isinstance(above, dict)):
            return above
        return below | {
            key: merged(below[key], value) if key in below else value
            for key, value in above.items()
        }

    found: dict[str, Any] = merged(values("values.yaml"), values("values-dask.yaml"))
    return found


def configure(c: Config, hub: Mapping[str, Any], folder: Path) -> None:
    """Run what the values have the hub run, as the chart does: all keys, in their order."""
    file = hub["extraFiles"]["sandlot"]
    settings = folder / "settings.yaml"
    settings.write_text(file["stringData"])
    # What the chart has written before it comes to `extraConfig`.
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.hub_bind_url = "http://:8081"
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    for _, code in sorted(hub["extraConfig"].items()):
        exec(code.replace(file["mountPath"], str(settings)), {"c": c})  # noqa: S102 (as the chart does)


def test_its_configuration_installs_its_settings(
    c: Config, hub: dict[str, Any], tmp_path: Path
) -> None:
    last = hub["extraConfig"][max(hub["extraConfig"])]
    assert hub["extraFiles"]["sandlot"]["mountPath"] in last
    configure(c, hub, tmp_path)

    assert c.Sandlot.settings == load_settings(tmp_path / "settings.yaml").settings
    urls = {each["name"]: each.get("url") for each in c.JupyterHub.services}
    assert urls["offers"] == f"http://hub:{OFFERS_PORT}"
    assert "dask-gateway" not in urls


def test_its_ports_are_those_of_the_service(hub: dict[str, Any]) -> None:
    (port,) = hub["service"]["extraPorts"]
    (rule,) = hub["networkPolicy"]["ingress"]

    assert port == {"name": "offers", "port": OFFERS_PORT, "targetPort": OFFERS_PORT}
    assert rule["ports"] == [{"port": OFFERS_PORT}]


def test_its_account_is_that_of_the_shipped_role(hub: dict[str, Any]) -> None:
    assert hub["serviceAccount"]["name"] == HUB


def test_the_credentials_of_the_offers_service_are_where_it_looks(hub: dict[str, Any]) -> None:
    (volume,) = hub["extraVolumes"]
    (mount,) = hub["extraVolumeMounts"]
    account, secret = offers_account_documents()
    last = hub["extraConfig"][max(hub["extraConfig"])]

    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert mount["name"] == volume["name"]
    assert f'c.Sandlot.offers_kubeconfig = "{mount["mountPath"]}"' in last
    # It is not the hub's own: that may make servers, this one may look at everything.
    assert account["metadata"]["name"] != hub["serviceAccount"]["name"]


# --- with Dask -----------------------------------------------------------------------------


@pytest.fixture
def manifest() -> dict[tuple[str, str], dict[str, Any]]:
    """What `dask-gateway.yaml` has, by kind and name."""
    found = yaml.safe_load_all((FOLDER / "dask-gateway.yaml").read_text())
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def test_with_both_files_there_is_a_gateway_as_install_makes_it(
    c: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = both()["hub"]
    (variable,) = hub["extraEnv"]
    monkeypatch.setenv(variable, TOKEN)
    configure(c, hub, tmp_path)

    expected = Config()
    expected.Sandlot.dask_gateway_url = c.Sandlot.dask_gateway_url
    expected.Sandlot.dask_gateway_token = TOKEN
    configure(expected, values("values.yaml")["hub"], tmp_path)
    (service,) = [each for each in c.JupyterHub.services if each["name"] == "dask-gateway"]
    assert service["api_token"] == TOKEN
    assert service in expected.JupyterHub.services
    roles, others = (each.JupyterHub.load_roles.get_value([]) for each in (c, expected))
    assert roles == others
    assert DASK_ACCESS in c.Spawner.server_token_scopes


def test_with_both_files_nothing_of_the_first_is_gone() -> None:
    def kept(below: Any, above: Any) -> bool:
        if not isinstance(below, dict):
            return bool(below == above)
        return all(key in above and kept(value, above[key]) for key, value in below.items())

    assert kept(values("values.yaml"), both())


def test_the_gateway_is_where_the_manifest_has_it_and_has_the_same_token(
    c: Config, tmp_path: Path, manifest: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = both()["hub"]
    ((variable, source),) = hub["extraEnv"].items()
    monkeypatch.setenv(variable, TOKEN)
    configure(c, hub, tmp_path)

    ports = manifest["Service", "sandlot-dask-gateway"]["spec"]["ports"]
    (port,) = [each["port"] for each in ports if each["name"] == "http"]
    assert c.Sandlot.dask_gateway_url == f"http://sandlot-dask-gateway:{port}"
    template = manifest["Deployment", "sandlot-dask-gateway"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    told = {each["name"]: each.get("valueFrom") for each in container["env"]}
    assert told["JUPYTERHUB_API_TOKEN"] == source["valueFrom"]


def test_the_gateway_may_ask_the_hub_that_the_chart_has_closed(
    manifest: dict[tuple[str, str], Any],
) -> None:
    template = manifest["Deployment", "sandlot-dask-gateway"]["spec"]["template"]

    assert template["metadata"]["labels"]["hub.jupyter.org/network-access-hub"] == "true"
