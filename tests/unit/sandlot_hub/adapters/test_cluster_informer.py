"""Tests of what the informer makes of lists, watches and everything that breaks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandlot_hub.adapters.cluster_access import ClusterAccessError
from sandlot_hub.adapters.cluster_informer_projection import PodKind
from sandlot_hub.adapters.cluster_informer_wire import PageTooLargeError, SilentError
from sandlot_hub.domain.pods.ports import ClusterRefusedError, ClusterUnreachableError
from support.informer_bench import PACE, away, bench
from support.memory_api import PODS, MemoryApi, pod


@pytest.mark.asyncio
async def test_it_lists_by_pages_and_then_watches_from_there() -> None:
    async with bench("a", "b", "c", "d", "e", pace=replace(PACE, page=2)) as b:
        await b.knows("a", "b", "c", "d", "e")
        await b.watches()
        first, *others = b.api.lists(PODS)
        # No version: the newest, whoever answers.
        assert first == {"limit": "2"}
        assert [each["continue"] for each in others] == ["105/2", "105/4"]
        assert b.api.watches(PODS) == [
            {
                "watch": "1",
                "allowWatchBookmarks": "true",
                "resourceVersion": "105",
                "timeoutSeconds": "10",
            }
        ]


@pytest.mark.asyncio
async def test_it_hears_of_every_change() -> None:
    async with bench("a") as b:
        await b.watches()
        b.api.put(PODS, pod("b", gpus="2"))
        b.api.put(PODS, pod("a", phase="Succeeded"))
        await b.knows("b")
        assert b.known.records["hub/b"].requests["nvidia.com/gpu"] == 2
        b.api.delete(PODS, "hub/b")
        await b.knows()
        assert b.informer.counts.events == 3


@pytest.mark.asyncio
async def test_a_watch_that_ends_as_asked_goes_on_from_the_last_bookmark() -> None:
    async with bench("a") as b:
        await b.watches()
        await b.bookmarked(140)
        b.time.seconds += 10
        await b.broken_off(None)
        await b.until(lambda: len(b.api.watches(PODS)) == 2)
        assert b.time.pauses == [0.0]
        assert b.api.watches(PODS)[1]["resourceVersion"] == "140"
        assert (b.informer.counts.lists, b.informer.counts.failures) == (1, 0)


@pytest.mark.asyncio
async def test_watches_that_end_at_once_are_asked_for_once_a_second() -> None:
    async with bench("a") as b:
        for _ in range(5):
            await b.broken_off(None)
            assert b.time.pauses == [1.0]


@pytest.mark.asyncio
@pytest.mark.parametrize("jitter", [pytest.param(0.0, id="none"), pytest.param(1.0, id="most")])
async def test_pauses_grow_and_start_anew_when_something_is_heard(jitter: float) -> None:
    async with bench("a", jitter=jitter) as b:
        await b.watches()
        b.time.seconds += 100
        b.api.fail(PODS, *away(6), watch=True)
        await b.broken_off(away()[0])
        await b.until(lambda: len(b.time.pauses) == 7)
        longer = 1 + jitter / 2
        # The first at once, since nobody was asked for long.
        assert b.time.pauses == [0.0, *(each * longer for each in (2, 4, 8, 10, 10, 10))]
        await b.watches()
        await b.bookmarked()
        assert b.informer.counts.failures == 7
        await b.broken_off(away()[0])
        assert b.time.pauses == [longer]


RETRY_AFTER = [
    pytest.param({"retryAfterSeconds": 30}, 30.0, id="asked"),
    pytest.param({"retryAfterSeconds": 1}, 2.0, id="shorter-than-ours"),
    pytest.param({"retryAfterSeconds": 86_400}, 120.0, id="a-day"),
    pytest.param({"retryAfterSeconds": "soon"}, 2.0, id="no-number"),
    pytest.param({"retryAfterSeconds": -5}, 2.0, id="negative"),
    pytest.param(None, 2.0, id="not-said"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("details", "expected"), RETRY_AFTER)
async def test_the_api_server_may_say_when_to_come_back(details: object, expected: float) -> None:
    async with bench("a", jitter=0.0) as b:
        await b.watches()
        b.api.fail(PODS, ClusterRefusedError(429, {"details": details}), watch=True)
        await b.broken_off(away()[0])
        await b.until(lambda: len(b.time.pauses) == 2)
        assert b.time.pauses[1] == expected


@pytest.mark.asyncio
async def test_what_ended_while_the_cluster_forgot_is_gone_with_one_list() -> None:
    async with bench("a", "b") as b:
        await b.watches()
        b.time.seconds += 10
        b.api.end(PODS)
        b.api.remove_silently(PODS, "hub/a")
        await b.knows("b")
        await b.watches()
        assert len(b.api.lists(PODS)) == 2
        # The one request that was told so, then at least a second.
        assert b.time.pauses == [0.0, 1.0]


@pytest.mark.asyncio
async def test_an_error_event_says_the_same() -> None:
    async with bench("a", "b") as b:
        await b.watches()
        b.time.seconds += 10
        b.api.remove_silently(PODS, "hub/a")
        status = {"kind": "Status", "code": 410, "status": "Failure", "reason": "Expired"}
        b.api.tell(PODS, json.dumps({"type": "ERROR", "object": status}).encode())
        await b.knows("b")
        assert len(b.api.lists(PODS)) == 2
        # Others were told the same at this moment.
        assert b.time.pauses == [0.5]


@pytest.mark.asyncio
async def test_a_list_that_is_forgotten_before_its_end_begins_anew() -> None:
    api = MemoryApi()
    async with bench("a", "b", "c", api=api, pace=replace(PACE, page=2)) as b:
        await b.until(lambda: len(api.lists(PODS)) == 2)
        api.put(PODS, pod("d"))
        api.forget()
        await b.knows("a", "b", "c", "d")
        assert [("continue" in each) for each in api.lists(PODS)] == [False, True, False, True]
        assert b.known.listed == 1


@pytest.mark.asyncio
async def test_a_page_that_is_too_large_is_asked_for_in_parts() -> None:
    api = MemoryApi()
    api.fail(PODS, *[PageTooLargeError("much")] * 6)
    async with bench("a", api=api) as b:
        await b.knows("a")
        limits = [each["limit"] for each in api.lists(PODS)]
        assert limits == ["500", "125", "31", "7", "1", "1", "1"]


@pytest.mark.asyncio
async def test_an_older_list_is_not_taken_until_it_is_certain_that_there_is_no_newer_one() -> None:
    async with bench("a", pace=replace(PACE, restored=120.0)) as b:
        await b.watches()
        b.api.put(PODS, pod("b"))
        await b.knows("a", "b")
        b.api.delete(PODS, "hub/b")
        b.api.restore(50)
        await b.broken_off(ClusterRefusedError(410, {}))
        began = b.time.seconds
        await b.until(lambda: b.known.listed == 2)
        assert b.time.seconds - began > 120
        await b.knows("a")
        # And it goes on from there.
        await b.watches()
        b.api.put(PODS, pod("c"))
        await b.knows("a", "c")


@pytest.mark.asyncio
async def test_who_lags_behind_is_not_listened_to() -> None:
    async with bench("a") as b:
        await b.watches()
        await b.bookmarked(200)
        b.time.seconds += 5
        heard = b.informer.heard
        b.api.bookmark(PODS, 150)
        await b.until(lambda: b.informer.counts.failures == 1)
        failed = b.informer.heard
        await b.until(lambda: len(b.api.watches(PODS)) == 2)
        assert b.api.watches(PODS)[1]["resourceVersion"] == "200"
        # Nor does it prove that what is known still holds.
        assert heard == failed
        assert len(b.api.lists(PODS)) == 1


@pytest.mark.asyncio
async def test_what_is_known_counts_for_a_while() -> None:
    async with bench("a") as b:
        assert b.informer.trusted_until == float("-inf")
        await b.watches()
        assert b.informer.trusted_until == 13.0
        b.api.fail(PODS, *away(3), watch=True)
        b.time.seconds = 5.0
        await b.bookmarked()
        assert b.informer.trusted_until == 18.0
        b.time.seconds = 8.0
        b.api.end(PODS, *away())
        await b.until(lambda: b.informer.counts.failures == 4)
        # When it broke off, and 2.5 s; not when it was tried last.
        assert b.informer.trusted_until == 10.5
        await b.watches()
        assert b.informer.trusted_until == b.time.seconds + 13


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "told", [pytest.param(True, id="says-something"), pytest.param(False, id="ends-as-asked")]
)
async def test_after_silence_only_what_comes_through_counts(*, told: bool) -> None:
    async with bench("a") as b:
        await b.watches()
        b.time.seconds = 13.0
        for watches in (2, 3):
            b.api.end(PODS, SilentError("SocketTimeoutError"))
            await b.until(partial(b.has_asked, watches))
            await b.watches()
            # Its answer has begun, as that of the one before.
            assert b.informer.trusted_until <= 13.0
            assert b.api.watches(PODS)[-1]["timeoutSeconds"] == "1"
        if told:
            b.api.bookmark(PODS)
        else:
            b.api.end(PODS)
        await b.until(lambda: b.informer.trusted_until >= b.time.seconds + 13)
        b.api.end(PODS)
        await b.until(lambda: b.api.watches(PODS)[-1]["timeoutSeconds"] == "10")
        assert len(b.api.lists(PODS)) == 1


REFUSING = [
    pytest.param(ClusterUnreachableError("away"), id="away"),
    pytest.param(ClusterRefusedError(500, {}), id="500"),
    pytest.param(ClusterRefusedError(401, {}), id="401"),
    pytest.param(ClusterRefusedError(504, {"reason": "Timeout"}), id="504"),
    pytest.param(ClusterAccessError("no file"), id="no-credentials"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("error", REFUSING)
@pytest.mark.parametrize("watch", [pytest.param(True, id="watch"), pytest.param(False, id="list")])
async def test_it_tries_again(error: Exception, watch: bool) -> None:
    api = MemoryApi()
    api.fail(PODS, error, error, watch=watch)
    async with bench("a", api=api) as b:
        await b.knows("a")
        await b.watches()
        assert b.informer.counts.failures == 2
        # A list is not read again because the watch after it failed.
        assert len(api.lists(PODS)) == (1 if watch else 3)


@pytest.mark.asyncio
async def test_who_may_not_look_stops_asking() -> None:
    async with bench("a") as b:
        await b.watches()
        b.api.allowed = False
        b.api.end(PODS)
        await b.until(b.task.done)
        error = b.task.exception()
        assert isinstance(error, ClusterRefusedError)
        assert error.status == 403
        assert b.informer.trusted_until <= b.time.seconds + PACE.patience


@pytest.mark.asyncio
async def test_what_cannot_be_read_is_never_half_taken() -> None:
    async with bench("a") as b:
        await b.watches()
        b.api.tell(PODS, b'{"type": "ADDED", "object": {"metadata": {"name": 7}}}')
        await b.until(lambda: b.informer.counts.failures == 1)
        await b.watches()
        assert b.known.names("hub") == {"a"}


@pytest.mark.asyncio
async def test_others_have_their_turn_while_much_comes_at_once() -> None:
    names = [f"p{number}" for number in range(1000)]
    async with bench(*names) as b:
        await b.watches()
        for name in names:
            b.api.delete(PODS, f"hub/{name}")
        seen: list[int] = []
        while b.known.records:
            seen.append(len(b.known.records))
            await asyncio.sleep(0)
        assert len(seen) >= 10
        assert b.informer.counts.events == 1000


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 7), st.sampled_from(["Running", "Failed"])),
        st.tuples(st.just("delete"), st.integers(0, 7), st.just("")),
        st.tuples(
            st.sampled_from(["end", "cut", "forget", "bookmark", "list-fails", "breathe"]),
            st.just(0),
            st.just(""),
        ),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_after_whatever_happened_it_knows_what_a_list_says(
    steps: list[tuple[str, int, str]],
) -> None:
    asyncio.run(_whatever_happens(steps))


async def _whatever_happens(steps: list[tuple[str, int, str]]) -> None:
    there: set[str] = set()
    async with bench(pace=replace(PACE, page=3)) as b:
        for what, number, phase in steps:
            name = f"p{number}"
            match what:
                case "put":
                    b.api.put(PODS, pod(name, phase=phase, gpus=str(number)))
                    there.add(name)
                case "delete" if name in there:
                    b.api.delete(PODS, f"hub/{name}")
                    there.remove(name)
                case "end":
                    b.api.end(PODS)
                case "cut":
                    b.api.end(PODS, *away())
                case "forget":
                    b.api.forget()
                case "bookmark":
                    b.api.bookmark(PODS)
                case "list-fails":
                    b.api.fail(PODS, *away())
                case _:
                    for _ in range(number + 5):
                        await asyncio.sleep(0)
        b.api.failing.clear()
        kind = PodKind(trusted="", labels=())
        listed = kind.page(await b.api.page(PODS, {}))
        expected = {record.key: record for record in listed.records}
        await b.until(lambda: b.known.records == expected and b.api.watching(PODS))
