"""A namespace for one test, and the account that a hub works with in it."""

from __future__ import annotations

import base64
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
SHIPPED_OFFERS = ROOT / "config/kubernetes/offers.yaml"
"""The service account, the Secret with its token, then each role in the whole cluster with its
binding, in this order."""
HUB = "sandlot-hub"
OFFERS = "sandlot-offers"
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
        self._bound: list[str] = []

    @property
    def hub_user(self) -> str:
        """The hub's account, as the audit log names it."""
        return f"system:serviceaccount:{self.name}:{HUB}"

    @property
    def offers_user(self) -> str:
        """The offers service's own account, as the audit log names it."""
        return f"system:serviceaccount:{self.name}:{OFFERS}"

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

    async def offers_account(
        self, rules: Sequence[Rule] | None = None, *, devices: bool = False
    ) -> Access:
        """Make what `SHIPPED_OFFERS` says; return the access of the offers service's own account.

        The token is that of its Secret, which the cluster fills. Roles and bindings are the whole
        cluster's, so they get this namespace's name, and go with it.

        Parameters
        ----------
        rules
            These rights instead.
        devices
            Whether to give it those for devices that are claimed, too.
        """
        account, secret = offers_account_documents()
        await self.core.create_namespaced_service_account(self.name, account)
        for role, binding in offers_roles(self.name, devices=devices and rules is None):
            if rules is not None:
                role["rules"] = [*rules]
            name = f"{role['metadata']['name']}-{self.name}"
            role["metadata"]["name"] = binding["metadata"]["name"] = name
            binding["roleRef"]["name"] = name
            await self._rbac.create_cluster_role(role)
            self._bound.append(name)
            await self._rbac.create_cluster_role_binding(binding)
        await self.core.create_namespaced_secret(self.name, secret)
        filled = await watched(
            self.core.list_namespaced_secret,
            self.name,
            name=OFFERS,
            wanted=lambda found: bool(found.data and found.data.get("token")),
            what="the Secret of the offers service has its token",
        )
        token = base64.b64decode(filled.data["token"]).decode()
        return self._access.as_account(token, namespace=self.name)

    async def remove(self) -> None:
        """Have it removed. Its pods go at once, also those that would not end by themselves."""
        for name in self._bound:
            await self._rbac.delete_cluster_role_binding(name)
            await self._rbac.delete_cluster_role(name)
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


def offers_account_documents() -> tuple[Any, Any]:
    """Return the offers service's account, and the Secret with its token."""
    account, secret, *_ = yaml.safe_load_all(SHIPPED_OFFERS.read_text())
    return account, secret


def offers_roles(namespace: str, *, devices: bool = False) -> list[tuple[Any, Any]]:
    """Return the offers service's roles, each with its binding.

    Parameters
    ----------
    namespace
        Of its account.
    devices
        Whether to return that for devices that are claimed, too.
    """
    text = SHIPPED_OFFERS.read_text().replace("namespace: NAMESPACE", f"namespace: {namespace}")
    _, _, *documents = yaml.safe_load_all(text)
    pairs = list(zip(documents[::2], documents[1::2], strict=True))
    return pairs if devices else pairs[:1]


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
