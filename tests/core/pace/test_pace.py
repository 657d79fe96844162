"""The bucket's arithmetic: what a host says lowers and raises it, and shares never exceed it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pace import Pace, Reading, heard, refilled, take, wait_for
from tests.stores import NOW

S = timedelta(seconds=1)


def empty() -> Pace:
    return Pace(id="conn", most=0, left=0, per_second=0, seen_at=NOW)


def window(left: int, most: int = 100, resets: int = 30) -> Pace:
    said = Reading(most=most, left=left, resets_in=resets * S)
    return heard(empty(), said, NOW)


def steady(left: int, most: int = 1000, per_second: int = 50) -> Pace:
    return heard(empty(), Reading(most=most, left=left, per_second=per_second), NOW)


def test_nothing_known_is_no_limit() -> None:
    assert wait_for(empty(), 1, NOW) is None


def test_the_first_figures_are_taken_as_they_are() -> None:
    pace = window(left=40)
    assert (pace.most, pace.left, pace.refills_at) == (100, 40, NOW + 30 * S)


def test_a_tenth_is_left_to_people() -> None:
    assert wait_for(window(left=11), 1, NOW) is None
    assert wait_for(window(left=10), 1, NOW) == 30 * S


def test_after_a_window_s_end_the_host_says_how_much_came_back() -> None:
    """One share goes out to hear it: at some hosts only the oldest call's time has ended."""
    pace = window(left=10)
    assert wait_for(pace, 1, NOW + 30 * S) is None
    pace, taken = take(pace, 1, NOW + 30 * S)
    for _ in range(4):
        pace, more = take(pace, 1, NOW + 30 * S)
        taken += more
    assert taken == 5
    assert wait_for(pace, 1, NOW + 30 * S) == S
    all_back = heard(pace, Reading(most=100, left=95, resets_in=30 * S), NOW + 30.5 * S)
    assert (all_back.left, all_back.sure) == (95, True)
    little = heard(pace, Reading(most=100, left=12, resets_in=2 * S), NOW + 30.5 * S)
    assert (little.left, little.refills_at) == (12, NOW + 32.5 * S)


def test_a_share_whose_answer_never_came_is_let_out_again() -> None:
    pace, _ = take(window(left=10), 5, NOW + 30 * S)
    assert wait_for(pace, 1, NOW + 30 * S) == S
    assert wait_for(pace, 1, NOW + 31 * S) is None


def test_within_a_window_a_host_s_figure_only_lowers_ours() -> None:
    """Shares that were taken and not used yet are not in it."""
    pace, taken = take(window(left=60), 1, NOW)
    assert (pace.left, taken) == (55, 5)
    assert heard(pace, Reading(most=100, left=59, resets_in=29 * S), NOW + S).left == 55
    assert heard(pace, Reading(most=100, left=20, resets_in=29 * S), NOW + S).left == 20


def test_an_earlier_end_is_believed() -> None:
    pace = heard(window(left=50), Reading(most=100, left=40, resets_in=3 * S), NOW + S)
    assert (pace.left, pace.refills_at) == (40, NOW + 4 * S)


def test_another_limit_is_another_bucket() -> None:
    pace = heard(window(left=50), Reading(most=700, left=600, resets_in=30 * S), NOW + S)
    assert (pace.most, pace.left) == (700, 600)


def test_a_later_end_is_a_new_window() -> None:
    pace = heard(window(left=0), Reading(most=100, left=90, resets_in=40 * S), NOW + S)
    assert (pace.left, pace.refills_at) == (90, NOW + 41 * S)


def test_a_host_that_tells_no_end_is_believed_when_it_has_much_more() -> None:
    """Freshdesk says neither when a window began nor when it ends."""
    pace = heard(empty(), Reading(most=100, left=0), NOW)
    assert pace.refills_at == NOW + timedelta(minutes=1)
    pace = heard(pace, Reading(most=100, left=97), NOW + 20 * S)
    assert (pace.left, pace.refills_at) == (97, NOW + 80 * S)


def test_what_was_said_of_a_window_that_is_over_says_nothing() -> None:
    pace = refilled(window(left=10), NOW + 31 * S)
    assert heard(pace, Reading(most=100, left=3, resets_in=S), NOW + 29 * S) == pace


def test_points_come_back_steadily_and_no_fraction_is_lost() -> None:
    pace = steady(left=0, per_second=3)
    for step in range(1, 101):
        pace = refilled(pace, NOW + step * S / 10)
    assert pace.left == 30


def test_a_wait_for_points_is_as_long_as_it_takes() -> None:
    pace = steady(left=100)
    wait = wait_for(pace, 50, NOW)
    assert wait is not None
    assert timedelta(seconds=1) <= wait < timedelta(seconds=1.1)
    assert wait_for(pace, 50, NOW + wait) is None


def test_a_call_dearer_than_the_bucket_waits_until_it_is_full() -> None:
    pace = steady(left=950, most=1000, per_second=50)
    assert wait_for(pace, 5000, NOW) is not None
    assert wait_for(pace, 5000, NOW + S) is None
    assert wait_for(window(left=99), 1000, NOW) == 30 * S
    assert wait_for(window(left=100), 1000, NOW) is None


def test_points_are_given_back_where_calls_were_cheaper_than_taken() -> None:
    pace, taken = take(steady(left=500), 50, NOW)
    assert (pace.left, taken) == (450, 50)
    assert heard(pace, Reading(most=1000, left=490, per_second=50), NOW).left == 490
    assert heard(pace, Reading(most=1000, left=900, per_second=50), NOW).left == 500


def test_a_host_that_shuts_is_left_alone_and_the_longest_time_counts() -> None:
    pace = heard(empty(), Reading(shut_for=20 * S), NOW)
    pace = heard(pace, Reading(shut_for=3 * S), NOW + S)
    assert wait_for(pace, 1, NOW + S) == 19 * S
    assert wait_for(pace, 1, NOW + 20 * S) is None


def test_figures_out_of_all_bounds_are_refused() -> None:
    for wrong in (-1, 10**10):
        with pytest.raises(ValueError, match="a limit is a number"):
            Reading(most=wrong)


@given(
    most=st.integers(100, 3000),
    costs=st.lists(st.integers(1, 60), max_size=80),
    gaps=st.lists(st.integers(0, 5000), min_size=80, max_size=80),
)
def test_what_is_taken_in_a_window_is_never_more_than_the_limit(
    most: int, costs: list[int], gaps: list[int]
) -> None:
    pace, now, taken = window(left=most, most=most), NOW, 0
    for cost, gap in zip(costs, gaps, strict=False):
        now += timedelta(milliseconds=gap)
        if now >= NOW + 30 * S:
            break
        if wait_for(pace, cost, now) is None:
            pace, share = take(pace, cost, now)
            assert share >= cost
            taken += share
    assert taken <= most - most // 10


@given(
    rate=st.integers(1, 500),
    costs=st.lists(st.integers(1, 200), max_size=80),
    gaps=st.lists(st.integers(0, 3000), min_size=80, max_size=80),
)
def test_what_is_taken_steadily_is_never_more_than_came_back(
    rate: int, costs: list[int], gaps: list[int]
) -> None:
    pace, now, taken = steady(left=1000, per_second=rate), NOW, 0
    for cost, gap in zip(costs, gaps, strict=False):
        now += timedelta(milliseconds=gap)
        if wait_for(pace, cost, now) is None:
            pace, share = take(pace, cost, now)
            taken += share
    assert taken <= 1000 + (now - NOW).total_seconds() * rate
