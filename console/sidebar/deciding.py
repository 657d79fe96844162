"""What a second person may decide in the sidebar: yes or no to what waits, what is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.sidebar import words
from console.sidebar.world import SidebarWorld
from core import approval as approvals
from core import authority, ledger, letter, reversal
from core.approval import MayNotApprove
from core.case import Case, CaseState
from core.moment import Moment
from core.offer import Offer, parts_of
from core.payout import Payout, PayoutState
from core.people import Person
from core.store import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Decidable:
    """What waits for a yes. `who` may give it, by name; `mine`: the reader of the page may.
    `payload` is what a yes is bound to; `message` what somebody wrote for the customer."""

    case_id: str
    payload: str
    deed: str
    by: str | None
    who: Sequence[str]
    mine: bool
    message: str | None


@dataclass(frozen=True, slots=True)
class Undo:
    """A settled payout whose unspent part its host would take back. `mine`: the reader may ask for
    it; else another person must."""

    payout_id: str
    words: str
    mine: bool


def decidable(
    reader: Reader, case: Case, person: Person | None, names: Mapping[str, str], moment: Moment
) -> Decidable | None:
    if case.state is not CaseState.WAITING_APPROVAL:
        return None
    rows = approvals.asked(reader, case.id)
    waiting = [row for row in rows if row.state == "waiting"]
    offer = reader.get(Offer, waiting[0].offer_id) if waiting else None
    if offer is None:
        return None
    parts = parts_of(offer)
    wish = authority.wish_held(reader, case, offer.basis, parts)
    able = approvals.able(reader, wish, waiting[0], moment, rows=rows)
    return Decidable(
        case_id=case.id,
        payload=waiting[0].payload_hash,
        deed=words.deeds([(part.remedy, part.amount, part.quantity) for part in parts]),
        by=names.get(case.requested_by or ""),
        who=[one.name for one in able],
        mine=person is not None and any(one.id == person.id for one in able),
        message=letter.text_of(reader, case.id),
    )


def undoable(
    world: SidebarWorld,
    reader: Reader,
    case: Case,
    payouts: Sequence[Payout],
    person: Person | None,
) -> list[Undo]:
    found = []
    for payout in payouts:
        pays = world.pays(payout.till_id, payout.remedy)
        if payout.state is not PayoutState.SETTLED or pays is None or not pays.reversible:
            continue
        if any(entry.kind == "reversed" for entry in ledger.entries_of(reader, payout.id)):
            continue
        name, amount = words.thing(payout.remedy, payout.amount, payout.quantity)
        found.append(Undo(payout.id, f"{name} {amount}".strip(), _may(reader, case, person)))
    return found


def _may(reader: Reader, case: Case, person: Person | None) -> bool:
    if person is None:
        return False
    try:
        reversal.check_may(reader, case, person)
    except MayNotApprove:
        return False
    return True
