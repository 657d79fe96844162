"""What goes back to the ticket: planned with the step that causes it, written when it is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, cast

from core.case import Case, Writing
from core.letter import CODE, LINK, Letter
from core.link import ChoiceLink
from core.message import Given, NoteKind, apology, note
from core.moment import Moment
from core.money import Money
from core.payout import Payout, PayoutState, wait_of
from core.ports import Remedy, WriteBack
from core.record import Doc, replace
from core.routing import Routing, Tone
from core.store import Tx

GIVE_UP = timedelta(days=2)


#: What the note is about -> the kind of note; anything else is a task's kind.
_NOTES: Mapping[str, NoteKind] = {
    "made_good": "given",
    "suggested": "suggested",
    "waiting_approval": "waiting_approval",
    "nothing_due": "nothing_due",
    "approval_refused": "refused",
    "harm_already_made_good": "already_made_good",
    "reversed": "reversed",
    "choice_sent": "choice_sent",
}


#: What a note's document holds for this module itself.
_NOT_SAID = frozenset({"given", "kind", "task", "zone"})


def plan_note(tx: Tx, case: Case, about: str, data: Doc, moment: Moment) -> Writing:
    return _plan(tx, case, "note", about, data, moment)


def plan_made_good(
    tx: Tx, case: Case, routing: Routing, payouts: Sequence[Payout], moment: Moment
) -> None:
    """What the case gave on its ticket: a note with why, the marks, and the apology as the settings
    say (sent, left in the note as a draft, or left out). Each thing given is told once, whatever
    becomes of the case afterwards."""
    before = [w for w in tx.find(Writing, case_id=case.id) if w.about == "made_good"]
    told = {doc.get("payout") for writing in before for doc in _given_docs(writing.data)}
    new = [p for p in payouts if p.state is PayoutState.SETTLED and p.id not in told]
    if before and not new:
        return
    given = [given_doc(payout) for payout in new]
    confirmed = ", ".join(p.host_object for p in new if p.host_object)
    story = {"order": case.order_name, "policy": case.policy, **_why(case)}
    data = {**story, "given": given, "confirmation": confirmed}
    _plan(tx, case, "note", "made_good", data, moment)
    fields = {routing.case_field: case.id} if routing.case_field else {}
    _plan(tx, case, "marks", "marks", {"tags": [routing.done_tag], "fields": fields}, moment)
    if routing.reply == "send":
        _plan(tx, case, "reply", "apology", {"given": given}, moment)


def _why(case: Case) -> dict[str, object]:
    """The rule and its words out of the kept decision."""
    decision = case.decision if isinstance(case.decision, Mapping) else {}
    return {
        "rule": decision.get("rule"),
        "why": decision.get("reason"),
        "policy_version": (case.policy_hash or "")[:12],
    }


def plan_side(tx: Tx, case: Case, moment: Moment) -> None:
    """Those who may say yes are told beside the ticket; who they are is looked up when it is
    written, and kept nowhere."""
    _plan(tx, case, "side", "to_approve", {}, moment)


def plan_choice(tx: Tx, case: Case, link: ChoiceLink, moment: Moment) -> None:
    """The apology with a link by which the customer chooses, and a note that it was sent. An agent
    asked for it to be sent, so it is not left as a draft."""
    until = link.expires_at.date().isoformat()
    _plan(tx, case, "reply", "choice", {"link": link.id, "until": until}, moment)
    known = {"order": case.order_name, "link": link.id, "until": link.expires_at.isoformat()}
    _plan(tx, case, "note", "choice_sent", known, moment)


def given_doc(payout: Payout) -> dict[str, object]:
    return {
        "payout": payout.id,
        "remedy": payout.remedy,
        "minor": payout.amount_minor,
        "currency": payout.currency,
        "quantity": payout.quantity,
    }


def unworded(writing: Writing, text: str = "", language: str = "en") -> WriteBack:
    """What is written; without its words it is enough to look whether it is there."""
    data = cast("Mapping[str, object]", writing.data)
    marks = writing.kind == "marks"
    return WriteBack(
        kind=cast(Literal["note", "reply", "marks"], writing.kind),
        ticket_id=writing.ticket_id,
        marker=f"[amends:{writing.id}]",
        tags=tuple(cast("Sequence[str]", data["tags"])) if marks else (),
        fields=cast("Mapping[str, str]", data["fields"]) if marks else {},
        text=text,
        language=language,
    )


def compose(
    case: Case,
    writing: Writing,
    routing: Routing,
    *,
    names: Mapping[str, str],
    customer: str | None,
    codes: Mapping[str, str],
    letter: Letter | None = None,
    link: str | None = None,
) -> WriteBack:
    """The words, in the language and tone they are wanted in.

    names: ids of connections and people -> what they are called. customer: their own name.
    codes: payout id -> the code to redeem it with, told to the customer only.
    letter: what a person wrote in place of our words. link: where the customer chooses.
    """
    data = cast("Mapping[str, object]", writing.data)
    if writing.kind == "marks":
        return unworded(writing)
    language = routing.note_language
    if writing.kind == "reply":
        language = case.language or routing.reply_language
        text = reply_text(
            case, routing, data, customer=customer, codes=codes, letter=letter, link=link
        )
    else:
        text = _note(case, writing, routing, data, names)
        if writing.about == "made_good" and routing.reply == "draft":
            draft = reply_text(case, routing, data, customer=customer, codes=codes, letter=letter)
            text = f"{text}\n\n---\n{draft}"
    return unworded(writing, text, language)


def without(text: str, codes: Iterable[str]) -> str:
    """The text as it is kept: a code that is worth money shows its last four letters only."""
    for code in codes:
        text = text.replace(code, f"…{code[-4:]}")
    return text


def written(tx: Tx, writing: Writing, text: str, host_object: str) -> None:
    tx.put(replace(writing, state="done", text=text, host_object=host_object, due_at=None))


def put_off(tx: Tx, writing: Writing, why: str, wait: timedelta | None, moment: Moment) -> Writing:
    tries = writing.tries + 1
    due = moment.now + max(wait_of(tries), wait or timedelta(0))
    after = replace(writing, tries=tries, due_at=due, why=why)
    tx.put(after)
    return after


def too_long(writing: Writing, now: datetime) -> bool:
    """Whether a ticket has refused to be written to for so long that a person should know."""
    return now - writing.planned_at > GIVE_UP


def given_up(tx: Tx, writing: Writing, why: str) -> None:
    tx.put(replace(writing, state="failed", why=why, due_at=None))


def _plan(tx: Tx, case: Case, kind: str, about: str, data: Doc, moment: Moment) -> Writing:
    writing = Writing(
        id=moment.new("wb"),
        case_id=case.id,
        desk_id=case.desk_id,
        ticket_id=case.ticket_id,
        kind=kind,
        about=about,
        data=data,
        state="planned",
        planned_at=moment.now,
        due_at=moment.now,
    )
    tx.add(writing)
    return writing


def reply_text(
    case: Case,
    routing: Routing,
    data: Mapping[str, object],
    *,
    customer: str | None,
    codes: Mapping[str, str],
    letter: Letter | None = None,
    link: str | None = None,
) -> str:
    """What the customer reads: a person's own text, with every code and the link in it, or ours."""
    language = case.language or routing.reply_language
    given = _given(case, data, codes)
    if letter is not None and letter.text:
        text = _with(letter.text, CODE, [one.code for one in given if one.code])
        return _with(text, LINK, [link] if link else [])
    until = data.get("until")
    return apology(
        language,
        tone=cast(Tone, letter.tone) if letter and letter.tone else routing.tone,
        reason=case.reason or "other",
        given=given,
        customer_name=customer,
        sign_off=routing.sign_off,
        settled=True,
        besides=case.beside is not None,
        choose=(link, date.fromisoformat(str(until))) if link and until else None,
    ).plain


def _with(text: str, name: str, values: Sequence[str]) -> str:
    """The values where the name stands, one after another; those without a place at the end."""
    for value in values:
        text = text.replace(name, value, 1) if name in text else f"{text}\n\n{value}"
    return text.replace(name, values[-1]) if values else text.replace(name, "")


def _given(
    case: Case, data: Mapping[str, object], codes: Mapping[str, str] | None = None
) -> list[Given]:
    docs = _given_docs(data)
    return [
        Given(
            remedy=cast(Remedy, doc["remedy"]),
            money=read_money(doc),
            quantity=cast("int | None", doc["quantity"]),
            code=(codes or {}).get(str(doc.get("payout"))),
            order_name=case.order_name,
        )
        for doc in docs
    ]


def _given_docs(data: Doc) -> Sequence[Mapping[str, object]]:
    found = data.get("given", ()) if isinstance(data, Mapping) else ()
    return cast("Sequence[Mapping[str, object]]", found)


def read_money(doc: Mapping[str, object]) -> Money | None:
    """The amount of a stored document that has `minor` and `currency`."""
    minor, currency = doc.get("minor"), doc.get("currency")
    return Money(minor, currency) if isinstance(minor, int) and isinstance(currency, str) else None


def readable(data: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """A stored document as the words want it: amounts as money, hosts by their titles."""
    shown = {key: names.get(v, v) if isinstance(v, str) else v for key, v in data.items()}
    amount = read_money(data)
    return {**shown, "amount": amount} if amount else shown


def _note(
    case: Case,
    writing: Writing,
    routing: Routing,
    data: Mapping[str, object],
    names: Mapping[str, str],
) -> str:
    kind = _NOTES.get(writing.about, "needs_person")
    known = {"case": case.id, "reason": case.reason, **readable(data, names)}
    facts: dict[str, Any] = {k: v for k, v in known.items() if k not in _NOT_SAID}
    return note(
        routing.note_language, kind=kind, given=_given(case, data), task=writing.about, **facts
    ).plain
