"""What goes back to the ticket: looked for first, then put there, for each note, reply and mark.

Whatever is planned for a case and due is written in one step and committed together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from core import flow, writeback
from core import link as links
from core.case import Case, Writing
from core.letter import Letter, letter_of
from core.link import ChoiceLink
from core.moment import Moment
from core.payout import Payout
from core.ports import HostError, Unwritable, WriteBack
from core.store import Lease, Store, Tx
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

    def write(self, lease: Lease, writings: Sequence[Writing], deadline: float) -> Consequence:
        """Put each on the ticket, looking first whether it is there; commit them together."""
        with self._store.read() as reader:
            case = reader.get(Case, lease.id)
        assert case is not None
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
            there = host.desk.find(writeback.unworded(writing))
            codes = self._codes(case) if writing.kind == "reply" or customer else {}
            letter, token = self._letter(writing)
            back = writeback.compose(
                case,
                writing,
                host.routing,
                names=self._hosts.titles(),
                customer=customer,
                codes=codes,
                letter=letter,
                link=f"{self._public_url}/choose/{token}" if token else None,
            )
            if there is None:
                there = self._put_in_time(host, back, deadline)
        except HostError as error:
            return error
        secrets = [*codes.values(), *([token] if token else [])]
        return writeback.without(back.text, secrets), there

    def _letter(self, writing: Writing) -> tuple[Letter | None, str | None]:
        """What a person wrote for the customer, and the token of the link it is to carry."""
        with self._store.read() as reader:
            letter = letter_of(reader, writing.case_id)
            data = writing.data if isinstance(writing.data, Mapping) else {}
            link = reader.get(ChoiceLink, str(data.get("link")))
        if link is None or writing.kind != "reply":
            return letter, None
        return letter, links.token_of(self._sealer, self._store.workspace_id, link)

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

    def _codes(self, case: Case) -> Mapping[str, str]:
        """Payout id -> the code the customer redeems it with."""
        with self._store.read() as reader:
            paid = reader.find(Payout, case_id=case.id)
        workspace = self._store.workspace_id
        return {p.id: code for p in paid if (code := code_of(self._sealer, workspace, p))}
