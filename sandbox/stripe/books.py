"""Stripe's state: one set of books per account, keys, and the events it tells."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import sleep
from typing import Any
from uuid import uuid4

from sandbox.hooks import Delivery, Target
from sandbox.host import HostState
from sandbox.stripe import wire

Object = dict[str, Any]
API_VERSION = "2026-10-28.endive"
#: The secret key every fresh account knows.
SECRET_KEY = "sk_test_sandbox"
TABLES = (
    "customers",
    "payment_intents",
    "charges",
    "refunds",
    "balance_transactions",
    "coupons",
    "promotion_codes",
    "invoices",
    "credit_notes",
    "webhook_endpoints",
    "disputes",
    "events",
)


@dataclass
class Saved:
    """What an idempotency key was first used with; `status` is None while that runs."""

    request: str
    at: float
    id: str
    status: int | None = None
    body: Any = None


@dataclass
class Account:
    """One account's objects, by kind and id, in the order they were made."""

    id: str | None
    tables: dict[str, dict[str, Object]] = field(
        default_factory=lambda: {name: {} for name in TABLES}
    )

    def __getitem__(self, table: str) -> dict[str, Object]:
        return self.tables[table]

    def pick(self, table: str, **wanted: Any) -> list[Object]:
        """The objects whose fields have these values; None is not compared."""
        given = {name: value for name, value in wanted.items() if value is not None}
        return [
            one
            for one in self.tables[table].values()
            if all(one.get(name) == value for name, value in given.items())
        ]


class Stripe(HostState):
    """`pace_s`: how long a POST takes. `endings`: the next refunds' statuses. `crashes`: the next
    POSTs end in a 500 that the key remembers, `acted` or `unacted`. `index_lag_s`: how late the
    search is."""

    def reset_books(self) -> None:
        self._ids = itertools.count(1)
        self.pace_s = 0.0
        self.index_lag_s = 0.0
        self.endings: list[str] = []
        self.crashes: list[str] = []
        self.secret_keys = {SECRET_KEY}
        self.accounts: dict[str | None, Account] = {None: Account(None)}
        self.keys: dict[tuple[str | None, str], Saved] = {}

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids):06d}{uuid4().hex[:10]}"

    def now(self) -> int:
        return int(self.clock.epoch())

    def think(self) -> None:
        """A POST takes its time; others are served meanwhile. Called with the lock held."""
        if self.pace_s:
            self.lock.release()
            try:
                sleep(self.pace_s)
            finally:
                self.lock.acquire()

    def books(self) -> dict[str, Any]:
        """The main account's objects, those of the others under `accounts`, the keys known."""

        def listed(account: Account) -> dict[str, Any]:
            return {name: list(table.values()) for name, table in account.tables.items()}

        return {
            **listed(self.accounts[None]),
            "accounts": {id: listed(one) for id, one in self.accounts.items() if id is not None},
            "keys": sorted(key for _, key in self.keys),
        }

    # --- filling --------------------------------------------------------------------------------

    def seed(self, data: Mapping[str, Any]) -> None:
        """`payments` (see `sandbox.world`), `customers`, `invoices`; `account` for another one."""
        id = data.get("account")
        account = self.accounts.setdefault(id, Account(id))
        for person in data.get("customers", ()):
            self._customer(account, person["id"], person["email"], person)
        for payment in data.get("payments", ()):
            self._payment(account, payment)
        for invoice in data.get("invoices", ()):
            self._invoice(account, invoice)

    def _customer(self, account: Account, id: str, email: str, given: Mapping[str, Any]) -> None:
        account["customers"].setdefault(
            id,
            {
                "id": id,
                "object": "customer",
                "balance": 0,
                "created": _epoch(given.get("created_at")) or self.now(),
                "currency": None,
                "description": None,
                "email": email,
                "invoice_credit_balance": {},
                "livemode": False,
                "metadata": {},
                "name": given.get("name"),
                "phone": None,
            },
        )

    def _payment(self, account: Account, given: Mapping[str, Any]) -> None:
        if given.get("customer"):
            self._customer(account, given["customer"], given["email"], given)
        made = _epoch(given.get("created_at")) or self.now()
        common = {
            "amount": given["amount"],
            "created": made,
            "currency": given["currency"],
            "customer": given.get("customer"),
            "description": given.get("description"),
            "livemode": False,
            "metadata": dict(given.get("metadata", {})),
            "receipt_email": given.get("email"),
        }
        refunded = given.get("refunded", 0)
        account["payment_intents"][given["payment_intent"]] = {
            "id": given["payment_intent"],
            "object": "payment_intent",
            **common,
            "amount_received": given["amount"],
            "latest_charge": given["charge"],
            "status": "succeeded",
        }
        account["charges"][given["charge"]] = {
            "id": given["charge"],
            "object": "charge",
            **common,
            "amount_captured": given["amount"],
            "amount_refunded": refunded,
            "billing_details": {"email": given.get("email"), "name": given.get("name")},
            "captured": True,
            "disputed": False,
            "paid": True,
            "payment_intent": given["payment_intent"],
            "refunded": refunded >= given["amount"],
            "status": "succeeded",
        }
        if refunded:
            old = self.new_refund(account, account["charges"][given["charge"]], refunded)
            old["created"] = made

    def _invoice(self, account: Account, given: Mapping[str, Any]) -> None:
        account["invoices"][given["id"]] = {
            "id": given["id"],
            "object": "invoice",
            "amount_paid": given["total"],
            "charge": given["charge"],
            "created": self.now(),
            "currency": given["currency"],
            "customer": given["customer"],
            "livemode": False,
            "metadata": {},
            "number": given.get("number"),
            "post_payment_credit_notes_amount": 0,
            "status": "paid",
            "total": given["total"],
        }

    def new_refund(self, account: Account, charge: Object, amount: int) -> Object:
        """A refund object in the books; what it does to the charge is the caller's business."""
        id = self.new_id("re")
        made: Object = {
            "id": id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": self.new_id("txn"),
            "charge": charge["id"],
            "created": self.now(),
            "currency": charge["currency"],
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": None,
            "receipt_number": None,
            "status": "succeeded",
            "pending_reason": None,
            "failure_reason": None,
            "failure_balance_transaction": None,
        }
        account["refunds"][id] = made
        return made

    # --- telling --------------------------------------------------------------------------------

    def tell(self, account: Account, type: str, about: Object, **before: Any) -> None:
        """An event: kept, and sent to whoever wants it. `before` are previous attributes."""
        data: Object = {"object": json.loads(json.dumps(about))}
        if before:
            data["previous_attributes"] = before
        event: Object = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": len(self.hooks.targets),
            "request": {"id": self.new_id("req"), "idempotency_key": None},
            "type": type,
        }
        if account.id is not None:
            event["account"] = account.id
        account["events"][event["id"]] = event
        self.hooks.emit(type, event)

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        return wire.compose(target, topic, payload)

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        return wire.sign(delivery, self.now())

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> float | None:
        return wire.retry_in(delivery, status)

    def operations(self, method: str, path: str, body: bytes) -> Sequence[str]:
        """`refunds.create` for POST /v1/refunds, `refunds.retrieve` for GET /v1/refunds/re_1."""
        parts = path.removeprefix("/v1/").strip("/").split("/")
        names = [part for part in parts if part in TABLES or part in ("search", "cancel")]
        alone = parts[-1] in TABLES
        verbs = {"GET": "list" if alone else "retrieve", "POST": "create" if alone else "update"}
        return [f"{'.'.join(names)}.{verbs.get(method, method.lower())}"]


def _epoch(text: str | None) -> int | None:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) if text else None
