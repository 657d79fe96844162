"""What is booked of a payout: when it is believed, when it is undone, and to which accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from core.ledger import Account, Entry, LedgerError, Posting
from core.money import Money
from core.tax import Split, shared

#: Remedies that are a promise to be spent later; every other one leaves through its till at once.
PROMISES = frozenset({"store_credit", "account_credit", "coupon", "gift_card", "points", "voucher"})

#: What is posted when a payout is believed; only these are undone.
GIVEN = frozenset({"settled", "budget", "net", "tax"})
#: What its sum contains: beside the sum, and together as much.
_CONTAINED = frozenset({"net", "tax"})


def expense(basis: str, cause: str) -> Account:
    """What making good cost: by basis (owed, goodwill, price reduction) and group of reasons."""
    return _account("expense", basis, cause)


def liability(remedy: str) -> Account:
    """Credit, gift cards, coupons and the like that customers hold and have not spent."""
    return _account("liability", remedy)


def clearing(till_id: str) -> Account:
    """What left through a till, to be matched with that host's own books."""
    return _account("clearing", till_id)


def budget(budget_id: str) -> Account:
    """What a budget has left, against `spent`."""
    return _account("budget", budget_id)


def spent(budget_id: str) -> Account:
    return _account("spent", budget_id)


def contained(kind: str, told: bool, till_id: str, rate: str | None) -> Account:
    """Net or tax contained in what left through a till, by rate: told by the host's own document
    of the refund, or reckoned from the order. Against `split`; no money moves."""
    return _account(kind, "told" if told else "reckoned", till_id, rate or "unstated")


def split(basis: str, cause: str) -> Account:
    """Of how much of an `expense` it is known what it contains."""
    return _account("split", basis, cause)


def _account(*parts: str) -> Account:
    """Codes and ids come from policies and hosts: whatever they hold, a part stays one part."""
    return Account(":".join(quote(part, safe="") for part in parts))


def settlement(
    payout_id: str,
    case_id: str,
    till_id: str,
    remedy: str,
    basis: str,
    cause: str,
    amount: Money,
    *,
    budgets: Sequence[str] = (),
    parts: Split | None = None,
) -> list[Posting]:
    """A payout is believed: its cost against the till it left by, or against what is now owed in
    credit; out of each budget that bears it; and beside it what the sum contains, if known."""
    against = liability(remedy) if remedy in PROMISES else clearing(till_id)
    cost = Posting(
        debit=expense(basis, cause),
        credit=against,
        amount=amount,
        kind="settled",
        number=1,
        case_id=case_id,
        payout_id=payout_id,
    )
    borne = [
        replace(cost, debit=spent(id), credit=budget(id), kind="budget", number=number)
        for number, id in enumerate(budgets, 1)
    ]
    return [cost, *borne, *(_contained(cost, till_id, split(basis, cause), parts) if parts else ())]


def _contained(cost: Posting, till_id: str, against: Account, parts: Split) -> Iterator[Posting]:
    """Net and tax of each rate. What is nothing is not posted."""
    numbers: Counter[str] = Counter()
    for rate, net, tax in parts.by_rate():
        for kind, minor in (("net", net), ("tax", tax)):
            if minor:
                numbers[kind] += 1
                yield replace(
                    cost,
                    debit=contained(kind, parts.told, till_id, rate),
                    credit=against,
                    amount=Money(minor, parts.currency),
                    kind=kind,
                    number=numbers[kind],
                )


def undoing(
    entries: Sequence[Entry], kind: str, number: int, amount: Money | None = None
) -> list[Posting]:
    """The opposite of a payout's entries: `kind` is `reversed` (taken back; `amount` where only the
    unspent part was) or `failed` (the host says later that it never arrived). What a sum contains
    goes back in proportion. `number` counts the undoings of this kind, from 1. Raises `LedgerError`
    for more than was posted."""
    alike = Counter(entry.kind for entry in entries)
    return [
        Posting(
            debit=Account(entry.credit),
            credit=Account(entry.debit),
            amount=part,
            kind=_undone(entry.kind, kind),
            number=(number - 1) * alike[entry.kind] + entry.number,
            case_id=entry.case_id,
            payout_id=entry.payout_id,
        )
        for entry, part in zip(entries, _parts(entries, amount), strict=True)
        if part.minor or entry.kind not in _CONTAINED
    ]


def _parts(entries: Sequence[Entry], amount: Money | None) -> list[Money]:
    """How much of each entry goes back."""
    if amount is None:
        return [Money(entry.amount_minor, entry.currency) for entry in entries]
    beside = [entry.amount_minor for entry in entries if entry.kind in _CONTAINED]
    shares = iter(shared(amount.minor, beside))
    parts = []
    for entry in entries:
        part = Money(next(shares), amount.currency) if entry.kind in _CONTAINED else amount
        whole = Money(entry.amount_minor, entry.currency)
        if part > whole:
            raise LedgerError(f"{part} cannot be undone: only {whole} was posted")
        parts.append(part)
    return parts


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """A payout's entries, each with the amount that was not undone yet, if there is any."""
    alike = Counter(entry.kind for entry in entries)
    undone: Counter[tuple[str, int]] = Counter()
    back = {_undone(given, kind): given for given in GIVEN for kind in ("failed", "reversed")}
    for entry in entries:
        if (given := back.get(entry.kind)) is not None:
            undone[given, (entry.number - 1) % alike[given] + 1] += entry.amount_minor
    left = [
        replace(entry, amount_minor=entry.amount_minor - undone[entry.kind, entry.number])
        for entry in entries
        if entry.kind in GIVEN
    ]
    return [entry for entry in left if entry.amount_minor > 0]


def _undone(given: str, kind: str) -> str:
    return kind if given == "settled" else f"{given}_{kind}"
