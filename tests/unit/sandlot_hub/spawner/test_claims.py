from __future__ import annotations

from sandlot_hub.spawner.claims import CLAIM_AGE, StartClaims


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_second_request_is_not_the_first() -> None:
    claims = StartClaims(monotonic=Clock())
    assert claims.take(("ann", ""))
    assert not claims.take(("ann", ""))
    assert claims.take(("ann", "second"))
    assert claims.take(("bob", ""))


def test_released_claim_can_be_taken_again() -> None:
    claims = StartClaims(monotonic=Clock())
    claims.take("ann")
    claims.release("ann")
    claims.release("ann")
    assert claims.take("ann")


def test_claim_of_a_start_that_never_was_decided_runs_out() -> None:
    clock = Clock()
    claims = StartClaims(monotonic=clock)
    claims.take("ann")
    clock.now = CLAIM_AGE / 2
    assert not claims.take("ann")
    clock.now = CLAIM_AGE
    assert claims.take("ann")


def test_claims_that_mean_nothing_are_forgotten() -> None:
    clock = Clock()
    claims = StartClaims(monotonic=clock)
    claims.take("ann")
    clock.now = CLAIM_AGE
    claims.take("bob")
    assert list(claims._claims) == ["bob"]
