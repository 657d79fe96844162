"""Which faults there are, how often each strikes in this run, and how often it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

#: kind -> what goes wrong.
FAULTS = {
    "unreachable": "no connection: the host surely did nothing",
    "drop_before": "the request is lost on the way, and nobody says so",
    "drop_after": "the host acts and its answer is lost",
    "error_before": "a 5xx from a host that did nothing",
    "error_after": "a 5xx from a host that acted",
    "slow": "the host acts after we stopped waiting, within what it states",
    "throttle": "429 with a wait",
    "unclear": "an answer nobody can read",
    "refusal_500": "the host refuses with a 500, which says nothing",
    "pending": "the host takes it on and finishes later",
    "fails_later": "what was taken on, or even done, fails hours or days later",
    "partial": "the host pays another amount than was asked",
    "lag": "what was done is not visible yet",
    "duplicate": "a delivery comes up to 50 times",
    "delay": "a delivery comes up to 72 hours late",
    "early_echo": "the webhook about our own call overtakes its answer",
    "by_hand": "somebody refunds by hand at the host",
    "unheard": "a delivery never comes",
    "skew": "the helpdesk's clock is wrong, by the same all the time",
    "clock_jump": "the clock on the wall is set forward or back",
    "crash": "a process dies",
    "zombie": "a process stands still, for seconds or days, and goes on",
    "db_before": "the database fails before the commit",
    "db_after": "the commit is kept and the caller is told that it failed",
}
_RATES = (0.0, 0.004, 0.02, 0.08)
#: Where only a few kinds are asked for, they are to be seen; those that may strike at every single
#: point less often, or nothing else would happen.
_FEW, _OFTEN, _OFTEN_AT_POINTS = 4, 0.2, 0.04
_AT_POINTS = frozenset({"crash", "zombie", "db_before", "db_after"})


class Weather:
    """Each run has its own mix: most kinds are rare or absent, some are frequent."""

    def __init__(self, chance: Random, kinds: Sequence[str]) -> None:
        self.chance = chance
        self.seen: Counter[str] = Counter()
        self._rate = dict.fromkeys(FAULTS, 0.0)
        for kind in FAULTS:  # in one order, whatever was asked for
            rate = chance.choice(_RATES)
            if kind in kinds:
                often = _OFTEN_AT_POINTS if kind in _AT_POINTS else _OFTEN
                self._rate[kind] = rate if len(kinds) > _FEW else often

    def rate(self, kind: str) -> float:
        return self._rate[kind]

    def strikes(self, kind: str) -> bool:
        rate = self._rate[kind]
        if rate and self.chance.random() < rate:
            self.seen[kind] += 1
            return True
        return False

    def lasting(self, kind: str, ways: Sequence[float]) -> float | None:
        """How something is wrong through the whole run, if it is."""
        if not self._rate[kind]:
            return None
        self.seen[kind] += 1
        return self.chance.choice(ways)

    def one_of(self, kinds: Sequence[str]) -> str | None:
        """At most one of these, by one throw."""
        throw = self.chance.random()
        for kind in kinds:
            throw -= self._rate[kind]
            if throw < 0:
                self.seen[kind] += 1
                return kind
        return None

    def calm(self) -> None:
        """Nothing more goes wrong."""
        self._rate = dict.fromkeys(self._rate, 0.0)
