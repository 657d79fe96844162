"""What a customer sees of their link, and what happens when they choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint

from console import choice
from console.choice.world import ChosenBefore, Gift, GiftState, Gone, NotOffered, Option, Shown
from core import link as links
from core.case import Case, CaseState
from core.errors import AmendsError
from core.link import ChoiceLink, ChosenAlready, LinkOver, LinkUnknown
from core.message import Given
from core.moment import Moment
from core.offer import Offer, Part, parts_of
from core.payout import CODED, Payout, PayoutState
from core.people import Workspace
from core.routing import Routing
from core.store import Reader, Store
from core.store.sealing import Sealer
from webhooks.engine.clock import Clock
from webhooks.engine.codes import code_of
from webhooks.hosts import Hosts

#: How long what was chosen can be looked at by the link, with the code that it may have.
SHOWN_FOR = timedelta(days=90)
#: Longer than any token of ours: not worth looking up.
_LONGEST_TOKEN = 64

_STATES: Mapping[PayoutState, GiftState] = {
    PayoutState.PLANNED: "coming",
    PayoutState.SENDING: "coming",
    PayoutState.NOT_SENT: "coming",
    PayoutState.PENDING: "pending",
    PayoutState.UNKNOWN: "slow",
    PayoutState.SETTLED: "done",
}


def blueprint(
    store: Store, hosts: Hosts, sealer: Sealer, clock: Clock, notice: Callable[[], None]
) -> Blueprint:
    return choice.blueprint(LinkChoices(store, hosts, sealer, clock, notice))


@dataclass(frozen=True, slots=True)
class LinkChoices:
    """`notice` tells a runner of this process that there is work."""

    store: Store
    hosts: Hosts
    sealer: Sealer
    clock: Clock
    notice: Callable[[], None]

    def now(self) -> datetime:
        return self.clock.now()

    def look(self, token: str) -> Shown:
        with self.store.read() as reader:
            link, case = self._found(reader, token)
            offers = links.offers_of(reader, link)
            payouts = reader.find(Payout, case_id=case.id, offer_id=link.chosen or "")
            workspace = reader.get(Workspace, "workspace")
            routing = self._routing(reader, case)
        zone = ZoneInfo(workspace.zone if workspace else "UTC")
        chosen = next((offer for offer in offers if offer.id == link.chosen), None)
        return Shown(
            language=case.language or routing.reply_language,
            brand=routing.brand,
            signed=routing.sign_off,
            reason=case.reason or "other",
            tone=routing.tone,
            order_name=case.order_name,
            until=(link.expires_at - timedelta(seconds=1)).astimezone(zone).date(),
            options=[_option(offer, case) for offer in offers],
            chosen_at=link.chosen_at,
            gifts=self._gifts(case, chosen, payouts) if chosen else (),
            with_person=_with_person(case, link, payouts),
        )

    def choose(self, token: str, option_id: str) -> None:
        with self.store.read() as reader:
            link, _ = self._found(reader, token)
            if option_id not in {offer.id for offer in links.offers_of(reader, link)}:
                raise NotOffered("nothing of that name is offered")
        try:
            with self.store.write() as tx:
                links.choose(tx, token, option_id, Moment(self.clock.now()))
        except ChosenAlready as already:
            raise ChosenBefore("something else was chosen before") from already
        except (LinkUnknown, LinkOver):
            raise Gone("this link is over") from None
        self.notice()

    def _found(self, reader: Reader, token: str) -> tuple[ChoiceLink, Case]:
        if len(token) > _LONGEST_TOKEN:
            raise Gone("this link leads nowhere")
        try:
            link = links.find_link(reader, token)
        except LinkUnknown:
            raise Gone("this link leads nowhere") from None
        case = reader.get(Case, link.case_id)
        now = self.clock.now()
        if case is None or not link.sealed_token:  # whoever it was for was erased
            raise Gone("this link leads nowhere")
        if link.chosen_at is not None:
            if now >= link.chosen_at + SHOWN_FOR:
                raise Gone("this link is over")
        elif not links.is_open(link, case, now):
            raise Gone("this link is over")
        return link, case

    def _routing(self, reader: Reader, case: Case) -> Routing:
        try:
            return self.hosts.get(case.desk_id, reader).routing
        except AmendsError:  # the helpdesk is off just now; the link holds all the same
            return Routing(policy="")

    def _gifts(self, case: Case, offer: Offer, payouts: list[Payout]) -> list[Gift]:
        by_position = {payout.position: payout for payout in payouts}
        return [
            self._gift(case, part, by_position.get(position), f"{position}")
            for position, part in enumerate(parts_of(offer))
        ]

    def _gift(self, case: Case, part: Part, payout: Payout | None, id: str) -> Gift:
        if payout is None:  # not planned yet, or an apology, which nobody pays
            state: GiftState = "done" if part.remedy == "apology" else "coming"
            return Gift(id=id, given=_given(part, case), state=state)
        state = _STATES.get(payout.state, "off")
        code = None
        if state == "done" and part.remedy in CODED:
            code = code_of(self.sealer, self.store.workspace_id, payout)
        given = _given(part, case, code=code, pending=state == "pending")
        return Gift(id=id, given=given, state=state)


def _with_person(case: Case, link: ChoiceLink, payouts: list[Payout]) -> bool:
    """Whether what was chosen does not go on by itself."""
    if link.chosen is None:
        return False
    states = [_STATES.get(payout.state, "off") for payout in payouts]
    if not payouts and not link.open:
        return True
    given = bool(states) and all(state == "done" for state in states)
    return "off" in states or (case.state is CaseState.WITH_PERSON and not given)


def _option(offer: Offer, case: Case) -> Option:
    return Option(id=offer.id, parts=[_given(part, case) for part in parts_of(offer)])


def _given(part: Part, case: Case, *, code: str | None = None, pending: bool = False) -> Given:
    return Given(
        remedy=part.remedy,
        money=part.amount,
        quantity=part.quantity,
        code=code,
        order_name=case.order_name,
        pending=pending,
    )
