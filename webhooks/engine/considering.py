"""What a ticket comes to: hosts asked, the policy applied, the tills' quotes; nothing committed.

The runner goes by it, and so does the sidebar's preview.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace

from core import opening, policies, terms
from core.case import Case
from core.choice import Choice
from core.facts import Trouble, check_ticket, order_names
from core.offer import Part
from core.policy import Policy
from core.ports import Pays, Quote, Ticket, Unpayable, Who
from core.routing import Routing
from core.store import Reader, Store
from core.terms import Gathered, Terms
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts


class Considering:
    def __init__(self, store: Store, hosts: Hosts, *, clock: Clock, pool: Executor) -> None:
        self._store, self._hosts, self._clock, self._pool = store, hosts, clock, pool

    def ticket(self, desk_id: str, ticket_id: str) -> Ticket:
        """As the helpdesk has it now. Raises `core.ports.HostError`."""
        return self._hosts.get(desk_id).desk.ticket(ticket_id)

    def gather(self, desk_id: str, ticket: Ticket) -> Gathered:
        """What the desk's tills know of the requester, every till asked at once. Raises
        `core.ports.HostError`."""
        till_ids = self._hosts.get(desk_id).routing.tills_for(ticket)
        who = Who(email=ticket.requester.email, order_names=order_names(ticket))
        tills = [self._hosts.get(till_id).till for till_id in till_ids]
        found = self._pool.map(lambda till: till.purchases(who), tills)
        return Gathered(ticket=ticket, purchases=dict(zip(till_ids, found, strict=True)))

    def case(self, case: Case, choice: Choice | None) -> Terms | Trouble:
        """A case's own way: its ticket, its terms, and what the tills would really pay. Raises
        `core.ports.HostError`."""
        routing = self._hosts.get(case.desk_id).routing
        ticket = self.ticket(case.desk_id, case.ticket_id)
        reason = check_ticket(
            ticket,
            routing,
            by_agent=choice is not None or case.beside is not None,
            reason=choice.reason if choice else None,
        )
        if isinstance(reason, Trouble):
            return reason
        with self._store.read() as reader:  # before any till is asked
            missing = self._in_force(reader, routing)
        if isinstance(missing, Trouble):
            return missing
        found = self.terms(case.desk_id, self.gather(case.desk_id, ticket), choice, case)
        return found if isinstance(found, Trouble) or case.mode != "act" else self.quoted(found)

    def terms(
        self, desk_id: str, gathered: Gathered, choice: Choice | None, case: Case | None = None
    ) -> Terms | Trouble:
        """What the policies in force decide about what was gathered: what is owed first, and where
        nothing is, or it was given, goodwill."""
        routing, now = self._hosts.get(desk_id).routing, self._clock.now()
        with self._store.read() as reader:
            first = case.beside if case else opening.beside(reader, desk_id, gathered.ticket.id)
            beside = reader.get(Case, first) if first and routing.owed else None
            found = self._in_force(reader, routing)
            if isinstance(found, Trouble):
                return found
            owed, policy = found
            if owed is not None and beside is None:
                due = terms.consider(reader, case, routing, owed, gathered, now, choice)
                if isinstance(due, Trouble) or due.parts:
                    return due
            return terms.consider(reader, case, routing, policy, gathered, now, choice, beside)

    def quoted(self, found: Terms) -> Terms | Trouble:
        """In the sums the tills would really pay, each alternative as well. Raises
        `core.ports.HostError`."""
        alternatives = []
        for parts in found.alternatives:
            one = self._quoted(replace(found, parts=parts))
            if isinstance(one, Trouble):
                return one
            alternatives.append(one.parts)
        own = self._quoted(found)
        if isinstance(own, Trouble) or not alternatives:
            return own
        return replace(own, alternatives=alternatives)

    def _quoted(self, found: Terms) -> Terms | Trouble:
        quotes = self._quotes(found)
        if isinstance(quotes, Trouble):
            return quotes
        pays = {position: self._pays_of(found.parts[position]) for position in quotes}
        return terms.quoted(found, quotes, pays)

    def _in_force(self, reader: Reader, routing: Routing) -> tuple[Policy | None, Policy] | Trouble:
        """The policy of what is owed, where the desk has one, and the other."""
        day = self._clock.now().date()
        policy = policies.in_force(reader, routing.policy, day)
        if policy is None:
            return Trouble("no_policy", {"policy": routing.policy})
        owed = policies.in_force(reader, routing.owed, day) if routing.owed else None
        if routing.owed and owed is None:
            return Trouble("no_policy", {"policy": routing.owed})
        return owed, policy

    def _pays_of(self, part: Part) -> Pays:
        return self._hosts.get(part.till_id).spec.pays[part.remedy]

    def _quotes(self, found: Terms) -> Mapping[int, Quote] | Trouble:
        """What the tills would really pay, by the position of the part."""
        quotes = {}
        for position, part in enumerate(found.parts):
            if part.remedy == "apology":
                continue
            host = self._hosts.get(part.till_id)
            known = {"order": found.subject.order.name, "remedy": part.remedy, "till": part.till_id}
            if part.remedy not in host.spec.pays:
                return Trouble("not_payable", {**known, "why": "this till does not pay that"})
            if part.amount is None:
                continue
            try:
                quotes[position] = host.till.quote(terms.trial(part))
            except Unpayable as error:
                return Trouble("not_payable", {**known, "why": str(error)})
        return quotes
