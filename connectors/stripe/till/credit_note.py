"""Account credit about an invoiced payment as a credit note on its invoice, for books that need the
paper: the note's sum goes to the customer's balance, where it lowers the next invoice.

Only where the connection asks for it; a payment without an invoice gets plain credit. A payment
names no invoice: invoices name their payments. https://docs.stripe.com/api/credit_notes/create
"""

from __future__ import annotations

from collections.abc import Callable

from stripe.params import CreditNoteCreateParams, CreditNoteListParams

from connectors.stripe.client import Account, Node
from connectors.stripe.shapes import at, counted, id_of, instant, listed, money, text
from connectors.stripe.till.account_credit import AccountCredit
from connectors.stripe.till.remedy import PAGE, Sending, asked, ending_of, every
from core.ports import (
    Absent,
    Ending,
    Finding,
    HostDenied,
    HostUnclear,
    Instruction,
    Quote,
    Receipt,
    Settled,
    Unknown,
)


class CreditNote:
    def __init__(
        self, account: Account, balance: AccountCredit, wanted: Callable[[], bool]
    ) -> None:
        self._account, self._balance, self._wanted = account, balance, wanted

    def quote(self, instruction: Instruction) -> Quote:
        return self._balance.quote(instruction)

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        invoice = self._invoice(instruction) if self._wanted() else None
        if invoice is None:
            return self._balance.prepare(instruction)
        params = body(instruction, invoice)

        def send() -> Ending:
            answer = self._account.write(
                lambda client: client.v1.credit_notes.create(
                    params, {"idempotency_key": f"{instruction.key}:note"}
                )
            )
            return ending_of(answer, lambda made: _judged(made, instruction))

        return send

    def find(self, instruction: Instruction) -> Finding:
        """On the balance, and among the invoice's notes whatever is asked for by now. A key that
        may not read those has made none."""
        found = self._balance.find(instruction)
        if not isinstance(found, Absent):
            return found
        try:
            ours = self._notes(instruction)
        except HostDenied:
            return found
        if len(ours) > 1:
            return Unknown("two credit notes carry this payout's id: look at the invoice now")
        return _judged(ours[0], instruction) if ours else found

    def reverse(self, instruction: Instruction) -> Ending:
        """The note stays on the paid invoice; what is unspent of its sum is charged back."""
        if isinstance(self._balance.find(instruction), Absent):
            found = self.find(instruction)
            if isinstance(found, Settled):
                return self._balance.take_back(instruction)
        return self._balance.reverse(instruction)

    def _notes(self, instruction: Instruction) -> list[Node]:
        invoice = self._invoice(instruction)
        if invoice is None:
            return []
        of: CreditNoteListParams = {"invoice": invoice, "limit": PAGE}
        notes = every(
            self._account,
            lambda client, after: client.v1.credit_notes.list(
                {**of, "starting_after": after} if after else of
            ),
        )
        return [n for n in notes if at(n, "metadata", "amends_id") == instruction.payout_id]

    def _invoice(self, instruction: Instruction) -> str | None:
        """The invoice that the payment paid. Raises `HostError`."""
        intent = instruction.order_id or ""
        if not intent.startswith("pi_"):
            return None
        page = self._account.read(
            lambda client: client.v1.invoice_payments.list(
                {"payment": {"type": "payment_intent", "payment_intent": intent}, "limit": PAGE}
            )
        )
        paid = [
            one
            for one in listed(page)
            if at(one, "status") == "paid" and id_of(one, "payment", "payment_intent") == intent
        ]
        invoices = {id_of(one, "invoice") for one in paid}
        if len(invoices) > 1:
            raise HostUnclear("Stripe shows one payment for several invoices")
        return invoices.pop() if invoices else None


def body(instruction: Instruction, invoice: str) -> CreditNoteCreateParams:
    """All of it to the balance. `reason` is left out: none of Stripe's words is goodwill."""
    amount = counted(asked(instruction))
    return {
        "invoice": invoice,
        "amount": amount,
        "credit_amount": amount,
        "memo": instruction.text[:350] or "Credit",
        "metadata": {"amends_id": instruction.payout_id},
    }


def _judged(made: Node, instruction: Instruction) -> Settled | Unknown:
    if id_of(made, "customer") != instruction.buyer_id:
        return Unknown("Stripe answered about another customer")
    if at(made, "metadata", "amends_id") != instruction.payout_id:
        return Unknown("Stripe answered with a credit note that does not carry our id")
    amount = money(at(made, "amount"), at(made, "currency"))
    if amount != instruction.amount:
        return Unknown(f"Stripe shows a credit note of {amount}, not {instruction.amount}")
    if at(made, "status") != "issued":
        return Unknown("Stripe shows our credit note as void: look at the invoice now")
    return Settled(
        Receipt(host_object=text(made, "id"), amount=amount, at=instant(at(made, "created")))
    )
