"""By hand: what no host pays is paid by a person, and a task keeps it until it is proved.

There is nobody to call here. `pay` answers `Pending` with the payout's own id, the engine opens a
task for it, and whoever pays ends the task with a proof (`core.by_hand`).
"""

from __future__ import annotations

from connectors.http import Http
from connectors.manual.till import PAID_BY_HAND, ManualTill
from core.ports import Pays, Roles, Settings, Spec

SPEC = Spec(
    name="manual",
    title="By hand",
    pays={remedy: Pays(retry="none", needs_order=False, by_hand=True) for remedy in PAID_BY_HAND},
    quality={
        "host": ("exempt", "a person pays; there is nobody to call"),
        "setup": ("exempt", "there is nothing to set up"),
        "recent": ("exempt", "there are no books but ours"),
    },
)


def connect(settings: Settings, http: Http) -> Roles:
    return Roles(till=ManualTill())
