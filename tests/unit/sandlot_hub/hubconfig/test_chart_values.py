"""`config/kubernetes/values.yaml` does what it says, as the chart's configuration runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.hubconfig.kubernetes import OFFERS_PORT
from support.cluster.namespaces import HUB, offers_account_documents
from support.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from traitlets.config import Config


@pytest.fixture
def hub() -> dict[str, Any]:
    """The hub's part of the values."""
    values = yaml.safe_load((ROOT / "config/kubernetes/values.yaml").read_text())
    found: dict[str, Any] = values["hub"]
    return found


def test_its_configuration_installs_its_settings(
    c: Config, hub: dict[str, Any], tmp_path: Path
) -> None:
    file = hub["extraFiles"]["sandlot"]
    settings = tmp_path / "settings.yaml"
    settings.write_text(file["stringData"])
    # What the chart has written before it comes to `extraConfig`.
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.hub_bind_url = "http://:8081"
    c.JupyterHub.hub_connect_url = "http://hub:8081"

    last = hub["extraConfig"][max(hub["extraConfig"])]
    assert file["mountPath"] in last
    exec(last.replace(file["mountPath"], str(settings)), {"c": c})  # noqa: S102 (as the chart does)

    assert c.Sandlot.settings == load_settings(settings).settings
    urls = {each["name"]: each.get("url") for each in c.JupyterHub.services}
    assert urls["offers"] == f"http://hub:{OFFERS_PORT}"


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
