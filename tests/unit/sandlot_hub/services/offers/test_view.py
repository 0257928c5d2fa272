from __future__ import annotations

from typing import TYPE_CHECKING

from sandlot_contracts.offers import Offer, OfferList, Reason
from sandlot_contracts.problem import Alternative
from sandlot_hub.services.offers.view import OfferRow, build_view

if TYPE_CHECKING:
    from sandlot_hub.adapters.settings_file import LoadedSettings


def test_offers_get_the_names_that_people_know(settings: LoadedSettings) -> None:
    offers = OfferList(
        user="alice",
        as_of="2026-11-21T10:00:00Z",
        settings_hash=settings.hash,
        offers=(
            Offer(profile="notebook", image="base", size="small", state="available"),
            Offer(
                profile="notebook",
                image="scipy",
                size="huge",
                state="unavailable",
                reason=Reason(code="size-unavailable", message="Too large."),
                alternatives=(
                    Alternative(
                        profile="notebook", image="scipy", size="small", label="SciPy, Small"
                    ),
                ),
            ),
            Offer(
                profile="teaching",
                image="base",
                size="small",
                state="unknown",
                reason=Reason(code="availability-unknown", message="Not known since noon."),
            ),
        ),
    )
    view = build_view(offers, settings.settings)
    assert (view.as_of, view.notice) == ("2026-11-21T10:00:00Z", "Not known since noon.")
    notebook, teaching = view.profiles
    assert (notebook.slug, notebook.name) == ("notebook", "Notebook")
    assert notebook.description == "For <everyday> work"
    assert notebook.rows == (
        OfferRow(image="Base 2026-10", size="Small", state="available", reason="", instead=()),
        OfferRow(
            image="SciPy",
            size="Huge",
            state="unavailable",
            reason="Too large.",
            instead=("SciPy, Small",),
        ),
    )
    assert [(row.state, row.reason) for row in teaching.rows] == [("unknown", "")]


def test_nothing_is_nothing(settings: LoadedSettings) -> None:
    empty = OfferList(user="a", as_of="", settings_hash="", offers=())
    view = build_view(empty, settings.settings)
    assert (view.notice, view.profiles) == ("", ())
