from __future__ import annotations

import copy
import importlib
import logging
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from traitlets.config import Config

import sandlot_hub
from sandlot_contracts.exits import ExitCode
from sandlot_hub import install
from sandlot_hub.adapters.embedded import EMBEDDED_ENV, write_embedded
from sandlot_hub.adapters.settings_file import write_resolved
from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.hubconfig.installation import READ_ONLY_ENV
from sandlot_hub.hubconfig.source import SETTINGS_ENV
from support.catalogue import catalogue, document
from support.embedded import embedded_config
from support.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = "sandlot_hub.spawner.local.SandlotLocalSpawner"
KUBERNETES = "sandlot_hub.spawner.kube.SandlotKubeSpawner"
MINIMAL = """\
version: 1
images: {base: {display_name: Base, local: base}}
sizes: {small: {display_name: Small, cpus: 1, memory: 2 GiB}}
profiles: {all: {display_name: All, images: [base], sizes: [small]}}
"""


@pytest.fixture
def c() -> Config:
    return Config()


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a hub that `sandlot up` starts with the catalogue."""
    settings = catalogue()
    write_resolved(tmp_path / "settings.json", settings)
    config = embedded_config(
        tmp_path, settings_file=tmp_path / "settings.json", settings_hash=settings_hash(settings)
    )
    write_embedded(tmp_path / "embedded.json", config)
    monkeypatch.setenv(EMBEDDED_ENV, str(tmp_path / "embedded.json"))
    return config.settings_hash


def test_install_is_the_function_however_the_package_was_used() -> None:
    importlib.import_module("sandlot_hub.install")

    assert callable(sandlot_hub.install)
    assert sandlot_hub.install is install


def test_importing_the_package_imports_neither_hub_nor_yaml() -> None:
    program = "import sys, sandlot_hub.domain; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert not {"jupyterhub", "yaml", "tornado", "traitlets"} & set(done.stdout.split())


@pytest.mark.parametrize("source", [document(), catalogue()], ids=["mapping", "model"])
def test_it_takes_python(c: Config, source: Any) -> None:
    install(c, source)

    assert c.Sandlot.settings == catalogue()


def test_servers_are_pods_unless_sandlot_up_started_the_hub(c: Config) -> None:
    install(c, catalogue())

    assert c.JupyterHub.spawner_class == KUBERNETES


@pytest.mark.parametrize(
    ("written", "is_noted"),
    [
        pytest.param("kubespawner.KubeSpawner", False, id="as zero-to-jupyterhub has it"),
        pytest.param("sandlot-kubernetes", False, id="our own name"),
        pytest.param("simple", True, id="another"),
    ],
)
def test_only_another_spawner_is_noted(
    c: Config, written: str, is_noted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    c.JupyterHub.spawner_class = written

    install(c, catalogue())

    assert c.JupyterHub.spawner_class == KUBERNETES
    assert ("c.JupyterHub.spawner_class is set, but not used" in caplog.text) is is_noted


@pytest.mark.usefixtures("embedded")
def test_servers_are_processes_under_sandlot_up(c: Config) -> None:
    install(c, catalogue())

    assert c.JupyterHub.spawner_class == LOCAL


def test_both_spawners_have_a_short_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = project["entry-points"]["jupyterhub.spawners"]

    assert {name: path.replace(":", ".") for name, path in named.items()} == {
        "sandlot-kubernetes": KUBERNETES,
        "sandlot-local": LOCAL,
    }


WITHOUT_KUBERNETES = """import sys
sys.modules["kubespawner"] = sys.modules["kubernetes_asyncio"] = None  # as if not installed
from traitlets.config import Config
from sandlot_hub import install
c = Config()
install(c, {settings!r})
print(c.JupyterHub.spawner_class)
"""


def _install_without_kubernetes(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_KUBERNETES.format(settings=document())],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_a_missing_extra_is_a_sentence() -> None:
    done = _install_without_kubernetes()

    assert done.returncode == ExitCode.SETTINGS
    assert "pip install 'sandlot[kube]'" in done.stderr
    assert "`sandlot up`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("embedded")
def test_one_machine_needs_nothing_of_kubernetes() -> None:
    done = _install_without_kubernetes()

    assert done.stdout.splitlines() == [LOCAL], done.stderr


def test_reading_a_configuration_needs_nothing_of_kubernetes() -> None:
    done = _install_without_kubernetes(**{READ_ONLY_ENV: "1"})

    assert done.returncode == 0, done.stderr


def test_it_takes_the_option(c: Config) -> None:
    c.Sandlot.settings = document()

    install(c)

    assert c.Sandlot.settings == catalogue()


def test_a_relative_path_starts_at_the_file_that_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/settings.yaml").write_text(MINIMAL)
    monkeypatch.chdir(tmp_path)
    file = str(tmp_path / "etc/jupyterhub_config.py")
    namespace: dict[str, Any] = {"__file__": file, "c": Config(), "install": install}

    exec(compile("install(c, 'settings.yaml')", file, "exec"), namespace)  # noqa: S102 (as traitlets does)

    assert namespace["c"].Sandlot.settings_source == str(tmp_path / "etc/settings.yaml")


def test_the_command_lines_file_counts(
    c: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.yaml").write_text(MINIMAL)
    monkeypatch.setenv(SETTINGS_ENV, str(tmp_path / "s.yaml"))

    install(c, document())

    assert list(c.Sandlot.settings.images) == ["base"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"version": 1}, "images: is missing", id="wrong"),
        pytest.param("nowhere.yaml", "does not exist", id="missing"),
        pytest.param(None, "Sandlot has no settings", id="none"),
        pytest.param(3, "is a int", id="nonsense"),
    ],
)
def test_a_mistake_ends_the_hub_with_a_sentence(
    c: Config, settings: Any, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        install(c, settings)

    assert caught.value.code == ExitCode.SETTINGS
    assert sentence in capsys.readouterr().err
    assert "JupyterHub" not in c


def test_the_arguments_in_the_wrong_order_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        install("settings.yaml")  # type: ignore[arg-type]

    assert "the first argument is the `c`" in capsys.readouterr().err


@pytest.mark.usefixtures("embedded")
def test_a_second_call_changes_nothing(c: Config) -> None:
    install(c, catalogue())
    first = copy.deepcopy(c)

    install(c, catalogue())
    assert c == first
    install(c)
    assert c == first


def test_under_sandlot_up_the_resolved_settings_are_used(c: Config, embedded: str) -> None:
    install(c, {"version": 2})

    assert settings_hash(c.Sandlot.settings) == embedded
    assert c.JupyterHub.bind_url == "http://127.0.0.1:40000/pit/"


def test_a_foreign_file_of_sandlot_up_is_refused(
    c: Config, embedded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "embedded.json").chmod(0o644)

    with pytest.raises(SystemExit) as caught:
        install(c, catalogue())

    assert embedded
    assert caught.value.code == ExitCode.SETTINGS
    assert "open to other accounts" in capsys.readouterr().err


@pytest.mark.usefixtures("embedded")
def test_the_log_tells_what_was_touched_and_no_secret(
    c: Config, caplog: pytest.LogCaptureFixture
) -> None:
    c.Sandlot.settings = "shadowed.yaml"
    c.JupyterHub.db_url = "postgresql://u:secret-of-theirs@db/hub"
    with caplog.at_level(logging.INFO):
        install(c, catalogue())

    assert "c.JupyterHub.services, " in caplog.text
    assert "c.JupyterHub.db_url is set, but not used" in caplog.text
    assert "c.Sandlot.settings is set, but not used: install(c, …) wins." in caplog.text
    for secret in ("secret-of-theirs", "account-secret", "operator-token", "offers-token"):
        assert secret not in caplog.text
