"""Any catalogue, person, place and request, for tests of what holds for all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from sandlot_contracts.capacity import CapacityState, FlavorState, SizeState
from sandlot_hub.domain.capacity.facilities import Facilities, ImageReadiness, Mode
from sandlot_hub.domain.settings.catalogue import CUSTOM_IMAGE
from sandlot_hub.domain.values.entitlements import Entitlements
from support.catalogue import GIB

if TYPE_CHECKING:
    from sandlot_contracts.capacity import Lack

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SLUGS = ["a", "b", "c", "d"]
GROUPS = ["x", "y"]

ALLOW: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries(
        {},
        optional={
            "groups": st.lists(st.sampled_from(GROUPS), max_size=2),
            "users": st.lists(st.sampled_from(["ann", "bob"]), max_size=1),
        },
    ),
)
REST = SLUGS[1:]
SUBSET = st.lists(st.sampled_from(REST), max_size=3, unique=True).map(lambda rest: ["a", *rest])


def deprecated_or_not(slug: str) -> st.SearchStrategy[dict[str, Any] | None]:
    """Draw redirects that lead onward, so that few catalogues are refused for a cycle."""
    onward: list[dict[str, Any]] = [{"redirect": other} for other in SLUGS if other < slug]
    return st.none() | st.none() | st.sampled_from([{}, *onward])


def entries(kind: str, **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an entry for every slug. The first is never deprecated: all profiles have it."""
    return st.fixed_dictionaries(
        {
            slug: st.fixed_dictionaries(
                {
                    "display_name": st.just(f"{kind} {slug.upper()}"),
                    "allow": ALLOW,
                    "hidden": st.booleans(),
                    "deprecated": st.none() if slug == "a" else deprecated_or_not(slug),
                    **more,
                }
            )
            for slug in SLUGS
        }
    )


SOMETIMES = st.sampled_from([False, False, True])
CUSTOM = {"allow": [{"registry": "quay.io", "repository": "lab/*", "tag": "1"}]}
NAMED = "quay.io/lab/x:1"
DOCUMENTS = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "accelerators": st.just({"l4": {"display_name": "L4"}, "h200": {"display_name": "H200"}}),
        "images": entries(
            "Image",
            reference=st.just("r:1"),
            local=st.sampled_from(["base", "base", None]),
            requires_accelerator=SOMETIMES,
        ),
        "sizes": entries(
            "Size",
            cpus=st.sampled_from([1, 2, 8]),
            memory=st.sampled_from(["1 GiB", "2 GiB", "64 GiB"]),
            accelerator=st.sampled_from([None, None, {"flavor": "l4"}, {"flavor": "h200"}]),
            excludes_images=st.lists(
                st.sampled_from([*REST, CUSTOM_IMAGE]), max_size=2, unique=True
            ),
            max_running=st.sampled_from([None, None, 1, 3]),
        ),
        "profiles": entries(
            "Profile",
            images=SUBSET,
            sizes=SUBSET,
            custom_images=st.sampled_from([None, CUSTOM]),
            when_full=st.sampled_from([None, "refuse", "wait"]),
        ),
    }
)
PEOPLE = st.builds(
    Entitlements,
    user=st.sampled_from(["ann", "bob", "eve"]),
    groups=st.frozensets(st.sampled_from(GROUPS)),
)


def flavor_of(free: int, block: int, waiting: int, growth: int | None) -> FlavorState:
    """Return a flavor of which a few are in use and down."""
    return FlavorState(
        total=free + 2,
        down=1,
        used=1,
        free=free,
        largest_block=min(free, block),
        waiting=waiting,
        oldest_waiting="2026-11-20T23:58:00Z" if waiting else None,
        may_grow=growth,
    )


FLAVORS = st.builds(
    flavor_of,
    free=st.integers(0, 4),
    block=st.integers(0, 4),
    waiting=st.integers(0, 2),
    growth=st.sampled_from([None, 0, 4]),
)
LACKS: list[Lack] = ["accelerator", "block", "cpus", "memory", "servers", "node", "unknown"]
ROOMS = st.builds(
    SizeState,
    fits=st.sampled_from([0, 0, 1, 5]),
    fits_ever=st.sampled_from([True, True, False]),
    lacking=st.lists(st.sampled_from(LACKS), max_size=2).map(tuple),
)
CAPACITY = st.none() | st.builds(
    CapacityState,
    scope=st.sampled_from(["cluster", "machine", "namespace"]),
    flavors=st.dictionaries(st.sampled_from(["l4", "h200"]), FLAVORS),
    sizes=st.dictionaries(st.sampled_from(SLUGS), ROOMS),
    uncounted_images=st.lists(st.sampled_from(SLUGS), max_size=2, unique=True).map(tuple),
)
PLACES = st.builds(
    Facilities,
    mode=st.sampled_from(Mode),
    images=st.dictionaries(
        st.sampled_from(SLUGS), st.builds(ImageReadiness, ready=SOMETIMES.map(lambda off: not off))
    ),
    running=st.none() | st.dictionaries(st.sampled_from(SLUGS), st.integers(0, 3)),
    flavors=st.none() | st.frozensets(st.sampled_from(["l4", "h200"])),
    cpus=st.sampled_from([None, 4.0]),
    memory_bytes=st.sampled_from([None, 16 * GIB]),
    capacity=CAPACITY,
    now=st.just(NOW),
)
REQUESTS: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
    {"profile": st.sampled_from([*SLUGS, "e"])},
    optional={"image": st.sampled_from([*SLUGS, "e"]), "size": st.sampled_from([*SLUGS, "e"])},
) | st.just({})
REQUESTS |= st.fixed_dictionaries(
    {
        "profile": st.sampled_from(SLUGS),
        "reference": st.sampled_from([NAMED, NAMED, "quay.io/lab/x:2", "x"]),
    },
    optional={"size": st.sampled_from(SLUGS)},
)
