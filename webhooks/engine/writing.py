"""What goes back to the ticket: looked for first, then put there, for each note, reply and mark.

Whatever is planned for a case and due is written in one step and committed together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from core import flow, writeback
from core import link as links
from core.case import Case, Writing
from core.letter import letter_of
from core.link import ChoiceLink
from core.moment import Moment
from core.payout import Payout
from core.ports import HostError, Unwritable, WriteBack
from core.routing import Routing
from core.store import Reader, Store, Tx
from core.store.sealing import Sealer
from webhooks.engine.asking import asked
from webhooks.engine.clock import Clock
from webhooks.engine.codes import code_of
from webhooks.hosts import Host, Hosts

Consequence = Callable[[Tx, Case, Moment], None]


class Writer:
    """`public_url`: where customers and staff find our pages."""

    def __init__(
        self, store: Store, hosts: Hosts, *, sealer: Sealer, clock: Clock, public_url: str
    ) -> None:
        self._store, self._hosts, self._clock = store, hosts, clock
        self._sealer, self._public_url = sealer, public_url

    def write(self, case: Case, writings: Sequence[Writing], deadline: float) -> Consequence:
        """Put each on the ticket, looking first whether it is there; commit them together."""
        results = [(writing, self._write_one(case, writing, deadline)) for writing in writings]

        def consequence(tx: Tx, case: Case, moment: Moment) -> None:
            for writing, result in results:
                if isinstance(result, tuple):
                    writeback.written(tx, writing, *result)
                elif writing.kind == "side" and isinstance(result, Unwritable):
                    writeback.given_up(tx, writing, str(result))
                elif isinstance(result, Unwritable) or writeback.too_long(writing, moment.now):
                    flow.on_unwritable(tx, case, writing, str(result), moment)
                else:
                    writeback.put_off(tx, writing, str(result), result.retry_after, moment)

        return consequence

    def _write_one(
        self, case: Case, writing: Writing, deadline: float
    ) -> tuple[str, str] | HostError:
        try:
            host = self._hosts.get(writing.desk_id)
            if writing.kind == "side":
                return self._write_beside(host, case, writing, deadline)
            customer = None
            if writing.kind == "reply" or writing.about == "made_good":
                customer = host.desk.ticket(writing.ticket_id).requester.name
            back = writeback.unworded(writing)
            there = host.desk.find(back)
            secrets: list[str] = []
            if writing.kind != "marks":
                back, secrets = self._worded(case, writing, host.routing, customer)
            if there is None:
                there = self._put_in_time(host, back, deadline)
        except HostError as error:
            return error
        return writeback.without(back.text, secrets), there

    def _worded(
        self, case: Case, writing: Writing, routing: Routing, customer: str | None
    ) -> tuple[WriteBack, list[str]]:
        """A note or a reply with its words, and what of them is worth money."""
        for_customer = writing.kind == "reply"
        with self._store.read() as reader:
            letter = letter_of(reader, writing.case_id)
            link = self._link(reader, writing) if for_customer else None
            paid = reader.find(Payout, case_id=case.id) if for_customer or customer else []
        workspace = self._store.workspace_id
        codes = {p.id: code for p in paid if (code := code_of(self._sealer, workspace, p))}
        token = links.token_of(self._sealer, workspace, link) if link else None
        back = writeback.compose(
            case,
            writing,
            routing,
            names={} if for_customer else self._hosts.titles(),
            customer=customer,
            codes=codes,
            letter=letter,
            link=f"{self._public_url}/choose/{token}" if token else None,
        )
        return back, [*codes.values(), *([token] if token else [])]

    def _link(self, reader: Reader, writing: Writing) -> ChoiceLink | None:
        """The one that a reply is to carry."""
        data = writing.data if isinstance(writing.data, Mapping) else {}
        return reader.get(ChoiceLink, str(data["link"])) if data.get("link") else None

    def _write_beside(
        self, host: Host, case: Case, writing: Writing, deadline: float
    ) -> tuple[str, str]:
        """Nothing where it is over by now, or this helpdesk knows no talks beside a ticket: mail
        and the note on the ticket tell of it in any case."""
        language, now = host.routing.note_language, self._clock.now()
        with self._store.read() as reader:
            told = asked(reader, case, language=language, public_url=self._public_url, now=now)
        if told is None or "side" not in host.spec.writes:
            return "", ""
        back = WriteBack(
            kind="side",
            ticket_id=writing.ticket_id,
            marker=f"[amends:{writing.id}]",
            text=told.text,
            language=language,
            to=told.to,
            subject=told.subject,
        )
        there = host.desk.find(back)
        if there is None:
            there = self._put_in_time(host, back, deadline)
        return told.text, there

    def _put_in_time(self, host: Host, back: WriteBack, deadline: float) -> str:
        self._clock.need(deadline, host.within)
        return self._put(host, back)

    def _put(self, host: Host, back: WriteBack) -> str:
        try:
            return host.desk.write_back(back)
        except HostError as error:
            # It may still be at work on it: not looked for again before the call must have ended.
            error.retry_after = max(error.retry_after or timedelta(0), host.within)
            raise
