"""Whose credentials a program comes with to the API server of a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException, list_kube_config_contexts, load_kube_config
from kubernetes_asyncio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_PORT_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from kubernetes_asyncio.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

if TYPE_CHECKING:
    from collections.abc import Mapping

SURROUNDINGS = ("KUBECONFIG", SERVICE_HOST_ENV_NAME, SERVICE_PORT_ENV_NAME)
"""Variables that say where the API server is."""


_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ClusterAccessError(Exception):
    """There are no credentials that can be used; the text says which file is wrong, and how."""


async def cluster_configuration(
    credentials: Path | None, *, environment: Mapping[str, str]
) -> Configuration:
    """Return the configuration of a client, which is nobody else's.

    Parameters
    ----------
    credentials
        A kubeconfig, or a folder with ``token`` and ``ca.crt``, as a service account's Secret is
        mounted: the server is then that of the cluster around. None: what a pod is given, else the
        kubeconfig that ``kubectl`` would use. A token in a folder may change: it is read again
        every minute.
    environment
        With `SURROUNDINGS`.

    Raises
    ------
    ClusterAccessError
        If they are not there, or are no credentials.
    """
    # A plain `Configuration()` would be a copy of the default that others of the process set.
    configuration: Configuration = type.__call__(Configuration)
    try:
        mounted = _mounted(credentials, environment)
        if mounted is not None:
            InClusterConfigLoader(*mounted, environ=dict(environment)).load_and_set(configuration)
        else:
            await load_kube_config(
                _kubeconfig(credentials, environment),
                client_configuration=configuration,
                persist_config=False,
            )
    except ConfigException as error:
        raise ClusterAccessError(_sentence(credentials, str(error).rstrip("."))) from error
    except OSError as error:
        raise ClusterAccessError(_sentence(credentials, error.strerror or "")) from error
    except (yaml.YAMLError, ValueError, KeyError, TypeError):
        # What is no kubeconfig is quoted by these, and may hold a token.
        raise ClusterAccessError(_sentence(credentials, "it is no kubeconfig")) from None
    return configuration


def own_namespace(file: Path = _OWN_NAMESPACE) -> str:
    """Return the namespace that KubeSpawner uses when it is told none: that of this very pod."""
    try:
        return file.read_text().strip()
    except OSError:  # not in a pod
        return "default"


def namespace_of(credentials: Path | None, *, environment: Mapping[str, str]) -> str:
    """Return the namespace that is meant with credentials when nothing else is said.

    Parameters
    ----------
    credentials, environment
        As `cluster_configuration` has taken them.
    """
    mounted = _mounted(credentials, environment)
    if mounted is not None:
        return own_namespace(Path(mounted[0]).with_name("namespace"))
    _, context = list_kube_config_contexts(_kubeconfig(credentials, environment))
    return str((context or {}).get("context", {}).get("namespace") or "default")


def _mounted(credentials: Path | None, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the files with token and authority, where credentials are such files."""
    if credentials is None:
        files = (SERVICE_TOKEN_FILENAME, SERVICE_CERT_FILENAME)
        return files if environment.get(SERVICE_HOST_ENV_NAME) else None
    if not credentials.is_dir():
        return None
    return str(credentials / "token"), str(credentials / "ca.crt")


def _kubeconfig(credentials: Path | None, environment: Mapping[str, str]) -> str:
    """Return what is there of the files that may be meant, as the client takes several.

    Raises
    ------
    ConfigException
        If none is there: the client itself would complain of an empty one.
    """
    named = environment.get("KUBECONFIG") or KUBE_CONFIG_DEFAULT_LOCATION
    paths = [str(credentials)] if credentials is not None else named.split(os.pathsep)
    there = [path for path in paths if Path(path).expanduser().is_file()]
    if not there:
        message = f"there is no file {paths[0]}"
        raise ConfigException(message)
    return os.pathsep.join(there)


def _sentence(credentials: Path | None, what: str) -> str:
    where = "What is found here" if credentials is None else str(credentials)
    return f"{where} cannot be used to come to a cluster: {what}."
