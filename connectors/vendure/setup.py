"""What Amends needs at Vendure. A plugin is code in the shop's own project, so an admin puts it
there; `check` says how, and looks whether the API key may do what it must."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from connectors.vendure.client import Admin, Refused
from core.ports import Check, HostError, HostUnclear, NotSent, Settings, Unknown

#: Nothing can come of these: there is no payment 0, and a promotion needs a code or a condition.
_NO_REFUND = """mutation { refundOrder(input: {paymentId: "0", amount: 1, reason: "check",
  lines: [], shipping: 0, adjustment: 0}) {
  __typename ... on ErrorResult { errorCode message } } }"""
_NO_COUPON = """mutation { createPromotion(input: {enabled: false, conditions: [], actions: [],
  translations: []}) { __typename ... on ErrorResult { errorCode message } } }"""
_READS = (
    ("orders", "ReadOrder", "query { orders(options: {take: 1}) { totalItems } }"),
    ("customers", "ReadCustomer", "query { customers(options: {take: 1}) { totalItems } }"),
    ("promotions", "ReadPromotion", "query { promotions(options: {take: 1}) { totalItems } }"),
)
_WRITES = (
    ("refunds", "UpdateOrder", _NO_REFUND, "refundOrder"),
    ("coupons", "CreatePromotion", _NO_COUPON, "createPromotion"),
)


class VendureSetup:
    def __init__(self, admin: Admin, settings: Settings) -> None:
        self._admin = admin
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        """Makes the plugin's secret, once. Nothing is created at the shop."""
        learned = {"webhook_url": webhook_url}
        if not self._settings.get("webhook_secret"):
            learned["webhook_secret"] = secrets.token_urlsafe(32)
        return learned

    def check(self) -> Sequence[Check]:
        reads = [self._may_read(*read) for read in _READS]
        writes = [self._may_write(*write) for write in _WRITES]
        return [*reads, *writes, self._plugin()]

    def remove(self) -> None:
        """Nothing was created at the shop; the plugin is the admin's to take out."""

    def _may_read(self, what: str, permission: str, document: str) -> Check:
        todo = ""
        try:
            self._admin.read(document)
        except HostError as error:
            todo = f"{error}; the role of the API key needs {permission}"
        return Check(ok=not todo, what=f"{what} can be read", todo=todo)

    def _may_write(self, what: str, permission: str, document: str, root: str) -> Check:
        match self._admin.write(document, root, "Nothing"):
            case Refused():
                todo = ""
            case NotSent(why) | Unknown(why):
                todo = f"{why}; the role of the API key needs {permission}"
            case _:
                raise HostUnclear("Vendure made something of what cannot be")
        return Check(ok=not todo, what=f"{what} can be made", todo=todo)

    def _plugin(self) -> Check:
        """The secret itself is not in here: this text is shown in browsers."""
        url = self._settings.get("webhook_url") or "(install first)"
        kept = bool(self._settings.get("webhook_secret"))
        return Check(
            ok=kept,
            what="the plugin, which Vendure cannot be asked about",
            todo=(
                "copy plugin.js of this connector into the shop's project, add AmendsPlugin.init({"
                "url: process.env.AMENDS_URL, secret: process.env.AMENDS_SECRET}) to its plugins, "
                f"and set AMENDS_URL to {url} and AMENDS_SECRET to this connection's "
                "webhook_secret (amends connector reveal shows it)"
            ),
        )
