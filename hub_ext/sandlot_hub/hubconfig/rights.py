"""The question at the hub's start whether its account may do what servers need.

Without it the first person who starts a server would be the one to find out. The hub starts
either way: people can log in, and a Role can be added while it runs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traitlets.log import get_logger

from sandlot_hub.adapters.cluster_access import own_namespace
from sandlot_hub.adapters.cluster_reviews import RightsUnknownError
from sandlot_hub.adapters.cluster_rights import ClusterAddress, missing_rights
from sandlot_hub.domain.checks.cluster_rights import hub_rights, in_words

if TYPE_CHECKING:
    from collections.abc import Collection

    from traitlets.config import Config

    from sandlot_hub.domain.checks.cluster_rights import Right

_ROLE = "config/kubernetes/rbac.yaml has the Role with all that it needs"


@dataclass(frozen=True, kw_only=True)
class RightsCheck:
    """Asks once, when the hub has merged its configuration.

    Parameters
    ----------
    sections
        Sections of ``c`` that the spawner reads.
    has_claims
        Whether the settings keep homes on claims.
    """

    sections: tuple[str, ...]
    has_claims: bool

    def __call__(self, config: Config) -> asyncio.Task[None] | None:
        """Begin to ask; None when there is no one namespace to ask for."""
        if self._option(config, "enable_user_namespaces", otherwise=False):
            return None
        return asyncio.ensure_future(self._ask(config))

    async def _ask(self, config: Config) -> None:
        log = get_logger()
        namespace = str(self._option(config, "namespace", otherwise="") or own_namespace())
        rights = hub_rights(
            claims=bool(self._option(config, "storage_pvc_ensure", otherwise=self.has_claims)),
            events=bool(self._option(config, "events_enabled", otherwise=True)),
        )
        address = ClusterAddress(
            host=self._option(config, "k8s_api_host"),
            ssl_ca_cert=self._option(config, "k8s_api_ssl_ca_cert"),
            verify_ssl=self._option(config, "k8s_api_verify_ssl"),
        )
        try:
            missing = await missing_rights(rights, namespace=namespace, address=address)
        except RightsUnknownError as error:
            log.warning(
                "Sandlot: the API server of the cluster was asked what this hub's account may do "
                "in the namespace %s, in vain (%s). Until it answers, no server can be started.",
                namespace,
                error,
            )
            return
        if missing:
            log.error("Sandlot: %s", _complaint(missing, namespace))
        else:
            log.info("Sandlot: servers are pods in the namespace %s", namespace)

    def _option(self, config: Config, key: str, *, otherwise: Any = None) -> Any:
        """Return what an administrator set for the spawner, or what it has without."""
        found = (config[name][key] for name in self.sections if key in config.get(name, {}))
        return next(found, otherwise)


def _complaint(missing: Collection[Right], namespace: str) -> str:
    return (
        f"this hub's account lacks rights in the namespace {namespace}: {in_words(missing)}. Servers will not "
        f"start, or nobody will be told why. Next: {_ROLE}."
    )
