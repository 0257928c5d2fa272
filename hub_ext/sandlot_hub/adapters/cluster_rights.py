"""What the hub's account may do in the cluster, asked as KubeSpawner comes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubernetes_asyncio.config import ConfigException
from kubespawner.clients import load_config, shared_client

from .cluster_reviews import RightsUnknownError, missing_of

if TYPE_CHECKING:
    from sandlot_hub.domain.checks.cluster_rights import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAddress:
    """How KubeSpawner is told to reach the API server, where it does not find out by itself."""

    host: str | None = None
    ssl_ca_cert: str | None = None
    verify_ssl: bool | None = None


async def missing_rights(
    rights: tuple[Right, ...], *, namespace: str, address: ClusterAddress
) -> tuple[Right, ...]:
    """Return those of `rights` that the account of this process has not.

    Parameters
    ----------
    rights
        What is needed.
    namespace
        Where.
    address
        Exactly as KubeSpawner has it: the client's configuration is one for the process.

    Raises
    ------
    RightsUnknownError
        The API server cannot be reached, or does not answer the question.
    """
    try:
        load_config(
            host=address.host, ssl_ca_cert=address.ssl_ca_cert, verify_ssl=address.verify_ssl
        )
    except (ConfigException, OSError, ValueError) as error:
        raise RightsUnknownError(type(error).__name__) from error
    client = shared_client("AuthorizationV1Api").api_client
    return await missing_of(rights, client=client, namespace=namespace)
