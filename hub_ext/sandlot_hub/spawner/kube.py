"""Servers in a Kubernetes cluster: KubeSpawner, with Sandlot's plans, reasons and care."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from jupyterhub.utils import exponential_backoff, url_path_join
from kubernetes_asyncio.client import ApiException
from typing_extensions import override

from sandlot_hub.adapters.server_answers import server_answers
from sandlot_hub.domain.pods.denials import CreateAnswer, explain_denial, read_answer, unreachable
from sandlot_hub.domain.pods.names import home_claim_name
from sandlot_hub.domain.pods.outcomes import Failed, FailureCode
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError

from .exceptions import SpawnFailed, SpawnUnavailableError
from .kube_create import CreateLimits, PodCreator
from .kube_homes import find_home
from .kube_offers import KubeOffers
from .kube_steps import CLUSTER_STEPS, StartSteps
from .kube_surroundings import WatchedStart
from .kube_watchdog import Watchdog

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from sandlot_contracts.session import Isolation
    from sandlot_hub.domain.settings.cluster import StartPatience

    from .progress import KnownStep

_HTTP = 80
_RETRY_S = 0.5
"""Seconds between two questions to a server that does not answer yet."""
_EARLIER = 5.0
"""Seconds that a start is given up before the hub would, whose words are a bare timeout."""


class SandlotKubeSpawner(KubeOffers):
    """Starts servers as pods, tells why they wait, and ends starts that cannot work."""

    @override
    def isolation(self) -> Isolation:
        """Return that every server is apart from the others."""
        return "pod"

    @property
    def patience(self) -> StartPatience:
        """How long a start may wait; never longer than the hub does."""
        patience = self.cluster.patience
        in_all = min(patience.in_all, max(1.0, self.start_timeout - _EARLIER))
        return patience.model_copy(update={"in_all": in_all})

    @property
    @override
    def known_steps(self) -> tuple[KnownStep, ...]:
        """The steps of a start."""
        return CLUSTER_STEPS

    # --- the start --------------------------------------------------------------------

    async def _start(self) -> str:
        """Start the pod beside a watchdog, which knows sooner why it cannot."""
        try:
            url = await self._started()
        except ApiException as error:
            failure = self._failure(explain_denial(error.status, _body(error), self.subject))
            self.story.fail(failure)
            raise failure from error
        except ClusterRefusedError as error:
            failure = self._failure(explain_denial(error.status, error.document, self.subject))
            self.story.fail(failure)
            raise failure from error
        except (aiohttp.ClientError, OSError, ClusterUnreachableError) as error:
            failure = self._failure(unreachable())
            self.story.fail(failure)
            raise failure from error
        except (SpawnFailed, SpawnUnavailableError) as error:
            self.story.fail(error)
            raise
        except asyncio.CancelledError:
            self.note_cancelled()
            raise
        self.story.tell("answer", "The server runs; connecting you…")
        return url

    async def _started(self) -> str:
        answered = asyncio.Event()
        watched = self._watched(answered)
        watched.steps.begin()
        await self._take_up_home()
        dog = Watchdog(
            surroundings=watched,
            subject=self.subject,
            patience=self.patience,
            others=watched.others,
        )
        starting = asyncio.ensure_future(self._answering(answered))
        watching = asyncio.ensure_future(dog.watch())
        try:
            await asyncio.wait({starting, watching}, return_when=asyncio.FIRST_COMPLETED)
            failed = None if starting.done() else watching.result()
            if failed is not None:
                raise self._failure(failed)
            url = str(await starting)
            watched.show_steps(watched.pod())  # those since the last look
            self.note_ready()
            return url
        finally:
            # The hub stops what has failed; until then nothing of this start may go on.
            starting.cancel()
            watching.cancel()
            await asyncio.gather(starting, watching, return_exceptions=True)

    async def _take_up_home(self) -> None:
        """Have the home of before Sandlot mounted, if there is one."""
        server = self.name if self.has_own_home else ""
        own = home_claim_name(self.user.name, server)
        # What an administrator named, or the hub remembers, is the one.
        is_decided = self._pvc_exists or self.pvc_name != own or not self.handle_legacy_names
        if is_decided or not self.storage_pvc_ensure:
            return
        template = "claim-{user_server}" if server else "claim-{username}"
        found = await find_home(
            self.objects,
            owner=self.user.name,
            name=own,
            earlier=[
                self._expand_user_properties(template, slug_scheme=scheme)
                for scheme in ("safe", "escape")
            ],
        )
        if isinstance(found, Failed):
            raise self._failure(found)
        self.pvc_name = found

    async def _answering(self, answered: asyncio.Event) -> str:
        url = str(await super()._start())
        await self._wait_for_answer(urlsplit(url))
        answered.set()
        return url

    async def _wait_for_answer(self, url: SplitResult) -> None:
        # The hub waits for an answer as well, and counts it as a failure of its own when none
        # comes, without a sentence. With `internal_ssl` only the hub can ask.
        if self.server is None or url.scheme != "http":
            return
        path = str(url_path_join(self.server.base_url, "api"))
        while True:
            if await server_answers(url.hostname or "", url.port or _HTTP, path):
                return
            await asyncio.sleep(_RETRY_S)

    def _watched(self, answered: asyncio.Event) -> WatchedStart:
        return WatchedStart(
            objects=self.objects,
            spawn_id=self.spawn_id,
            key=self._key,
            home=self.home_document,
            story=self.story,
            steps=StartSteps(self.story),
            answered=answered,
            watches=self,
        )

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        del request_timeout  # of one request, which `objects` knows
        creator = PodCreator(
            objects=self.objects,
            subject=self.subject,
            limits=CreateLimits(
                grace_s=self.delete_grace_period, in_all_s=self.cluster.patience.stopping
            ),
        )
        outcome = await creator.create(self.plain(pod))
        if isinstance(outcome, Failed):
            raise self._failure(outcome)
        self.note_placed()
        return True

    async def _make_create_pvc_request(self, pvc: Any, request_timeout: float) -> bool:
        del request_timeout
        try:
            await self.objects.create_claim(self.plain(pvc))
        except ClusterUnreachableError:
            return False
        except ClusterRefusedError as error:
            if read_answer(error.status, error.document) is not CreateAnswer.FAILED:
                return False
            denial = explain_denial(error.status, error.document, self.subject)
            raise self._failure(denial) from error
        return True

    def _failure(self, failed: Failed) -> SpawnFailed:
        self.log.warning("%s was not started: %s %s", self._log_name, failed.code, failed.message)
        trouble = failed.code is FailureCode.CLUSTER_TROUBLE
        return SpawnFailed(failed.message, code=failed.code.value, unavailable=trouble)

    async def delete_forever(self) -> None:
        """Have a home removed with the user or, where each server has one, with its server."""
        # Without homes on claims there is nothing to remove, and no right to.
        if not self.storage_pvc_ensure:
            return
        if self.name and self.pvc_name == home_claim_name(self.user.name, self.name):
            await self._delete_own_home()
        else:
            await super().delete_forever()

    async def _delete_own_home(self) -> None:
        # KubeSpawner takes a claim for a shared one unless its own template named it.
        if not self.delete_pvc:
            return
        await exponential_backoff(
            partial(self._make_delete_pvc_request, self.pvc_name, self.k8s_api_request_timeout),
            f"Could not delete the claim {self.pvc_name}",
            timeout=self.k8s_api_request_retry_timeout,
        )


def _body(error: ApiException) -> dict[str, Any]:
    """Return the status document of an error of the Kubernetes client."""
    try:
        document = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
