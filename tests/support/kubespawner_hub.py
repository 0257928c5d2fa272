"""A hub with the published KubeSpawner, whose form, or ours, renders our profile list.

JupyterHub, KubeSpawner and, where asked for, jupyterhub-fancy-profiles are as published and
set up as their documentation says; `profile_list` is a callable. What people are shown
comes from `build_profile_list`, what they send is read by `options_from_form` and decided
by `resolve`. There is no cluster: a start that was accepted says what it would start, and
goes no further.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sandlot_hub.spawner
from sandlot_hub.adapters.settings_file import load_settings, write_resolved
from sandlot_hub.domain.choices.options import options_from_form
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.settings.fingerprint import settings_hash
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.domain.values.refusals import Refused
from sandlot_hub.hubconfig.pages import page_handlers, page_variables

from .catalogue import EVERYTHING_HERE
from .kubeconfig import unreachable_kubeconfig
from .stack import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from traitlets.config import Config

    from sandlot_hub.domain.settings.model import SandlotSettings

Form = Literal["fancy", "kubespawner", "sandlot"]
CONFIG = """\
import sys
sys.path.insert(0, {tests!r})
from support.kubespawner_hub import configure
configure(c, **{options!r})
"""
_RUNNING = "JupyterHub is now running"
_START_S = 60.0
_STOP_S = 30.0


@contextmanager
def kubespawner_hub(
    folder: Path,
    settings: SandlotSettings,
    *,
    form: Form = "fancy",
    plain: bool = False,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[str]:
    """Run the hub until the block ends; yield its root URL, without a proxy in front.

    Any name logs in with any password.

    Parameters
    ----------
    folder
        Its own, empty.
    settings
        What is offered.
    form
        Whose: jupyterhub-fancy-profiles', KubeSpawner's own, or Sandlot's.
    plain
        Whether only what KubeSpawner knows of is in the list, as if somebody had written it.
    groups
        Members of groups, by group.
    """
    port = free_port()
    write_resolved(folder / "settings.json", settings)
    options = {
        "folder": str(folder),
        "port": port,
        "form": form,
        "plain": plain,
        "groups": dict(groups or {}),
    }
    config = folder / "jupyterhub_config.py"
    config.write_text(CONFIG.format(tests=str(Path(__file__).parents[1]), options=options))
    with subprocess.Popen(
        [sys.executable, "-m", "jupyterhub", "-f", str(config)],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KUBECONFIG": str(unreachable_kubeconfig(folder))},
    ) as process:
        lines = _Lines(process)
        try:
            lines.wait_for(_RUNNING)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(_STOP_S)
            lines.close()


def configure(
    c: Config, *, folder: str, port: int, form: Form, plain: bool, groups: dict[str, list[str]]
) -> None:
    """Write the configuration of the hub. Called in its jupyterhub_config.py."""
    settings = load_settings(Path(folder) / "settings.json").settings
    c.JupyterHub.bind_url = f"http://127.0.0.1:{free_port()}/"
    c.JupyterHub.hub_ip = "127.0.0.1"
    c.JupyterHub.hub_port = port
    c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
    c.JupyterHub.cookie_secret_file = f"{folder}/cookie-secret"
    c.JupyterHub.proxy_class = "support.hub_app.NullProxy"
    c.JupyterHub.authenticator_class = "dummy"
    c.JupyterHub.load_groups = {name: {"users": users} for name, users in groups.items()}
    c.Authenticator.allow_all = True
    if form == "sandlot":
        _configure_our_form(c, settings)
    else:
        _configure_profile_list(c, settings, plain=plain)
    if form == "fancy":
        from jupyterhub_fancy_profiles import setup_ui  # noqa: PLC0415 (as its documentation does)

        c.JupyterHub.extra_handlers = []
        setup_ui(c)


def _configure_profile_list(c: Config, settings: SandlotSettings, *, plain: bool) -> None:
    c.JupyterHub.spawner_class = "support.published_spawner.PublishedSpawner"
    c.KubeSpawner.profile_list = profiles_of(settings, plain=plain)
    c.KubeSpawner.options_from_form = options_from_form
    c.KubeSpawner.apply_user_options = decide_with(settings)


def _configure_our_form(c: Config, settings: SandlotSettings) -> None:
    c.JupyterHub.spawner_class = "support.published_spawner.OwnFormSpawner"
    c.JupyterHub.template_paths = [str(Path(sandlot_hub.spawner.__file__).parent / "templates")]
    c.JupyterHub.extra_handlers = page_handlers(settings_hash(settings))
    c.JupyterHub.template_vars = page_variables()
    c.Sandlot.settings = settings


def profiles_of(settings: SandlotSettings, *, plain: bool) -> Callable[[Any], list[dict[str, Any]]]:
    """Return the callable that KubeSpawner asks for profiles at every view of the form."""

    def profiles(spawner: Any) -> list[dict[str, Any]]:
        found = build_profile_list(visible(owner(spawner), settings, EVERYTHING_HERE))
        if plain:
            for profile in found:
                _drop_ours(profile)
        return found

    return profiles


def _drop_ours(entry: dict[str, Any]) -> None:
    entry.pop("sandlot", None)
    for value in entry.values():
        if isinstance(value, dict):
            _drop_ours(value)


def decide_with(settings: SandlotSettings) -> Callable[[Any, object], None]:
    """Return the hook that takes options, or refuses them."""

    def decide(spawner: Any, user_options: object) -> None:
        decision = resolve(
            user_options,
            entitlements=owner(spawner),
            settings=settings,
            facilities=EVERYTHING_HERE,
        )
        assert not isinstance(decision, Refused), decision.message
        spawner.plan = decision

    return decide


def owner(spawner: Any) -> Entitlements:
    """Return who a server is for."""
    groups = frozenset(group.name for group in spawner.user.groups)
    return Entitlements(user=spawner.user.name, groups=groups)


class _Lines:
    """What a process writes to its standard error, kept from the first line on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._written = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, words: str) -> None:
        """Wait until a line has these words; fail with all lines when the process ends first."""
        with self._written:
            found = self._written.wait_for(
                lambda: not self._reader.is_alive() or any(words in line for line in self._lines),
                _START_S,
            )
        assert found, f"{words!r} did not come in time:\n{''.join(self._lines)}"
        assert any(words in line for line in self._lines), "".join(self._lines)

    def close(self) -> None:
        """Wait for the end of the output."""
        self._reader.join(_STOP_S)

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._written:
                self._lines.append(line)
                self._written.notify_all()
        with self._written:
            self._written.notify_all()
