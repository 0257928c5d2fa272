"""From a plan to the objects that KubeSpawner makes: its options, the pod, the claim."""

from __future__ import annotations

import json
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.client import V1Container, V1PodSpec
from kubespawner import KubeSpawner
from traitlets import default
from typing_extensions import override

from sandlot_hub.domain.pods.check import check_manifest
from sandlot_hub.domain.pods.documents import StartSubject
from sandlot_hub.domain.pods.manifest import complete_manifest, read_admin_parts
from sandlot_hub.domain.pods.names import home_claim_name, server_object_name
from sandlot_hub.domain.pods.outcomes import ASK
from sandlot_hub.domain.pods.plan import PodRequest, build_pod_parts, owner_labels
from sandlot_hub.domain.settings.cluster import ClaimHome, ClusterSettings

from .exceptions import SpawnFailed, SpawnUnavailableError
from .kube_overrides import TraitOverrides
from .mixin import SandlotSpawnerMixin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandlot_hub.domain.choices.plan import Plan
    from sandlot_hub.domain.pods.breaches import Breach
    from sandlot_hub.domain.pods.documents import Document

_MARGIN = 30.0
"""Seconds that the hub waits longer than we do, so that our sentence is what people read."""


class KubePlans(SandlotSpawnerMixin, KubeSpawner):
    """What is asked of the cluster.

    An administrator's options of KubeSpawner hold, except for what people choose here:
    image, CPU, memory and accelerators. Where they set none, the settings decide.
    """

    pvc_name: str
    """Name of the claim of the home."""

    @default("pod_name_template")
    def _default_pod_name_template(self) -> str:
        return server_object_name(self.user.name, self.name)

    @default("pvc_name_template")
    def _default_pvc_name_template(self) -> str:
        return home_claim_name(self.user.name, self.name if self.has_own_home else "")

    @default("storage_pvc_ensure")
    def _default_storage_pvc_ensure(self) -> bool:
        return self._claim_home is not None

    @default("storage_capacity")
    def _default_storage_capacity(self) -> str:
        return "" if self._claim_home is None else str(self._claim_home.size)

    @default("storage_class")
    def _default_storage_class(self) -> str | None:
        return None if self._claim_home is None else self._claim_home.storage_class

    @default("storage_access_modes")
    def _default_storage_access_modes(self) -> list[str]:
        return ["ReadWriteOnce" if self._claim_home is None else self._claim_home.access_mode]

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return int(self.cluster.patience.in_all + _MARGIN)

    @property
    def cluster(self) -> ClusterSettings:
        """What the administrator wrote about the cluster."""
        return ClusterSettings() if self.settings is None else self.settings.kubernetes

    @property
    def _claim_home(self) -> ClaimHome | None:
        homes = self.cluster.homes
        return homes if isinstance(homes, ClaimHome) else None

    @property
    def has_own_home(self) -> bool:
        """Whether each named server has a home of its own."""
        return self._claim_home is not None and self._claim_home.per == "server"

    def home_document(self) -> Document | None:
        """Return the claim of the home as it is made; None without one."""
        return self.plain(self.get_pvc_manifest()) if self.storage_pvc_ensure else None

    @property
    def required_plan(self) -> Plan:
        """The plan.

        Raises
        ------
        SpawnUnavailableError
            There is none.
        """
        if self.plan is None:
            message = "Nothing was planned, so nothing was started: the options hook did not run."
            raise SpawnUnavailableError(message, code="plan-missing")
        return self.plan

    @property
    def subject(self) -> StartSubject:
        """What is started, in the words of people."""
        plan = self.required_plan
        accelerator = plan.accelerator
        takes = None if accelerator is None else accelerator.flavor.kubernetes.new_node_takes
        return StartSubject(
            image=plan.image.display_name,
            accelerator="" if accelerator is None else accelerator.flavor.display_name,
            resource="" if accelerator is None else accelerator.flavor.resource,
            home_claim=self.pvc_name if self.storage_pvc_ensure else "",
            new_node_s=takes or self.cluster.new_node_takes,
        )

    @cached_property
    def _overrides(self) -> TraitOverrides:
        return TraitOverrides(self)

    async def load_user_options(self) -> None:
        """Set the options of image and size for this start. The plan has what people chose.

        KubeSpawner's own reading would take what `resolve` refuses.
        """
        self._overrides.undo()
        plan, flavors = self.required_plan, self.required_settings.accelerators.values()
        resources = {flavor.resource for flavor in flavors}
        for place, part in (
            (f"images.{plan.image_slug}", plan.image),
            (f"sizes.{plan.size_slug}", plan.size),
        ):
            await self._overrides.apply(place, part.kubespawner_override, resources=resources)

    @override
    def clear_state(self) -> None:
        """Forget the server, and what was set for it."""
        self._overrides.undo()
        super().clear_state()

    @override
    def get_env(self) -> dict[str, str]:
        """Return the server's environment, with the plan's image and amounts.

        Hub and KubeSpawner tell those of their own options, which are not what is started.
        """
        env: dict[str, str] = super().get_env()
        if self.plan is not None:
            image, size = str(self.plan.image.reference), self.plan.size
            env |= {"JUPYTER_IMAGE": image, "JUPYTER_IMAGE_SPEC": image}
            env |= {"MEM_LIMIT": str(size.memory), "MEM_GUARANTEE": str(size.memory)}
            env |= {"CPU_LIMIT": str(size.cpus), "CPU_GUARANTEE": str(size.cpus)}
        return env

    async def get_pod_manifest(self) -> Any:
        """Return the pod of the plan: as a model for an administrator's hook, else as JSON.

        Raises
        ------
        SpawnFailed
            Something in it was decided by nobody.
        """
        theirs = self.plain(await super().get_pod_manifest())
        parts = build_pod_parts(self._pod_request(), self.cluster)
        admin = read_admin_parts(
            theirs,
            variables=self.environment,
            spec_fields=_camel_case(V1PodSpec, self.extra_pod_config),
            container_fields=_camel_case(V1Container, self.extra_container_config),
        )
        manifest = complete_manifest(theirs, parts, admin)
        breaches = check_manifest(manifest, name=self.pod_name, parts=parts, admin=admin)
        if breaches:
            raise self._breached(breaches)
        if self.modify_pod_hook is None:
            # Models cost as much as all the rest of a manifest, and nobody would look at them.
            return manifest
        answer = SimpleNamespace(data=json.dumps(manifest))
        return self.api.api_client.deserialize(answer, "V1Pod")

    def get_pvc_manifest(self) -> Any:
        """Return the claim of the home, with its owner's labels."""
        claim = super().get_pvc_manifest()
        claim.metadata.labels.update(owner_labels(self._pod_request()))
        return claim

    def plain(self, model: Any) -> dict[str, Any]:
        """Return a model of the Kubernetes client as plain JSON."""
        document: dict[str, Any] = self.api.api_client.sanitize_for_serialization(model)
        return document

    def _pod_request(self) -> PodRequest:
        return PodRequest(
            plan=self.required_plan,
            entitlements=self.entitlements(),
            spawn_id=self.spawn_id,
            server_name=self.name,
            home_claim=self.pvc_name,
            hub=self.hub.api_url,
        )

    def _breached(self, breaches: tuple[Breach, ...]) -> SpawnFailed:
        for breach in breaches:
            self.log.error("%s: %s %s", self._log_name, breach.where, breach.problem)
        message = (
            "Your server was not started, because something was about to be added to it that "
            f"nobody asked for. {ASK}: the hub's log has what it was."
        )
        return SpawnFailed(message, code=breaches[0].code.value)


def _camel_case(model: Any, names: Iterable[str]) -> list[str]:
    """Return names of fields as they are in JSON; KubeSpawner takes them as in Python too."""
    return [model.attribute_map.get(name, name) for name in names]
