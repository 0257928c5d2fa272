"""``clusters``: the owner's Dask clusters.

For the owner only: the gateway answers to the *owner's* token.
"""

from __future__ import annotations

from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from tornado import web
from typing_extensions import override

from .base import SandlotHandler


class ClustersHandler(SandlotHandler):
    """``clusters``: all of them, and one more."""

    @web.authenticated
    @authorized
    @override
    async def get(self) -> None:
        self.require_owner()
        await self.reply(await self.factory.clusters.list_clusters())

    @web.authenticated
    @authorized
    @override
    async def post(self) -> None:
        self.require_owner()
        created = await self.factory.clusters.create(self.request.body)
        self.set_status(HTTPStatus.CREATED)
        await self.reply(created)


class ClusterOptionsHandler(SandlotHandler):
    """``clusters/options``: what one can be made of."""

    @web.authenticated
    @authorized
    @override
    async def get(self) -> None:
        self.require_owner()
        await self.reply(await self.factory.clusters.options())


class ClusterHandler(SandlotHandler):
    """``clusters/{name}``: end it."""

    @web.authenticated
    @authorized
    @override
    async def delete(self, name: str) -> None:
        self.require_owner()
        await self.factory.clusters.stop(name)
        await self.reply_nothing()


class ClusterScaleHandler(SandlotHandler):
    """``clusters/{name}/scale``: so many workers."""

    @web.authenticated
    @authorized
    @override
    async def post(self, name: str) -> None:
        self.require_owner()
        await self.factory.clusters.scale(name, self.request.body)
        await self.reply_nothing()


class ClusterAdaptHandler(SandlotHandler):
    """``clusters/{name}/adapt``: as many workers as there is work for."""

    @web.authenticated
    @authorized
    @override
    async def post(self, name: str) -> None:
        self.require_owner()
        await self.factory.clusters.adapt(name, self.request.body)
        await self.reply_nothing()


class ClusterLogHandler(SandlotHandler):
    """``clusters/{name}/log``: the end of what its processes wrote."""

    @web.authenticated
    @authorized
    @override
    async def get(self, name: str) -> None:
        self.require_owner()
        await self.reply(await self.factory.clusters.log(name))
