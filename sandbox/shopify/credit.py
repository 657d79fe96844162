"""Store credit accounts: one per customer and currency. No keys, no notes, as in the real shop."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Info, instant, no, refused, shop_of
from sandbox.shopify.money import exact, money
from sandbox.shopify.views import View, customer, gid, number_in, page, transaction

_EMPTY = ("storeCreditAccountTransaction",)
LIMIT = Decimal(100_000)


def open_account(shop: Shop, customer_id: int, currency: str) -> records.CreditAccount:
    """The customer's account in that currency, made if there is none."""
    for account in shop.accounts.values():
        if (account.customer_id, account.currency) == (customer_id, currency):
            return account
    made = records.CreditAccount(shop.new_id(), customer_id, currency)
    shop.accounts[made.id] = made
    return made


def add_entry(
    shop: Shop,
    account: records.CreditAccount,
    amount: Decimal,
    event: str,
    expires_at: str | None = None,
    transaction_id: int | None = None,
) -> records.CreditEntry:
    entry = records.CreditEntry(
        shop.new_id(),
        amount,
        account.balance + amount,
        event,
        shop.clock.iso(),
        expires_at,
        transaction_id,
    )
    account.entries.append(entry)
    return entry


def accounts_of(shop: Shop, customer_id: int) -> list[View]:
    return [
        account_view(shop, one) for one in shop.accounts.values() if one.customer_id == customer_id
    ]


def account_view(shop: Shop, of: records.CreditAccount) -> View:
    def entries(_info: Any, **args: Any) -> View:
        views = [entry_view(shop, of, one) for one in of.entries]
        return page(
            views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
        )

    return {
        "__typename": "StoreCreditAccount",
        "id": gid("StoreCreditAccount", of.id),
        "balance": money(of.balance, of.currency),
        "owner": lambda _info: customer(shop, shop.customers[of.customer_id]),
        "transactions": entries,
    }


def entry_view(shop: Shop, account: records.CreditAccount, of: records.CreditEntry) -> View:
    kind = "Credit" if of.amount >= 0 else "Debit"
    name = f"StoreCreditAccount{kind}Transaction"
    moved = shop.transactions.get(of.transaction_id or 0)
    return {
        "__typename": name,
        "id": gid(name, of.id),
        "amount": money(of.amount, account.currency),
        "balanceAfterTransaction": money(of.balance, account.currency),
        "remainingAmount": money(of.amount, account.currency),
        "createdAt": of.created_at,
        "event": of.event,
        "expiresAt": of.expires_at,
        "origin": transaction(shop, moved) if moved else None,
        "account": lambda _info: account_view(shop, account),
    }


def read_account(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    found = shop.accounts.get(number_in("StoreCreditAccount", id) or 0)
    return account_view(shop, found) if found else None


def credit(info: Info, id: str, creditInput: Mapping[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)
    amount, currency = (
        creditInput["creditAmount"]["amount"],
        creditInput["creditAmount"]["currencyCode"],
    )
    customer_id = number_in("Customer", id)
    account = shop.accounts.get(number_in("StoreCreditAccount", id) or 0)
    where = ["creditInput", "creditAmount"]
    if _is_company(id) or (customer_id is not None and customer_id not in shop.customers):
        return refused(no(["id"], "Owner does not exist", "OWNER_NOT_FOUND"), *_EMPTY)
    if customer_id is None and account is None:
        return refused(_no_account(), *_EMPTY)
    if amount <= 0:
        message = "A positive amount must be used to credit a store credit account"
        return refused(no([*where, "amount"], message, "NEGATIVE_OR_ZERO_AMOUNT"), *_EMPTY)
    if account is not None and account.currency != currency:
        return refused(_mismatch([*where, "currencyCode"]), *_EMPTY)
    expires = instant(creditInput.get("expiresAt"))
    if expires is not None and expires <= shop.clock.epoch():
        message = "The expiry date must be in the future"
        return refused(no(["creditInput", "expiresAt"], message, "EXPIRES_AT_IN_PAST"), *_EMPTY)
    held = account or open_account(shop, customer_id or 0, currency)
    if held.balance + amount > LIMIT:
        message = "The operation would cause the account's credit limit to be exceeded"
        return refused(no([*where, "amount"], message, "CREDIT_LIMIT_EXCEEDED"), *_EMPTY)
    entry = add_entry(
        shop, held, exact(amount, currency), "ADJUSTMENT", creditInput.get("expiresAt")
    )
    return {_EMPTY[0]: entry_view(shop, held, entry), "userErrors": []}


def debit(info: Info, id: str, debitInput: Mapping[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)
    amount, currency = (
        debitInput["debitAmount"]["amount"],
        debitInput["debitAmount"]["currencyCode"],
    )
    where = ["debitInput", "debitAmount"]
    account = shop.accounts.get(number_in("StoreCreditAccount", id) or 0) or next(
        (
            one
            for one in shop.accounts.values()
            if (one.customer_id, one.currency) == (number_in("Customer", id), currency)
        ),
        None,
    )
    if account is None:
        return refused(_no_account(), *_EMPTY)
    if amount <= 0:
        message = "A positive amount must be used to debit a store credit account"
        return refused(no([*where, "amount"], message, "NEGATIVE_OR_ZERO_AMOUNT"), *_EMPTY)
    if account.currency != currency:
        return refused(_mismatch([*where, "currencyCode"]), *_EMPTY)
    if amount > account.balance:
        message = "The store credit account does not have sufficient funds to satisfy the request"
        return refused(no([*where, "amount"], message, "INSUFFICIENT_FUNDS"), *_EMPTY)
    entry = add_entry(shop, account, -exact(amount, currency), "ADJUSTMENT")
    return {_EMPTY[0]: entry_view(shop, account, entry), "userErrors": []}


def _is_company(id: str) -> bool:
    return number_in("CompanyLocation", id) is not None


def _no_account() -> dict[str, Any]:
    return no(["id"], "Store credit account does not exist", "ACCOUNT_NOT_FOUND")


def _mismatch(where: list[str]) -> dict[str, Any]:
    message = "The currency provided does not match the currency of the store credit account"
    return no(where, message, "MISMATCHING_CURRENCY")
