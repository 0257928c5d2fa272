from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandlot_hub.domain.capacity.facilities import Facilities, Mode
from sandlot_hub.domain.choices.plan import Plan
from sandlot_hub.domain.offers.decision import decide_offers
from sandlot_hub.domain.offers.profiles import resolve, visible
from sandlot_hub.domain.settings.model import SandlotSettings
from sandlot_hub.domain.values.refusals import Refused
from support.capacities import capacity, flavor, size
from support.catalogue import person

if TYPE_CHECKING:
    from sandlot_contracts.capacity import CapacityScope, CapacityState, FlavorState, SizeState
    from sandlot_contracts.offers import Offer
    from sandlot_hub.domain.offers.shown import VisibleProfile

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TWELVE = {"waiting": 3, "oldest_waiting": "2026-11-21T11:47:30Z"}
ALONE = {"waiting": 1, "oldest_waiting": "2026-11-21T11:59:30Z"}
NEXT = " Next: choose another size, or try again later."
EVER = " Next: choose another size."
WAIT = " Next: start the server and wait, or choose another size."


def _size(name: str, cpus: int, memory: str, count: int = 0) -> dict[str, Any]:
    entry: dict[str, Any] = {"display_name": name, "cpus": cpus, "memory": memory}
    if count:
        entry["accelerator"] = {"flavor": "l4", "count": count}
    return entry


def _settings(when_full: str | None = None, **more: Any) -> SandlotSettings:
    images = {"base": {"display_name": "Base", "reference": "registry.invalid/base:1"}}
    profile: dict[str, Any] = {"display_name": "GPU", "images": ["base"], "when_full": when_full}
    return SandlotSettings.model_validate(
        {
            "version": 1,
            "images": images,
            "accelerators": {"l4": {"display_name": "NVIDIA L4"}},
            "sizes": {
                "one": _size("One", 8, "64 GiB", 1),
                "eight": _size("Eight", 16, "128 GiB", 8),
                "plain": _size("Plain", 2, "4 GiB"),
            },
            "profiles": {"gpu": {**profile, "sizes": ["one", "eight", "plain"], **more}},
        }
    )


def _here(counted: CapacityState | None) -> Facilities:
    return Facilities(mode=Mode.KUBERNETES, capacity=counted, now=NOW)


def _offer(slug: str, counted: CapacityState | None, settings: SandlotSettings) -> Offer:
    listed = decide_offers(
        entitlements=person(), settings=settings, facilities=_here(counted), now=NOW
    )
    [offer] = [offer for offer in listed.offers if offer.size == slug]
    return offer


def _visible(counted: CapacityState | None, settings: SandlotSettings) -> VisibleProfile:
    [profile] = visible(person(), settings, _here(counted))
    return profile


# What is free, by what is wanted: state, code, few words, mark, sentence.
ROWS = [
    pytest.param(
        "one", flavor(5, 12), size(5), "available", None, "5 of 12 free", "free", "", id="free"
    ),
    pytest.param(
        "one", flavor(1, 12), size(1), "available", None, "1 of 12 free", "few", "", id="the-last"
    ),
    pytest.param(
        "eight", flavor(16, 64), size(2), "available", None, "fits now", "few", "", id="several"
    ),
    pytest.param(
        "one", flavor(0, 8, **TWELVE), size(0, "accelerator"), "unavailable",
        "accelerators-busy", "none free, 3 waiting, oldest 12 min", "full",
        "No NVIDIA L4 is free (8 of 8 in use, 3 others waiting, the oldest 12 min)." + NEXT,
        id="busy",
    ),
    pytest.param(
        "one", flavor(0, 8, **ALONE), size(0, "accelerator"), "unavailable",
        "accelerators-busy", "none free, 1 waiting, oldest under 1 min", "full",
        "No NVIDIA L4 is free (8 of 8 in use, 1 other waiting for under 1 min)." + NEXT,
        id="one-waits",
    ),
    pytest.param(
        "one", flavor(0, 8, down=2), size(0, "accelerator"), "unavailable",
        "accelerators-busy", "none free, 2 down", "full",
        "No NVIDIA L4 is free (6 of 8 in use, 2 on nodes that are down)." + NEXT, id="down",
    ),
    pytest.param(
        "eight", flavor(3, 8), size(0, "accelerator"), "unavailable",
        "accelerators-busy", "only 3 of 8 free", "full",
        "Only 3 NVIDIA L4 are free, and this size needs 8 (5 of 8 in use)." + NEXT, id="too-few",
    ),
    pytest.param(
        "eight", flavor(9, 16, largest_block=4), size(0, "block"), "unavailable",
        "block-too-small", "largest free block is 4", "full",
        "The largest free block of NVIDIA L4 is 4, and this size needs 8 on one node "
        "(9 of 16 are free)." + NEXT, id="block",
    ),
    pytest.param(
        "one", flavor(3, 8), size(0, "memory"), "unavailable",
        "room-too-small", "not enough memory beside them", "full",
        "3 NVIDIA L4 are free, but not with 64 GiB of memory beside them on one node." + NEXT,
        id="memory",
    ),
    pytest.param(
        "one", flavor(1, 8), size(0, "cpus"), "unavailable",
        "room-too-small", "not enough CPU beside it", "full",
        "1 NVIDIA L4 is free, but not with 8 CPU beside it on one node." + NEXT, id="cpu",
    ),
    pytest.param(
        "one", flavor(1, 8), size(0, "servers"), "unavailable",
        "room-too-small", "no room for a server beside it", "full",
        "1 NVIDIA L4 is free, but not with room for one more server beside it on one node." + NEXT,
        id="servers",
    ),
    pytest.param(
        "one", flavor(0, 8, down=8), size(0, "node"), "unavailable",
        "nodes-down", "its nodes are down", "full",
        "No node with NVIDIA L4 can be used now (0 of 8 in use, 8 are on nodes that are down)."
        + NEXT, id="nodes",
    ),
    pytest.param(
        "eight", flavor(4, 4), size(0, ever=False), "unavailable",
        "size-never-fits", "larger than any node", "off",
        "No node can ever hold this size: 8 × NVIDIA L4 with 16 CPU and 128 GiB of memory."
        + EVER, id="never",
    ),
    pytest.param(
        "one", flavor(0, 0), size(0, "node", ever=False), "unavailable",
        "size-never-fits", "there is none", "off", "There is no NVIDIA L4 here." + EVER, id="none",
    ),
    pytest.param(
        "one", flavor(0, 8, may_grow=8, growth_takes_s=290.0), size(0, "accelerator"), "wait",
        "accelerators-busy", "none free: a node can be added, usually 5 min", "wait",
        "No NVIDIA L4 is free (8 of 8 in use). But a node can be added, which usually takes "
        "5 min." + WAIT, id="grows",
    ),
    pytest.param(
        "one", flavor(0, 8, may_grow=None, growth_takes_s=20.0), size(0, "accelerator"), "wait",
        "accelerators-busy", "none free: a node can be added, usually 1 min", "wait",
        "No NVIDIA L4 is free (8 of 8 in use). But a node can be added, which usually takes "
        "1 min." + WAIT, id="grows-somehow",
    ),
    pytest.param(
        "one", flavor(0, 8, may_grow=8), size(0, "accelerator"), "wait",
        "accelerators-busy", "none free: a node can be added", "wait",
        "No NVIDIA L4 is free (8 of 8 in use). But a node can be added." + WAIT, id="grows-once",
    ),
    pytest.param(
        "one", flavor(0, 0, may_grow=8, **TWELVE), size(0, "node"), "wait", "nodes-down",
        "none here now: a node can be added", "wait",
        "There is no NVIDIA L4 here now (3 others waiting, the oldest 12 min). But a node can be "
        "added." + WAIT, id="grows-from-none",
    ),
    pytest.param(
        "one", flavor(0, 8), size(0, "unknown"), "unknown", "availability-unknown", "not known",
        "unknown", "How many NVIDIA L4 are free cannot be counted here. Next: start the server; "
        "while it waits, the page says what for.", id="not-counted",
    ),
    pytest.param(
        "plain", None, size(4), "available", None, "available", "open", "", id="plain",
    ),
    pytest.param(
        "plain", None, size(0, "memory"), "wait", "room-too-small", "not enough memory free",
        "wait", "No node has 4 GiB of memory free." + WAIT, id="plain-memory",
    ),
    pytest.param(
        "plain", None, size(0, "cpus"), "wait", "room-too-small", "not enough CPU free", "wait",
        "No node has 2 CPU free." + WAIT, id="plain-cpu",
    ),
    pytest.param(
        "plain", None, size(0, "servers"), "wait", "room-too-small", "no room for more servers",
        "wait", "There is no room for one more server." + WAIT, id="plain-servers",
    ),
    pytest.param(
        "plain", None, size(0, "node"), "wait", "nodes-down", "no room now", "wait",
        "Nothing that this size could run on can be used now." + WAIT, id="plain-nodes",
    ),
    pytest.param(
        "plain", None, size(0, ever=False), "wait", "size-never-fits", "larger than any node",
        "wait", "No node can ever hold this size: 2 CPU and 4 GiB of memory." + WAIT,
        id="plain-never",
    ),
    pytest.param(
        "plain", None, size(0, "node", ever=False), "wait", "size-never-fits", "no node for it",
        "wait", "No node can ever hold this size: 2 CPU and 4 GiB of memory." + WAIT,
        id="plain-no-node",
    ),
    pytest.param(
        "plain", None, size(0, "unknown"), "unknown", "availability-unknown", "not known",
        "unknown", "What is free cannot be counted here. Next: start the server; while it waits, "
        "the page says what for.", id="plain-not-counted",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("slug", "accelerators", "room", "state", "code", "brief", "mark", "sentence"), ROWS
)
def test_what_is_said(
    slug: str,
    accelerators: FlavorState | None,
    room: SizeState,
    state: str,
    code: str | None,
    brief: str,
    mark: str,
    sentence: str,
) -> None:
    flavors = {} if accelerators is None else {"l4": accelerators}
    counted = capacity(flavors, {slug: room})
    settings = _settings()
    offer = _offer(slug, counted, settings)
    assert (offer.state, offer.reason and offer.reason.code) == (state, code)
    assert (offer.reason.message if offer.reason else "") == sentence
    [choice] = [each for each in _visible(counted, settings).sizes if each.slug == slug]
    assert (choice.words.text, choice.words.mark) == (brief, mark)
    # Whoever presses the button is told the same.
    request = {"profile": "gpu", "image": "base", "size": slug}
    answer = resolve(request, entitlements=person(), settings=settings, facilities=_here(counted))
    if state == "unavailable":
        assert isinstance(answer, Refused)
        assert (answer.code, answer.message, answer.status) == (code, sentence, 409)
    else:
        assert isinstance(answer, Plan)


BUSY = {"l4": flavor(0, 8)}
FULL = size(0, "accelerator")
NO_ROOM = size(0, "memory")


@pytest.mark.parametrize(
    ("slug", "room", "when_full", "scope", "state"),
    [
        pytest.param("one", FULL, None, "cluster", "unavailable", id="gpu"),
        pytest.param("one", FULL, "refuse", "cluster", "unavailable", id="gpu-refuse"),
        pytest.param("one", FULL, "wait", "cluster", "wait", id="gpu-wait"),
        pytest.param("one", FULL, "wait", "machine", "unavailable", id="no-queue-on-a-machine"),
        pytest.param("plain", NO_ROOM, None, "cluster", "wait", id="cpu"),
        pytest.param("plain", NO_ROOM, "refuse", "cluster", "unavailable", id="cpu-refuse"),
        pytest.param("plain", NO_ROOM, "wait", "cluster", "wait", id="cpu-wait"),
        pytest.param(
            "one", size(0, ever=False), "wait", "cluster", "unavailable", id="never-is-no-wait"
        ),
        pytest.param(
            "plain", size(0, ever=False), "refuse", "cluster", "unavailable", id="never-refuse"
        ),
    ],
)
def test_what_a_profile_does_when_full(
    slug: str, room: SizeState, when_full: str | None, scope: CapacityScope, state: str
) -> None:
    counted = capacity(BUSY, {slug: room}, scope=scope)
    assert _offer(slug, counted, _settings(when_full)).state == state


def test_profiles_that_are_alike_but_for_that_are_told_apart() -> None:
    document = _settings("refuse").model_dump(mode="json")
    document["profiles"]["queue"] = {**document["profiles"]["gpu"], "when_full": "wait"}
    settings = SandlotSettings.model_validate(document)
    shown = visible(person(), settings, _here(capacity(BUSY, {"one": FULL, "eight": FULL})))
    states = {each.slug: [size.words.mark for size in each.sizes] for each in shown}
    assert states == {"gpu": ["full", "full", "open"], "queue": ["wait", "wait", "open"]}
    assert [each.refusal for each in shown] == [None, None]


@pytest.mark.parametrize(
    ("counted", "slug", "state"),
    [
        pytest.param(None, "one", "unknown", id="nothing-known"),
        pytest.param(None, "plain", "available", id="nothing-known-plain"),
        pytest.param(capacity(scope="namespace"), "one", "unknown", id="own-namespace"),
        pytest.param(capacity(scope="namespace"), "plain", "available", id="own-namespace-plain"),
        pytest.param(capacity({}, {"one": FULL}), "one", "unknown", id="no-flavor"),
        pytest.param(capacity(BUSY), "one", "unknown", id="no-size"),
    ],
)
def test_what_is_not_known_refuses_nobody(
    counted: CapacityState | None, slug: str, state: str
) -> None:
    settings = _settings("refuse")
    assert _offer(slug, counted, settings).state == state
    request = {"profile": "gpu", "image": "base", "size": slug}
    answer = resolve(request, entitlements=person(), settings=settings, facilities=_here(counted))
    assert isinstance(answer, Plan)


@pytest.mark.parametrize(
    ("counted", "text", "mark"),
    [
        pytest.param(capacity({"l4": flavor(5, 12)}, {"one": size(5), "eight": size(0, "block")}),
                     "5 of 12 free", "free", id="some"),
        pytest.param(capacity({"l4": flavor(0, 12, **TWELVE)}, {"one": FULL, "eight": FULL}),
                     "none free, 3 waiting, oldest 12 min", "full", id="none"),
        pytest.param(capacity({"l4": flavor(0, 12, may_grow=8)}, {"one": FULL, "eight": FULL}),
                     "none free: a node can be added", "wait", id="grows"),
        pytest.param(None, "not known", "unknown", id="not-known"),
    ],
)  # fmt: skip
def test_a_profile_in_few_words(counted: CapacityState | None, text: str, mark: str) -> None:
    profile = _visible(counted, _settings(sizes=["one", "eight"]))
    assert (profile.words.text, profile.words.mark) == (text, mark)


def test_nobody_waits_in_a_profile_that_is_closed_to_them() -> None:
    settings = _settings("wait", allow={"groups": ["others"]})
    profile = _visible(capacity(BUSY, {"one": FULL}), settings)
    assert profile.refusal is not None
    assert [each.waits for each in profile.sizes] == [None, None, None]


def test_a_profile_with_something_else_is_open() -> None:
    profile = _visible(capacity(BUSY, {"one": FULL, "eight": FULL}), _settings())
    assert (profile.words.text, profile.words.mark) == ("available", "open")


def test_a_full_profile_says_why() -> None:
    counted = capacity({"l4": flavor(0, 8)}, {"one": FULL, "eight": FULL})
    settings = _settings(sizes=["one", "eight"])
    profile = _visible(counted, settings)
    assert profile.refusal is not None
    assert profile.refusal.message == (
        "The profile “GPU” cannot be started now. No NVIDIA L4 is free (8 of 8 in use). "
        "Next: choose another profile, or try again later."
    )
    assert profile.summary.accelerators == ("1–8 × NVIDIA L4",)


def test_on_one_machine_there_are_no_nodes() -> None:
    counted = capacity(
        {"l4": flavor(2, 2)}, {"one": size(0, "memory"), "eight": size(0, ever=False)},
        scope="machine",
    )  # fmt: skip
    told = [_offer(slug, counted, _settings()).reason for slug in ("one", "eight")]
    assert [reason.message for reason in told if reason] == [
        "2 NVIDIA L4 are free, but not with 64 GiB of memory beside them on this machine." + NEXT,
        "This machine can never hold this size." + EVER,
    ]


@pytest.mark.parametrize(
    ("since", "told"),
    [
        pytest.param("2026-11-21T09:50:00Z", "2 h 10 min", id="hours"),
        pytest.param("2026-11-21T10:00:00Z", "2 h", id="whole-hours"),
        pytest.param("2026-11-18T11:00:00Z", "3 d", id="days"),
        pytest.param("2026-11-21T12:05:00Z", "under 1 min", id="a-clock-that-is-ahead"),
        pytest.param("2026-11-21T13:47:30+02:00", "12 min", id="another-zone"),
    ],
)
def test_how_long_the_oldest_waits(since: str, told: str) -> None:
    counted = capacity({"l4": flavor(0, 8, waiting=2, oldest_waiting=since)}, {"one": FULL})
    [one] = [each for each in _visible(counted, _settings()).sizes if each.slug == "one"]
    assert one.words.text == f"none free, 2 waiting, oldest {told}"


@pytest.mark.parametrize("since", [None, "yesterday", "2026-11-21T11:47:30"])
def test_a_time_that_is_not_known_is_left_out(since: str | None) -> None:
    counted = capacity({"l4": flavor(0, 8, waiting=2, oldest_waiting=since)}, {"one": FULL})
    [one] = [each for each in _visible(counted, _settings()).sizes if each.slug == "one"]
    assert one.words.text == "none free, 2 waiting"


def test_places_count_where_there_are_fewer_of_them() -> None:
    settings = _settings()
    document = settings.model_dump(mode="json")
    document["sizes"]["one"]["max_running"] = 4
    limited = SandlotSettings.model_validate(document)
    counted = capacity({"l4": flavor(5, 12)}, {"one": size(5)})
    here = Facilities(mode=Mode.KUBERNETES, capacity=counted, running={"one": 3}, now=NOW)
    [profile] = visible(person(), limited, here)
    assert profile.sizes[0].words.text == "1 of 4 free"
