"""The routes that dask-gateway's own client asks for."""

from __future__ import annotations

import json
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from typing_extensions import override

from sandlot_contracts.base import StrictWireModel
from sandlot_contracts.problem import PROBLEM_MEDIA_TYPE
from sandlot_hub.domain.dask.admission import MAXIMUM_WORKERS
from sandlot_hub.domain.values.entitlements import Entitlements
from sandlot_hub.services.bodies import read_json
from sandlot_hub.services.handlers import ServiceHandler

from .view import gateway_view, options_spec

if TYPE_CHECKING:
    from sandlot_contracts.problem import Problem

    from .clusters import Clusters

WorkerCount = Annotated[int, Field(ge=0, le=MAXIMUM_WORKERS, strict=True)]


class NewCluster(StrictWireModel):
    """Body of a request for a cluster."""

    cluster_options: dict[str, Any] | None = None


class Scale(StrictWireModel):
    """Body of a request for workers."""

    count: WorkerCount


class Adapt(StrictWireModel):
    """Body of a request for adaptive scaling."""

    minimum: WorkerCount | None = None
    maximum: WorkerCount | None = None
    active: Annotated[bool, Field(strict=True)] = True


class GatewayHandler(ServiceHandler):
    """Base: errors carry the member that dask-gateway's client shows to people."""

    clusters: Clusters

    @property
    def entitlements(self) -> Entitlements:
        """Who asks."""
        return Entitlements(user=self.user.name, groups=self.user.groups, admin=self.user.admin)

    @override
    def write_problem(self, problem: Problem) -> None:
        document = {**problem.model_dump(mode="json", exclude_none=True), "error": problem.message}
        self.set_header("Content-Type", PROBLEM_MEDIA_TYPE)
        self.write(json.dumps(document))


class GatewayHealth(ServiceHandler):
    """``GET api/health``: whether the gateway works, in dask-gateway's words."""

    @override
    def get(self) -> None:
        """Answer from what is known."""
        healthy = self.context.healthy()
        if not healthy:
            self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
        self.write({"status": "pass" if healthy else "fail"})


class GatewayVersion(ServiceHandler):
    """``GET api/version``: the version of dask-gateway."""

    @override
    def get(self) -> None:
        """Answer with the version."""
        self.write({"version": version("dask-gateway-server")})


class OptionsHandler(GatewayHandler):
    """``api/v1/options``: what a cluster can be made of."""

    @override
    async def get(self) -> None:
        """Answer with the fields of the caller."""
        offers = await self.clusters.offers(self.entitlements)
        self.write({"cluster_options": options_spec(offers)})


class ClustersHandler(GatewayHandler):
    """``api/v1/clusters/``: the caller's clusters."""

    @override
    def get(self) -> None:
        """Answer with those that start or run, without any keys."""
        found = self.clusters.listed(self.user.name, self.get_query_argument("status", None))
        self.write({each.name: gateway_view(each, keys=False) for each in found})

    @override
    async def post(self) -> None:
        """Begin to start one more."""
        body = read_json(self.request, NewCluster)
        cluster = await self.clusters.create(self.entitlements, body.cluster_options or {})
        self.set_status(HTTPStatus.CREATED)
        self.write({"name": cluster.name})


class ClusterHandler(GatewayHandler):
    """``api/v1/clusters/{name}``: one cluster of the caller's."""

    @override
    async def get(self, name: str) -> None:
        """Answer with the cluster and the keys with which its owner computes on it."""
        cluster = self.clusters.find(self.user.name, name)
        if self.get_query_argument("wait", "0") != "0":
            await self.clusters.settled(cluster)
        self.write(gateway_view(cluster, keys=True))

    @override
    async def delete(self, name: str) -> None:
        """Begin to end it."""
        await self.clusters.stop(self.clusters.find(self.user.name, name))
        self.set_status(HTTPStatus.NO_CONTENT)


class ScaleHandler(GatewayHandler):
    """``api/v1/clusters/{name}/scale``."""

    @override
    async def post(self, name: str) -> None:
        """Have it have so many workers."""
        body = read_json(self.request, Scale)
        await self.clusters.scale(self.clusters.find(self.user.name, name), body.count)
        self.write({"ok": True, "msg": None})


class AdaptHandler(GatewayHandler):
    """``api/v1/clusters/{name}/adapt``."""

    @override
    async def post(self, name: str) -> None:
        """Have it scale by itself, or no longer."""
        body = read_json(self.request, Adapt)
        cluster = self.clusters.find(self.user.name, name)
        await self.clusters.adapt(
            cluster, minimum=body.minimum, maximum=body.maximum, active=body.active
        )
        self.write({"ok": True, "msg": None})
