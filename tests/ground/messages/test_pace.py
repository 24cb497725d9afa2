"""The token bucket, and which of two gateways carries the next messages."""

from itertools import pairwise

import pytest

from ground.messages.gateway import Outcome
from ground.messages.pace import PROBE_S, Bucket, Choice, Router

WELL = Outcome("accepted", "0", "")
NEVER = Outcome("refused", "9", "")
BUSY = Outcome("temporary", "http-503", "")
NO_LINE = Outcome("temporary", "ConnectError", "")
LOST = Outcome("unknown", "ReadTimeout", "")
OURS = Outcome("refused", "bad-mobile", "")


def router(*names: str) -> Router:
    """A router as the settings have it."""
    return Router(names or ("a", "b"), percent=15, minutes=5)


def test_a_second_is_in_reserve_and_then_each_waits_its_turn() -> None:
    bucket = Bucket(10)
    assert [bucket.wait_s(1, 100.0) for _ in range(11)] == [0.0] * 11
    assert [round(bucket.wait_s(5, 100.0), 6) for _ in range(3)] == [0.1, 0.6, 1.1]
    assert round(bucket.debt_s(100.0), 6) == 1.6
    assert bucket.debt_s(102.0) == 0.0
    assert bucket.wait_s(1, 1000.0) == 0.0


def test_one_that_is_larger_than_the_rate_goes_too() -> None:
    bucket = Bucket(1)
    assert bucket.wait_s(10, 0.0) == 0.0
    assert bucket.wait_s(1, 0.0) == 9.0


def test_the_first_is_used_while_it_is_well() -> None:
    r = router()
    assert r.choose(0) == Choice("a", probe=False)
    for n in range(100):
        r.note("a", NEVER if n % 10 == 0 else WELL, n)
    assert r.choose(100) == Choice("a", probe=False)


def test_a_share_of_failures_moves_all_to_the_second() -> None:
    r = router()
    for outcome in (WELL, WELL, WELL, NEVER):
        r.note("a", outcome, 0)
    assert r.choose(0) == Choice("a", probe=False)  # 25 % of four say nothing
    r.note("a", WELL, 0)
    assert r.choose(0) == Choice("b", probe=False)
    assert r.choose(PROBE_S - 1) == Choice("b", probe=False)
    assert r.choose(PROBE_S) == Choice("a", probe=True)
    assert r.choose(PROBE_S) == Choice("b", probe=False)
    r.note("a", WELL, PROBE_S)
    assert r.choose(PROBE_S) == Choice("a", probe=False)


def test_what_was_long_ago_is_forgotten() -> None:
    r = router()
    for _ in range(5):
        r.note("a", NEVER, 0)
    assert r.failing("a", 300)
    assert not r.failing("a", 301)


def test_our_own_refusals_say_nothing_of_the_gateway() -> None:
    r = router()
    for _ in range(50):
        r.note("a", OURS, 0)
    assert r.choose(0) == Choice("a", probe=False)


def test_a_refused_connection_is_enough() -> None:
    r = router()
    r.note("a", NO_LINE, 0)
    assert r.choose(0) == Choice("b", probe=False)
    assert r.choose(PROBE_S) == Choice("a", probe=True)
    r.note("a", NO_LINE, PROBE_S)
    assert r.choose(PROBE_S) == Choice("b", probe=False)
    assert r.choose(2 * PROBE_S) == Choice("a", probe=True)
    r.note("a", WELL, 2 * PROBE_S)
    assert r.choose(2 * PROBE_S) == Choice("a", probe=False)


@pytest.mark.parametrize("outcome", [BUSY, LOST])
def test_five_in_a_row_without_one_success_is_dead(outcome: Outcome) -> None:
    r = router("a")
    for _ in range(4):
        r.note("a", outcome, 0)
        assert not r.dead("a")
    r.note("a", outcome, 0)
    assert r.dead("a")
    assert r.choose(0) is None
    r.note("a", NEVER, 0)
    assert not r.dead("a")


def test_an_only_gateway_that_fails_often_goes_on_and_a_dead_one_is_probed() -> None:
    r = router("a")
    for _ in range(20):
        r.note("a", NEVER, 0)
    assert r.choose(0) == Choice("a", probe=False)
    r.note("a", NO_LINE, 0)
    assert [r.choose(t) for t in (0, PROBE_S - 1, PROBE_S, PROBE_S + 1)] == [None, None, Choice("a", probe=True), None]
    r.note("a", WELL, PROBE_S + 1)
    assert r.choose(PROBE_S + 1) == Choice("a", probe=False)


def test_a_probe_that_is_lost_makes_the_next_wait_longer() -> None:
    r = router("a")
    r.note("a", NO_LINE, 0)
    assert r.choose(0) is None
    times: list[float] = []
    now = 0.0
    while len(times) < 7:
        now += 1
        if r.choose(now):
            times.append(now)
            r.note("a", LOST, now)
    assert [int(b - a) for a, b in pairwise(times)] == [30, 60, 120, 240, 300, 300]


def test_when_both_are_dead_each_is_probed() -> None:
    r = router()
    r.note("a", NO_LINE, 0)
    r.note("b", NO_LINE, 0)
    assert r.best(0) is None
    assert r.choose(0) is None
    assert {choice for t in (PROBE_S, PROBE_S + 1) if (choice := r.choose(t))} == {
        Choice("a", probe=True),
        Choice("b", probe=True),
    }
