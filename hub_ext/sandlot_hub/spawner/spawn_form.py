"""The spawn form of one server, as things are now."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sandlot_hub.adapters.clock import SystemClock
from sandlot_hub.domain.choices.capacity_claims import capacity_after
from sandlot_hub.domain.offers.profile_list import build_profile_list
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.values.refusals import Refused

from .availability import Availability
from .browser_requests import BrowserRequests
from .entitlements import HubGroups
from .form import FormNotes, FormPage, ImpossibleChoice, preselection, render_form
from .offers_feed import FEED_KEY, SERVICE, OffersFeed, build_feed
from .page_files import page_files
from .places import PLACES_KEY, Places

if TYPE_CHECKING:
    from sandlot_contracts.session import Isolation
    from sandlot_hub.domain.capacity.facilities import Facilities
    from sandlot_hub.domain.values.entitlements import Entitlements
    from sandlot_hub.domain.values.ports import Clock, EntitlementsSource


class SpawnForm(BrowserRequests):
    """Shows what the owner may start: the same that `resolve` would answer now."""

    refused_options: object = None
    """What was asked for and refused last, of any shape; None after a start."""

    refusal: Refused | None = None
    """Why."""

    clock: Clock = SystemClock()
    """The time."""

    # --- what a subclass says --------------------------------------------------------

    async def facilities(self) -> Facilities:
        """Return what can be started now. Asked for at every start, and by forms without a feed.

        Raises
        ------
        SpawnUnavailableError
            It could not be found out.
        """
        raise NotImplementedError

    @property
    def counted_at(self) -> float:
        """When what `facilities` says is free was counted, in seconds of the monotonic clock.

        0 where nothing is counted.
        """
        return 0.0

    def isolation(self) -> Isolation:
        """Return what keeps this server apart from those of other users."""
        raise NotImplementedError

    def form_notes(self, facilities: Facilities) -> FormNotes:
        """Return what the form says about CPU and memory here."""
        return FormNotes(
            cpu_enforced=facilities.cpu_enforced, memory_enforced=facilities.memory_enforced
        )

    async def availability(self) -> Availability:
        """Return what the form shows.

        Raises
        ------
        SpawnUnavailableError
            It could not be found out.
        """
        facilities = await self.facilities()
        return Availability(facilities=facilities, notes=self.form_notes(facilities))

    @property
    def entitlements_source(self) -> EntitlementsSource:
        """Where the owner's groups come from."""
        return HubGroups(self.user)

    # --- what is the same for all ----------------------------------------------------

    @property
    def places(self) -> Places:
        """Who holds a place of which size, in this hub."""
        return self.shared(PLACES_KEY, Places)

    @property
    def feed(self) -> OffersFeed | None:
        """The offers service; None when this hub has none."""
        service = self.user.settings.get("services", {}).get(SERVICE)
        if service is None or not service.url or not service.api_token:
            return None
        return self.shared(
            FEED_KEY,
            lambda: build_feed(
                service,
                settings=self.required_settings,
                settings_hash=self.settings_hash,
                log=self.log,
            ),
        )

    def entitlements(self) -> Entitlements:
        """Return who the owner is."""
        return self.entitlements_source.entitlements(self.user.name)

    def counted(self, facilities: Facilities, counted_at: float) -> Facilities:
        """Return facilities with the servers that this hub starts or runs, exact as of now.

        What others report of them is older than what this hub has granted since.

        Parameters
        ----------
        facilities
            As others report them.
        counted_at
            When what is free was counted, in seconds of the monotonic clock.
        """
        capacity = facilities.capacity
        if capacity is not None:
            begun = self.places.begun_since(counted_at)
            capacity = capacity_after(capacity, begun, settings=self.required_settings)
        return dataclasses.replace(
            facilities,
            running=self.places.running(),
            capacity=capacity,
            now=self.clock.now(),
        )

    async def get_options_form(self) -> str:
        """Return the spawn form as HTML, for the owner as things are now."""
        return await self.posted_for.render_own_form()

    async def render_own_form(self) -> str:
        """Return the form of this very server."""
        page = self.opened_page
        if page is not None:
            # It holds a ticket and the token of the form; and *Back* shall show what is now.
            # The answer to a form that was sent, where there is no page, is kept nowhere.
            page.set_header("Cache-Control", "no-store")
        seen = await self.availability()
        facilities = self._shown(seen)
        selected, form = self._choose(facilities)
        profiles = self._profile_list(facilities, selected)
        form = dataclasses.replace(form, known=seen.live, age_s=seen.age_s)
        return render_form(profiles, notes=seen.notes, page=form)

    async def kubespawner_profiles(self) -> list[dict[str, Any]]:
        """Return what the owner is shown as KubeSpawner's ``profile_list``."""
        facilities = self._shown(await self.availability())
        return self._profile_list(facilities, self._choose(facilities)[0])

    def _shown(self, seen: Availability) -> Facilities:
        if seen.live or self.feed is None:
            return self.counted(seen.facilities, seen.counted_at)
        # An open page says then that it does not know: no number may say otherwise.
        return dataclasses.replace(seen.facilities, running=None)

    def _profile_list(
        self, facilities: Facilities, selected: dict[str, str]
    ) -> list[dict[str, Any]]:
        profiles = visible(self.entitlements(), self.required_settings, facilities)
        return build_profile_list(profiles, selected)

    def _choose(self, facilities: Facilities) -> tuple[dict[str, str], FormPage]:
        """Return what is preselected, and the page that says why it is not the last choice."""
        page = self._page()
        # After a refusal the form shows what was asked for, so that one click mends it.
        wanted = self.last_options if self.refusal is None else self.refused_options
        if self.refusal is None and self.last_options is None:
            return {}, page
        again = resolve(
            wanted,
            entitlements=self.entitlements(),
            settings=self.required_settings,
            facilities=facilities,
        )
        if not isinstance(again, Refused):
            # Its successor where an entry was replaced; and what was refused may be free by now.
            return again.options, page
        why = ImpossibleChoice(
            message=again.message,
            code=again.code,
            alternatives=again.alternatives,
            choice=preselection(wanted),
        )
        if self.refusal is None:
            return preselection(wanted), dataclasses.replace(page, last=why)
        return preselection(wanted), dataclasses.replace(page, refused=why)

    def _page(self) -> FormPage:
        addresses, feed = self.addresses, self.feed
        page = FormPage(
            user=self.user.name,
            server_name=self.name,
            spawn_url=addresses.spawn,
            static_url=page_files().url(addresses.hub),
            price_unit=self.required_settings.price_unit,
            settings_hash=self.settings_hash,
            named_servers=bool(self.user.settings.get("allow_named_servers")),
        )
        if feed is None:
            return page
        return dataclasses.replace(
            page,
            stream_url=feed.stream_url,
            ticket=feed.ticket(self.entitlements()),
            ticket_url=addresses.ticket,
            availability_url=feed.availability_url if self.required_settings.accelerators else "",
        )
