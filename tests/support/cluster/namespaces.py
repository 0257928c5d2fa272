"""A namespace for one test, and the account that a hub works with in it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import yaml
from kubernetes_asyncio.client import ApiException, CoreV1Api, RbacAuthorizationV1Api

from support.cluster.api import watched
from support.cluster.waiting import until
from support.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubernetes_asyncio.client import ApiClient

    from support.cluster.access import Access

SHIPPED = ROOT / "config/kubernetes/rbac.yaml"
"""The service account, then each role with its binding, in this order."""
HUB = "sandlot-hub"
TOKEN_S = 6 * 3600
SECURITY = "pod-security.kubernetes.io/enforce"

Rule = dict[str, list[str]]


class TestNamespace:
    """A namespace that exists, and whose service account does.

    Parameters
    ----------
    client
        Of an administrator.
    name
        Of the namespace.
    access
        How anybody reaches this cluster.
    """

    __test__ = False  # the name is ours, not pytest's

    def __init__(self, *, client: ApiClient, name: str, access: Access) -> None:
        self.name = name
        self.core = CoreV1Api(client)
        self._rbac = RbacAuthorizationV1Api(client)
        self._access = access

    @property
    def hub_user(self) -> str:
        """The hub's account, as the audit log names it."""
        return f"system:serviceaccount:{self.name}:{HUB}"

    @classmethod
    async def create(
        cls, *, client: ApiClient, access: Access, security: str = "restricted"
    ) -> TestNamespace:
        """Make one, and wait until pods can be made in it.

        Parameters
        ----------
        client, access
            See the class.
        security
            The Pod Security level that is enforced.
        """
        name = f"test-{secrets.token_hex(4)}"
        made = cls(client=client, name=name, access=access)
        manifest: Any = {"metadata": {"name": name, "labels": {SECURITY: security}}}
        await made.core.create_namespace(manifest)
        await watched(
            made.core.list_namespaced_service_account,
            name,
            name="default",
            wanted=lambda _: True,
            what=f"namespace {name} has its service account",
        )
        return made

    async def create_pod(self, manifest: Any) -> Any:
        """Make a pod."""
        return await self.core.create_namespaced_pod(self.name, manifest)

    async def refusal_of(self, manifest: Any) -> str:
        """Return what the API server has against a pod; empty when it would make it."""
        try:
            await self.core.create_namespaced_pod(self.name, manifest, dry_run="All")
        except ApiException as error:
            return str(json.loads(str(error.body))["message"])
        return ""

    async def pod_when(self, name: str, wanted: Any, *, what: str, timeout_s: float = 30.0) -> Any:
        """Return a pod once it is as wanted; see `support.cluster.api.watched`."""
        return await watched(
            self.core.list_namespaced_pod,
            self.name,
            name=name,
            wanted=wanted,
            what=what,
            timeout_s=timeout_s,
        )

    async def pods(self) -> list[Any]:
        """Return the pods that are there."""
        found: list[Any] = (await self.core.list_namespaced_pod(self.name)).items
        return found

    async def when_empty(self) -> None:
        """Wait until there are no pods, also none that are still ending."""

        async def empty() -> bool:
            return not await self.pods()

        await until(empty, what=f"no pods in {self.name}")

    async def events_of(self, name: str) -> list[tuple[str, str, str]]:
        """Return type, reason and message of what was reported about an object."""
        found = await self.core.list_namespaced_event(
            self.name, field_selector=f"involvedObject.name={name}"
        )
        return [(each.type, each.reason, each.message) for each in found.items]

    async def hub_account(
        self, rules: Sequence[Rule] | None = None, *, homes: bool = True
    ) -> Access:
        """Make the hub's service account; return its access.

        It has the rights that administrators are told to give it (`SHIPPED`).

        Parameters
        ----------
        rules
            These rights instead.
        homes
            Whether to give it those for homes on claims, too.
        """
        await self.core.create_namespaced_service_account(self.name, shipped_account())
        for role, binding in shipped_roles(homes=homes and rules is None):
            if rules is not None:
                role["rules"] = [*rules]
            binding["subjects"][0]["namespace"] = self.name
            await self._rbac.create_namespaced_role(self.name, role)
            await self._rbac.create_namespaced_role_binding(self.name, binding)
        asked: Any = {"spec": {"expirationSeconds": TOKEN_S, "audiences": []}}
        answer = await self.core.create_namespaced_service_account_token(HUB, self.name, asked)
        return self._access.as_account(answer.status.token, namespace=self.name)

    async def remove(self) -> None:
        """Have it removed. Its pods go at once, also those that would not end by themselves."""
        await self.core.delete_collection_namespaced_pod(self.name, grace_period_seconds=0)
        # A test may have removed it.
        try:
            await self.core.delete_namespace(self.name)
        except ApiException as error:
            if error.status != 404:
                raise


def shipped_account() -> Any:
    """Return the hub's service account."""
    return next(yaml.safe_load_all(SHIPPED.read_text()))


def shipped_roles(*, homes: bool = True) -> list[tuple[Any, Any]]:
    """Return the hub's roles, each with its binding.

    Parameters
    ----------
    homes
        Whether to return that for homes on claims, too.
    """
    _, *documents = yaml.safe_load_all(SHIPPED.read_text())
    pairs = list(zip(documents[::2], documents[1::2], strict=True))
    return pairs if homes else pairs[:1]


def rights(roles: Sequence[tuple[Any, Any]]) -> set[tuple[str, str]]:
    """Return the verbs and resources that roles allow."""
    return {
        (verb, resource)
        for role, _ in roles
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }
