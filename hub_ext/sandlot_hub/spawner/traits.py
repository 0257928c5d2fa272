"""The options that are Sandlot's own: `c.Sandlot`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from traitlets import HasTraits, TraitError, TraitType, Unicode
from traitlets.config import Configurable
from traitlets.config.loader import LazyConfigValue
from typing_extensions import override

from sandlot_hub.adapters.settings_file import SettingsError, load_settings
from sandlot_hub.domain.settings.model import SandlotSettings

ModelT = TypeVar("ModelT", bound=BaseModel)

ATTRIBUTE_STYLE = (
    "settings cannot be assigned piece by piece; "
    "assign one mapping or the path of a file to c.Sandlot.settings"
)
"""Why ``c.Sandlot.settings.profiles = …`` is refused."""


class ModelTrait(TraitType[ModelT | None, object], Generic[ModelT]):
    """A pydantic model at traitlets' door: takes the model, a mapping, or the path of a file.

    Parameters
    ----------
    model
        The class of the value.
    load
        Makes the model from a mapping or a path; a `SettingsError` of it becomes a
        `TraitError` with the same text.
    """

    info_text = "a mapping, or the path of a YAML file"
    default_value = None
    allow_none = True

    def __init__(
        self, model: type[ModelT], *, load: Callable[[Any], ModelT], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._model = model
        self._load = load

    def validate(self, obj: HasTraits, value: object) -> ModelT | None:
        """Return the model; `TraitError` with file, dotted path and allowed values otherwise."""
        if value is None or isinstance(value, self._model):
            return value
        if isinstance(value, LazyConfigValue):
            raise TraitError(ATTRIBUTE_STYLE)
        if not isinstance(value, str | Path | Mapping):
            self.error(obj, value)
        try:
            return self._load(value)
        except SettingsError as error:
            raise TraitError(str(error)) from error

    @override
    def from_string(self, s: str) -> ModelT | None:
        """Read the command line's ``--Sandlot.settings=FILE``."""
        return self._load(s) if s else None


class Sandlot(Configurable):
    """Options of Sandlot. The spawners inherit them, which makes `--help-all` show them."""

    settings = ModelTrait(
        SandlotSettings,
        load=lambda source: load_settings(source, name="c.Sandlot.settings").settings,
        help="""
        Images, sizes, accelerators and profiles: a mapping, or the path of a YAML file.

        `install(c)` in jupyterhub_config.py reads it when the hub starts, and the hub
        refuses to start when something in it is wrong. It is used unless `install(c, …)`
        names settings itself, or `sandlot up --settings FILE` does; relative paths start
        at the folder of jupyterhub_config.py. Assign it as a whole: single entries, as in
        `c.Sandlot.settings.profiles`, cannot be assigned.

        Every key is described in docs/reference/settings.md; `sandlot check FILE` tells
        whether a file is right.
        """,
    ).tag(config=True)

    offers_url = Unicode(
        help="""
        Where the proxy reaches the offers service on Kubernetes, such as `http://hub:8089`.

        The hub starts the service beside itself. When not set, it is the host of
        `c.JupyterHub.hub_connect_url` with port 8089; on one machine it is not used.
        """,
    ).tag(config=True)

    offers_kubeconfig = Unicode(
        help="""
        Credentials of an account of its own with which the offers service looks at the cluster.

        A kubeconfig, or a folder with `token` and `ca.crt`, as the Secret of
        config/kubernetes/offers.yaml is mounted; an absolute path. It needs to list and watch
        nodes and pods, and nothing else. When not set, the service comes with the account of
        the hub's pod: if that may not look at nodes, nobody is told what is free.
        """,
    ).tag(config=True)

    dask_gateway_url = Unicode(
        help="""
        Where the hub's proxy reaches the Dask gateway on Kubernetes; without it there is none.

        With config/kubernetes/dask-gateway.yaml it is `http://sandlot-dask-gateway:8090`. On one
        machine `sandlot up` runs a gateway, and none of these options is used.
        """,
    ).tag(config=True)

    dask_gateway_token = Unicode(
        help="""
        The token that the gateway has, from its Secret. Take it from a variable of the environment.

        Not needed where `c.JupyterHub.services` has a service `dask-gateway` with its `api_token`.
        """,
    ).tag(config=True)

    dask_proxy_address = Unicode(
        help="""
        Host and port at which users' servers reach the proxy to schedulers.

        When not set, `sandlot-dask-proxy:8786`, as config/kubernetes/dask-gateway.yaml has it.
        """,
    ).tag(config=True)

    servers_proxy_url = Unicode(
        help="""
        Where users' servers on Kubernetes reach the hub's proxy, without any path.

        When not set, `http://proxy-public`, which is its name with Zero to JupyterHub.
        """,
    ).tag(config=True)

    settings_source = Unicode(
        help="Where the settings came from, for messages. `install` sets it; nothing else does.",
    ).tag(config=True)
