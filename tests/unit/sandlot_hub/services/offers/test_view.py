from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
    view = build_view(offers, settings.settings, running={}, age_s=1.9)
    assert view.age == "1 second ago"
    assert (view.as_of, view.notice) == ("2026-11-21T10:00:00Z", "Not known since noon.")
    notebook, teaching = view.profiles
    assert (notebook.slug, notebook.name) == ("notebook", "Notebook")
    assert notebook.description == "For <everyday> work"
    assert notebook.rows == (
        OfferRow(
            image="Base 2026-10", size="Small", state="available", reason="", places="", instead=()
        ),
        OfferRow(
            image="SciPy",
            size="Huge",
            state="unavailable",
            reason="Too large.",
            places="",
            instead=("SciPy, Small",),
        ),
    )
    assert [(row.state, row.reason) for row in teaching.rows] == [("unknown", "")]


def test_nothing_is_nothing(settings: LoadedSettings) -> None:
    empty = OfferList(user="a", as_of="", settings_hash="", offers=())
    view = build_view(empty, settings.settings, running=None, age_s=0)
    assert (view.notice, view.profiles) == ("", ())


@pytest.mark.parametrize(
    ("limit", "running", "words"),
    [
        pytest.param(None, {"small": 3}, "", id="no-limit"),
        pytest.param(4, None, "at most 4 at once", id="not-known"),
        pytest.param(4, {"small": 3}, "3 of 4 places taken", id="some"),
        pytest.param(4, {"huge": 3}, "0 of 4 places taken", id="none"),
        pytest.param(1, {"small": 1}, "1 of 1 places taken", id="full"),
    ],
)
def test_places(
    settings: LoadedSettings, limit: int | None, running: dict[str, int] | None, words: str
) -> None:
    sizes = settings.settings.sizes
    small = sizes["small"].model_copy(update={"max_running": limit})
    limited = settings.settings.model_copy(update={"sizes": {**sizes, "small": small}})
    offer = Offer(profile="notebook", image="base", size="small", state="available")
    offers = OfferList(user="alice", as_of="", settings_hash="", offers=(offer,))
    view = build_view(offers, limited, running=running, age_s=0)
    assert view.profiles[0].rows[0].places == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(0.2, "0 seconds ago", id="now"),
        pytest.param(59.9, "59 seconds ago", id="seconds"),
        pytest.param(60, "1 minute ago", id="minute"),
        pytest.param(7200, "120 minutes ago", id="minutes"),
    ],
)
def test_age(settings: LoadedSettings, seconds: float, words: str) -> None:
    empty = OfferList(user="a", as_of="", settings_hash="", offers=())
    view = build_view(empty, settings.settings, running=None, age_s=seconds)
    assert view.age == words
