"""The bucket shared through the database: few commits, and what one learns all know."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.pace import FRESH, Pace, Pacer, Reading
from core.store import Store
from tests.stores import NOW, store

__all__ = ["store"]
S = timedelta(seconds=1)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def commits(store: Store, monkeypatch_target: list[int]) -> Store:
    """Count what is written through `store`."""
    write = store.write

    def counted(*leases: object) -> object:
        monkeypatch_target[0] += 1
        return write(*leases)  # type: ignore[arg-type]

    store.write = counted  # type: ignore[method-assign, assignment]
    return store


def test_a_hundred_calls_cost_few_commits(store: Store) -> None:
    clock, count = Hand(), [0]
    pacer = Pacer(commits(store, count), "conn", clock)
    left = 1000
    for _ in range(100):
        assert pacer.ask() is None
        left -= 1
        pacer.tell(Reading(most=1000, left=left, resets_in=60 * S))
        clock.now += S / 100
    assert 0 < count[0] <= 5


def test_slow_calls_do_not_use_the_bucket_up_by_their_shares(store: Store) -> None:
    clock = Hand()
    pacer = Pacer(store, "conn", clock)
    for number in range(50):
        assert pacer.ask() is None, f"call {number} of 50 in a window of 100"
        said = Reading(most=100, left=99 - number, resets_in=NOW + 60 * S - clock.now)
        pacer.tell(said)
        clock.now += S


def test_another_process_hears_of_a_host_that_shuts(store: Store) -> None:
    clock = Hand()
    one, other = Pacer(store, "conn", clock), Pacer(store, "conn", clock)
    assert other.ask() is None
    one.tell(Reading(shut_for=10 * S))
    assert one.ask() == 10 * S
    clock.now += FRESH
    assert other.ask() == 9 * S
    clock.now += 9 * S
    assert one.ask() is None
    assert other.ask() is None


def test_processes_share_one_bucket(store: Store) -> None:
    clock = Hand()
    pacers = [Pacer(store, "conn", clock) for _ in range(4)]
    pacers[0].tell(Reading(most=100, left=100, resets_in=60 * S))
    clock.now += FRESH
    gone = sum(pacer.ask() is None for _ in range(60) for pacer in pacers)
    assert 70 <= gone <= 90, "nearly all of it is used, and a tenth is left to people"


def test_a_share_is_given_up_where_the_host_says_that_nothing_is_left(store: Store) -> None:
    """Other apps call the same account, and a plan may change to a smaller one."""
    clock = Hand()
    for name, most in (("used up", 1000), ("another plan", 50)):
        pacer = Pacer(store, name, clock)
        pacer.tell(Reading(most=1000, left=1000, resets_in=60 * S))
        assert pacer.ask() is None, "49 more calls of the share are to be had"
        pacer.tell(Reading(most=most, left=0, resets_in=20 * S))
        assert pacer.ask() == 20 * S
        clock.now += 20 * S
        assert pacer.ask() is None


def test_an_empty_bucket_is_not_asked_again_and_again(store: Store) -> None:
    clock, count = Hand(), [0]
    pacer = Pacer(store, "conn", clock)
    pacer.tell(Reading(most=100, left=0, resets_in=60 * S))
    commits(store, count)
    assert all(pacer.ask() == 60 * S for _ in range(20))
    assert count == [0]


def test_connections_have_buckets_of_their_own(store: Store) -> None:
    clock = Hand()
    Pacer(store, "one", clock).tell(Reading(shut_for=10 * S))
    assert Pacer(store, "two", clock).ask() is None
    with store.read() as reader:
        assert [row.id for row in reader.find(Pace)] == ["one"]
