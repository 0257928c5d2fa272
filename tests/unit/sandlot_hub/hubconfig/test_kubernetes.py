from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from sandlot_hub.adapters.cluster_access import own_namespace
from sandlot_hub.adapters.managed_service import MANAGED_ENV, managed_config
from sandlot_hub.adapters.settings_file import load_settings
from sandlot_hub.domain.capacity.size_demand import HubPlacement, Toleration
from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.hubconfig.editor import ConfigEditor
from sandlot_hub.hubconfig.kubernetes import configure_kubernetes, refuse_unknown_options
from sandlot_hub.hubconfig.refusal import InstallRefusedError
from sandlot_hub.hubconfig.spawning import configure_spawning, spawner_sections
from sandlot_hub.spawner.kube import SandlotKubeSpawner
from support.catalogue import catalogue, document
from support.kube_spawner import cluster_document

if TYPE_CHECKING:
    from sandlot_hub.adapters.service_config import ServiceConfig
    from sandlot_hub.adapters.settings_file import LoadedSettings

SPAWNER = "sandlot_hub.spawner.kube.SandlotKubeSpawner"


def configured(
    c: Config, settings: SandlotSettings | None = None, **environment: str
) -> ConfigEditor:
    settings = settings or catalogue()
    editor = ConfigEditor(config=c)
    sections = spawner_sections(SandlotKubeSpawner)
    loaded = load_settings(settings, name="a test")
    configure_spawning(editor, loaded, spawner=SPAWNER, sections=sections)
    configure_kubernetes(editor, settings, sections=sections, environment=environment)
    return editor


def entry(c: Config, name: str = "offers") -> dict[str, Any]:
    found = [each for each in c.JupyterHub.services if each["name"] == name]
    assert len(found) == 1
    only: dict[str, Any] = found[0]
    return only


def told(c: Config) -> tuple[ServiceConfig, LoadedSettings]:
    """What the service makes of the environment that it gets."""
    process = entry(c, "offers-process")
    return managed_config({**process["environment"], "JUPYTERHUB_BASE_URL": "/lab/"})


def test_the_hub_starts_the_offers_service_with_no_rights_of_its_own(c: Config) -> None:
    configured(c)

    # A managed service with a URL would end the hub when it cannot be reached.
    assert entry(c, "offers-process").keys() == {"name", "command", "environment", "display"}
    assert entry(c, "offers-process")["command"] == [
        *(sys.executable, "-P", "-m", "sandlot_hub.services.offers")
    ]
    assert list(entry(c, "offers-process")["environment"]) == [MANAGED_ENV]
    assert "command" not in entry(c)
    assert entry(c)["oauth_client_allowed_scopes"] == ["custom:sandlot-offers:read"]
    assert "admin" not in entry(c)
    assert "load_roles" not in c.JupyterHub


def test_the_service_is_told_the_settings_and_its_token(c: Config) -> None:
    configured(c)

    config, loaded = told(c)
    assert loaded.hash == settings_hash(catalogue())
    assert config.token.get_secret_value() == entry(c)["api_token"]


def test_every_hub_has_a_token_of_its_own(c: Config) -> None:
    configured(c)
    other = Config()
    configured(other)

    assert entry(c)["api_token"] != entry(other)["api_token"]


def test_a_service_of_the_same_name_is_refused(c: Config) -> None:
    c.JupyterHub.services = [{"name": "offers", "url": "http://theirs", "api_token": "x" * 32}]

    with pytest.raises(InstallRefusedError, match="already has an entry named 'offers'"):
        configured(c)


@pytest.mark.parametrize(
    ("hub", "url", "listen", "beside"),
    [
        pytest.param({}, "http://127.0.0.1:8089", "127.0.0.1", "http://127.0.0.1:8081", id="bare"),
        pytest.param(
            {"hub_bind_url": "http://:8081", "hub_connect_url": "http://hub:8081"},
            "http://hub:8089",
            "",
            "http://127.0.0.1:8081",
            id="zero-to-jupyterhub",
        ),
        pytest.param(
            {"hub_ip": "*", "hub_port": 8888, "hub_connect_ip": "jupyterhub"},
            "http://jupyterhub:8089",
            "",
            "http://127.0.0.1:8888",
            id="name",
        ),
        pytest.param(
            {"hub_ip": ""},
            "http://127.0.0.1:8089",
            "127.0.0.1",
            "http://127.0.0.1:8081",
            id="proxy beside the hub",
        ),
        pytest.param(
            {"hub_bind_url": "http://10.1.2.3:9000"},
            "http://10.1.2.3:8089",
            "10.1.2.3",
            "http://10.1.2.3:9000",
            id="one address",
        ),
        pytest.param(
            {"hub_bind_url": "http://[fd00::1]:9000"},
            "http://[fd00::1]:8089",
            "fd00::1",
            "http://[fd00::1]:9000",
            id="IPv6",
        ),
    ],
)
def test_the_service_is_where_the_hub_is(
    c: Config, hub: dict[str, Any], url: str, listen: str, beside: str
) -> None:
    c.JupyterHub.update(hub)

    configured(c)

    assert entry(c)["url"] == url
    config, _ = told(c)
    assert config.listen == listen
    assert config.hub_api_url == f"{beside}/lab/hub/api"


def test_an_administrator_says_where_it_is(c: Config) -> None:
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    c.Sandlot.offers_url = "http://offers.hub.svc:80/"

    configured(c)

    assert entry(c)["url"] == "http://offers.hub.svc:80"


@pytest.mark.parametrize(
    "url",
    [
        "hub:8089",
        "https://hub:8089",
        "http://hub",
        "http://hub:many",
        "http://:8089",
        "http://hub:8089/services",
        "http://hub:8089?x",
    ],
)
def test_an_address_that_is_none_is_refused(c: Config, url: str) -> None:
    c.Sandlot.offers_url = url

    with pytest.raises(InstallRefusedError, match="Write scheme, host and port"):
        configured(c)


def test_the_service_is_told_where_the_cluster_is(c: Config, tmp_path: Path) -> None:
    c.Sandlot.offers_kubeconfig = str(tmp_path)
    c.KubeSpawner.namespace = "people"

    editor = configured(c, KUBERNETES_SERVICE_HOST="10.96.0.1", SECRET="x")

    config, _ = told(c)
    assert config.cluster is not None
    assert config.cluster.credentials == tmp_path
    assert config.cluster.namespace == "people"
    # JupyterHub passes on nothing of its environment, and neither is more than this needed.
    environment = entry(c, "offers-process")["environment"]
    assert environment.keys() == {MANAGED_ENV, "KUBERNETES_SERVICE_HOST"}
    assert editor.notes == []


def test_the_service_is_told_where_all_servers_can_be(c: Config) -> None:
    c.KubeSpawner.node_selector = {"pool": "people"}

    configured(c)

    config, _ = told(c)
    assert config.cluster is not None
    assert config.cluster.placement == HubPlacement(node_selector={"pool": "people"})


def test_the_service_is_told_of_which_sizes_nobody_knows_what_fits(c: Config) -> None:
    c.KubeSpawner.node_affinity_required = [{"matchExpressions": []}]
    c.KubeSpawner.tolerations.append({"key": "added"})

    configured(c)

    config, _ = told(c)
    assert config.cluster is not None
    assert set(config.cluster.uncounted) == set(catalogue().sizes)
    assert config.cluster.tolerations == (Toleration("added", "Equal", "", ""),)


def test_the_service_is_told_which_images_go_elsewhere(c: Config) -> None:
    elsewhere = document()
    elsewhere["images"]["torch"]["kubespawner_override"] = {"node_selector": {"pool": "b"}}

    configured(c, SandlotSettings.model_validate(elsewhere))

    config, _ = told(c)
    assert config.cluster is not None
    assert config.cluster.uncounted_images == ("torch",)


def test_without_credentials_the_service_comes_with_those_of_the_hub(c: Config) -> None:
    configured(c)

    config, _ = told(c)
    assert config.cluster is not None
    assert config.cluster.credentials is None
    assert config.cluster.namespace == own_namespace()


def test_where_each_user_has_a_namespace_the_service_knows_of_none(c: Config) -> None:
    c.KubeSpawner.update({"enable_user_namespaces": True, "namespace": "hub"})

    configured(c)

    config, _ = told(c)
    assert config.cluster is not None
    assert config.cluster.namespace == ""


def test_credentials_that_are_not_there_do_not_keep_a_hub_from_starting(c: Config) -> None:
    c.Sandlot.offers_kubeconfig = "/nowhere/offers"

    (note,) = configured(c).notes

    assert "/nowhere/offers, and nothing is there" in note
    config, _ = told(c)
    assert config.cluster is not None
    assert config.cluster.credentials == Path("/nowhere/offers")


def test_credentials_that_depend_on_where_the_hub_was_started_are_refused(c: Config) -> None:
    c.Sandlot.offers_kubeconfig = "kubeconfig"

    with pytest.raises(InstallRefusedError, match="write the path from the root"):
        configured(c)


def test_encrypted_traffic_between_hub_and_services_is_refused(c: Config) -> None:
    c.JupyterHub.internal_ssl = True

    with pytest.raises(InstallRefusedError, match="internal_ssl is on"):
        configured(c)


def test_settings_that_fit_into_no_variable_are_refused(c: Config) -> None:
    document = cluster_document()
    # What no compression helps against.
    words = "".join(chr(0x4E00 + (number * number * 7919) % 20_000) for number in range(1900))
    for number in range(60):
        text = words[number:] + words[:number][::-1]
        document["images"][f"image-{number}"] = {
            "display_name": f"Image {number}",
            "description": "".join(chr(0x4E00 + (ord(c) * (number + 3)) % 20_000) for c in text),
            "reference": f"registry.invalid/image:{number}",
        }
        document["profiles"]["work"]["images"].append(f"image-{number}")
    settings = load_settings(document).settings

    with pytest.raises(InstallRefusedError, match="The settings are too long"):
        configured(c, settings)


def test_a_second_call_changes_nothing(c: Config) -> None:
    configured(c)
    first = copy.deepcopy(c)

    configured(c)

    assert c == first


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        # As zero-to-jupyterhub sets them from its values.
        ("JupyterHub", "allow_named_servers", False),
        ("JupyterHub", "cleanup_servers", True),
        ("JupyterHub", "concurrent_spawn_limit", 64),
        ("KubeSpawner", "default_url", "/tree"),
        ("KubeSpawner", "common_labels", {"app": "jupyterhub"}),
        ("KubeSpawner", "image", "quay.io/jupyterhub/k8s-singleuser-sample:4"),
        ("KubeSpawner", "namespace", "people"),
        ("KubeSpawner", "node_selector", {"pool": "users"}),
        ("KubeSpawner", "storage_capacity", "5Gi"),
        ("KubeSpawner", "storage_pvc_ensure", True),
        ("KubeSpawner", "pvc_name_template", "claim-{username}"),
        ("KubeSpawner", "volumes", [{"name": "home"}]),
        ("KubeSpawner", "start_timeout", 300),
        ("KubeSpawner", "extra_pod_config", {"hostAliases": []}),
        ("KubeSpawner", "modify_pod_hook", len),
        ("Spawner", "default_url", "/tree"),
    ],
)
def test_what_an_administrator_set_stays_and_is_not_complained_of(
    c: Config, section: str, key: str, value: Any
) -> None:
    c[section][key] = value

    editor = configured(c)

    assert c[section][key] == value
    assert not editor.notes


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("JupyterHub", "spawner_class"),
        ("KubeSpawner", "profile_list"),
        ("KubeSpawner", "options_form"),
        ("KubeSpawner", "apply_user_options"),
    ],
)
def test_what_contradicts_is_cleared_and_named(c: Config, section: str, key: str) -> None:
    c[section][key] = "theirs"

    editor = configured(c)

    assert [note.partition(" is set, but not used")[0] for note in editor.notes] == [
        f"c.{section}.{key}"
    ]
    assert c.get(section, {}).get(key) != "theirs"


def test_the_defaults_are_these(c: Config) -> None:
    """Golden: whoever changes what a hub in a cluster gets has to change this list, too."""
    configured(c)

    hub = {key: value for key, value in c.JupyterHub.items() if isinstance(value, bool | int | str)}
    assert hub == {
        "allow_named_servers": True,
        "cleanup_servers": False,
        "concurrent_spawn_limit": 0,
        "spawner_class": SPAWNER,
    }
    assert c.Spawner.default_url == "/lab"
    written = {
        key for key, value in c.KubeSpawner.items() if not isinstance(value, LazyConfigValue)
    }
    assert not written


def test_an_option_that_kubespawner_does_not_have_keeps_the_hub_from_starting() -> None:
    document = cluster_document()
    document["images"]["base"]["kubespawner_override"] = {"storage_clas": "fast", "args": []}
    settings = SandlotSettings.model_validate(document)

    with pytest.raises(InstallRefusedError) as caught:
        refuse_unknown_options(settings, SandlotKubeSpawner)

    assert "no option for: images.base.kubespawner_override.storage_clas. Next:" in str(
        caught.value
    )
