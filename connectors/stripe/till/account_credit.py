"""Credit on the customer's balance at Stripe: it lowers their next invoice, and is not cash."""

from __future__ import annotations

from stripe.params import CustomerBalanceTransactionCreateParams

from connectors.stripe.client import Account, Node
from connectors.stripe.shapes import at, counted, id_of, instant, money, stepped, text, whole
from connectors.stripe.till.remedy import PAGE, Sending, asked, ending_of, every, needed
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostNotFound,
    Instruction,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)


class AccountCredit:
    def __init__(self, account: Account) -> None:
        self._account = account

    def quote(self, instruction: Instruction) -> Quote:
        wanted = asked(instruction)
        customer = self._customer(instruction)
        currency = at(customer, "currency")
        if currency is not None and str(currency).upper() != wanted.currency:
            raise Unpayable(f"the customer's balance is kept in {str(currency).upper()}")
        return Quote(payable=stepped(wanted))

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        customer, params = needed(instruction.buyer_id, "a customer"), body(instruction)

        def send() -> Ending:
            answer = self._account.write(
                lambda client: client.v1.customers.balance_transactions.create(
                    customer, params, {"idempotency_key": instruction.key}
                )
            )
            return ending_of(answer, lambda made: _judged(made, instruction))

        return send

    def find(self, instruction: Instruction) -> Finding:
        ours = [
            one
            for one in self._movements(instruction)
            if at(one, "metadata", "amends_id") == instruction.payout_id
        ]
        if len(ours) > 1:
            return Unknown("two credits carry this payout's id: look at the customer's balance")
        return _judged(ours[0], instruction) if ours else Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        """Stripe deletes no credit: what is still unspent is charged back to the balance, once."""
        movements = self._movements(instruction)
        if not any(at(m, "metadata", "amends_id") == instruction.payout_id for m in movements):
            return Declined("not_found", "there is no such credit on the customer's balance")
        return self.take_back(instruction)

    def take_back(self, instruction: Instruction) -> Ending:
        """The unspent part of what is known to have been credited, once."""
        movements = self._movements(instruction)
        back = [m for m in movements if at(m, "metadata", "amends_back") == instruction.payout_id]
        if back:
            return Settled(_receipt(back[0]))
        wanted = counted(asked(instruction))
        unspent = min(wanted, -whole(self._customer(instruction), "balance"))
        if unspent <= 0:
            return Declined("spent", "the customer has used the credit already")
        customer = needed(instruction.buyer_id, "a customer")
        params: CustomerBalanceTransactionCreateParams = {
            "amount": unspent,
            "currency": asked(instruction).currency.lower(),
            "description": "Taken back",
            "metadata": {"amends_back": instruction.payout_id},
        }
        answer = self._account.write(
            lambda client: client.v1.customers.balance_transactions.create(
                customer, params, {"idempotency_key": f"{instruction.key}:back"}
            )
        )

        def believed(made: Node) -> Ending:
            if at(made, "amount") != unspent or id_of(made, "customer") != customer:
                return Unknown("Stripe answered about another movement")
            return Settled(_receipt(made))

        return ending_of(answer, believed)

    def _customer(self, instruction: Instruction) -> Node:
        customer_id = needed(instruction.buyer_id, "a customer")
        customer = self._account.read(lambda client: client.v1.customers.retrieve(customer_id))
        if at(customer, "deleted") is True:
            raise HostNotFound("the customer was deleted at Stripe")
        return customer

    def _movements(self, instruction: Instruction) -> list[Node]:
        customer = needed(instruction.buyer_id, "a customer")
        return list(
            every(
                self._account,
                lambda client, after: client.v1.customers.balance_transactions.list(
                    customer,
                    {"limit": PAGE, "starting_after": after} if after else {"limit": PAGE},
                ),
            )
        )


def body(instruction: Instruction) -> CustomerBalanceTransactionCreateParams:
    """Below zero is in the customer's favour."""
    wanted = asked(instruction)
    return {
        "amount": -counted(wanted),
        "currency": wanted.currency.lower(),
        "description": instruction.text[:350] or "Credit",
        "metadata": {"amends_id": instruction.payout_id},
    }


def _judged(made: Node, instruction: Instruction) -> Settled | Unknown:
    if id_of(made, "customer") != instruction.buyer_id:
        return Unknown("Stripe answered about another customer")
    if at(made, "metadata", "amends_id") != instruction.payout_id:
        return Unknown("Stripe answered with a credit that does not carry our id")
    if money(-whole(made, "amount"), at(made, "currency")) != instruction.amount:
        return Unknown("Stripe shows a credit of another amount than was asked")
    return Settled(_receipt(made))


def _receipt(made: Node) -> Receipt:
    amount: Money = money(abs(whole(made, "amount")), at(made, "currency"))
    return Receipt(host_object=text(made, "id"), amount=amount, at=instant(at(made, "created")))
