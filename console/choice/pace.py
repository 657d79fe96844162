"""A soft limit: so many requests a minute for one thing, and beyond that a request to wait."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)
#: Things remembered at once; those asked about longest ago are forgotten first.
_MOST_KEYS = 2_000


class Pace:
    """At most `most` a minute for each key, in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, deque[datetime]] = OrderedDict()

    def allows(self, key: str, now: datetime) -> bool:
        with self._lock:
            asked = self._asked.pop(key, None) or deque(maxlen=self._most)
            self._asked[key] = asked
            if len(self._asked) > _MOST_KEYS:
                self._asked.popitem(last=False)
            if len(asked) == self._most and now - asked[0] < _MINUTE:
                return False
            asked.append(now)
            return True
