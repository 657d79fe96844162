"""A running Vendure as its own people use it: orders through the Shop API, books through the Admin
API. Nothing here is shared with the connector."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import requests

#: What one piece of the product costs: one of the shop's own units, so an order can cost anything.
CURRENCIES = ("EUR", "JPY", "KWD")
MAY = ("ReadOrder", "UpdateOrder", "ReadCustomer", "ReadPromotion", "CreatePromotion")

LOGIN = """mutation($password: String!) {
  login(username: "superadmin", password: $password) { __typename ... on CurrentUser { id } } }"""
DEFAULT = """mutation { updateChannel(input: {id: "1", defaultCurrencyCode: EUR,
  availableCurrencyCodes: [EUR], pricesIncludeTax: true, defaultTaxZoneId: "1",
  defaultShippingZoneId: "1"}) { ... on Channel { token } } }"""
CHANNEL = """mutation($input: CreateChannelInput!) {
  createChannel(input: $input) { ... on Channel { id token } ... on ErrorResult { message } } }"""
ASSIGN = """mutation($channel: ID!, $product: ID!) {
  assignPaymentMethodsToChannel(input: {channelId: $channel, paymentMethodIds: ["1"]}) { id }
  assignShippingMethodsToChannel(input: {channelId: $channel, shippingMethodIds: ["1"]}) { id }
  assignProductsToChannel(input: {channelId: $channel, productIds: [$product]}) { id } }"""
PRODUCT = """mutation { createProduct(input: {translations: [
  {languageCode: en, name: "Cup", slug: "cup", description: ""}]}) { id } }"""
VARIANT = """mutation($product: ID!) { createProductVariants(input: [{productId: $product,
  sku: "CUP", price: 1, trackInventory: FALSE,
  translations: [{languageCode: en, name: "Cup"}]}]) { id } }"""
PRICE = """mutation($variant: ID!) {
  updateProductVariants(input: [{id: $variant, price: 1}]) { id } }"""
ROLE = """mutation($may: [Permission!]!) {
  createRole(input: {code: "amends", description: "Amends", permissions: $may}) { id } }"""
KEY = """mutation($role: ID!) { createApiKey(input: {roleIds: [$role],
  translations: [{languageCode: en, name: "Amends"}]}) { apiKey } }"""

ADD = """mutation($variant: ID!, $quantity: Int!) {
  addItemToOrder(productVariantId: $variant, quantity: $quantity) {
    __typename ... on Order { id } ... on ErrorResult { message } } }"""
PEOPLE = """mutation($email: String!) {
  setCustomerForOrder(input: {emailAddress: $email, firstName: "Mona", lastName: "Haddad"}) {
    __typename ... on ErrorResult { message } }
  setOrderShippingAddress(input: {streetLine1: "1 Quay", countryCode: "IE"}) { __typename }
  setOrderShippingMethod(shippingMethodId: ["1"]) { __typename ... on ErrorResult { message } }
  transitionOrderToState(state: "ArrangingPayment") {
    __typename ... on OrderStateTransitionError { message transitionError } } }"""
COUPON = """mutation($code: String!) { applyCouponCode(couponCode: $code) {
  __typename ... on Order { totalWithTax discounts { description amountWithTax } }
  ... on ErrorResult { errorCode message } } }"""
PAY = """mutation { addPaymentToOrder(input: {method: "by-hand", metadata: {}}) {
  __typename ... on Order { id code state totalWithTax customer { id } }
  ... on ErrorResult { message } } }"""
BOOKS = """query($id: ID!) { order(id: $id) { id code state updatedAt currencyCode totalWithTax
  payments { id amount method state refunds { id total state reason transactionId } } } }"""
REFUND = """mutation($payment: ID!, $amount: Money!, $reason: String) {
  refundOrder(input: {paymentId: $payment, amount: $amount, reason: $reason,
    lines: [], shipping: 0, adjustment: 0}) {
    __typename ... on Refund { id state } ... on ErrorResult { errorCode message } } }"""
PROMOTIONS = """query($code: String!) { promotions(options: {filter: {couponCode: {eq: $code}}}) {
  items { id description enabled usageLimit actions { code args { name value } } } } }"""


class Shop:
    def __init__(self, url: str, password: str, tell: Callable[[str], None]) -> None:
        self.url, self._tell = url, tell
        self._admin = requests.Session()
        answer = self._post(self._admin, "admin-api", LOGIN, {"password": password})
        self._admin.headers["Authorization"] = f"Bearer {answer.headers['vendure-auth-token']}"
        self._fill()

    def _fill(self) -> None:
        self.tokens = {"EUR": self.admin(DEFAULT)["updateChannel"]["token"]}
        product = self.admin(PRODUCT)["createProduct"]["id"]
        self.variant = self.admin(VARIANT, product=product)["createProductVariants"][0]["id"]
        for currency in CURRENCIES[1:]:
            channel = self.admin(CHANNEL, input=_channel(currency))["createChannel"]
            self.tokens[currency] = channel["token"]
            self.admin(ASSIGN, channel=channel["id"], product=product)
            self.admin(PRICE, channel_token=channel["token"], variant=self.variant)
        role = self.admin(ROLE, may=MAY)["createRole"]["id"]
        self.admin(KEY, role=role)

    # -------------------------------------------------------------------------------- acting

    def order(self, units: int, currency: str = "EUR", *, email: str) -> Mapping[str, Any]:
        """A paid order of `units` (1/100 of a EUR, of a yen, of a dinar) through the Shop API."""
        with requests.Session() as buyer:
            self._fill_cart(buyer, units, currency)
            made = self._shop(buyer, PEOPLE, email=email)
            assert made["transitionOrderToState"]["__typename"] == "Order", made
            paid: Mapping[str, Any] = self._shop(buyer, PAY)["addPaymentToOrder"]
        assert paid["__typename"] == "Order", paid
        assert (paid["state"], paid["totalWithTax"]) == ("PaymentSettled", units)
        return paid

    def cart_with(self, code: str, units: int) -> Mapping[str, Any]:
        """What the shop says when a coupon is used on a cart of `units`."""
        with requests.Session() as buyer:
            self._fill_cart(buyer, units, "EUR")
            found: Mapping[str, Any] = self._shop(buyer, COUPON, code=code)["applyCouponCode"]
        return found

    def refund_by_hand(self, order_id: str, units: int, reason: str | None = None) -> str:
        payment = self.books(order_id)["payments"][0]["id"]
        made = self.admin(REFUND, payment=payment, amount=units, reason=reason)["refundOrder"]
        return str(made["id"])

    def tell(self, url: str, secret: str) -> None:
        """Whom the plugin calls from now on."""
        self._tell(json.dumps({"url": url, "secret": secret}))

    # ------------------------------------------------------------------------------- looking

    def books(self, order_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.admin(BOOKS, id=order_id)["order"]
        return found

    def refunds(self, order_id: str) -> list[Mapping[str, Any]]:
        """Every refund of an order, the failed ones too."""
        return [one for paid in self.books(order_id)["payments"] for one in paid["refunds"]]

    def promotions(self, code: str) -> list[Mapping[str, Any]]:
        return list(self.admin(PROMOTIONS, code=code)["promotions"]["items"])

    # ------------------------------------------------------------------------------- innards

    def admin(self, document: str, *, channel_token: str | None = None, **named: Any) -> Any:
        headers = {"vendure-token": channel_token} if channel_token else {}
        return _data(self._post(self._admin, "admin-api", document, named, headers))

    def _fill_cart(self, buyer: requests.Session, units: int, currency: str) -> None:
        buyer.headers["vendure-token"] = self.tokens[currency]
        answer = self._post(buyer, "shop-api", ADD, {"variant": self.variant, "quantity": units})
        buyer.headers["Authorization"] = f"Bearer {answer.headers['vendure-auth-token']}"
        made = _data(answer)["addItemToOrder"]
        assert made["__typename"] == "Order", made

    def _shop(self, buyer: requests.Session, document: str, **named: Any) -> Any:
        return _data(self._post(buyer, "shop-api", document, named))

    def _post(
        self,
        session: requests.Session,
        api: str,
        document: str,
        variables: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        asked = {"query": document, "variables": dict(variables)}
        return session.post(f"{self.url}/{api}", json=asked, headers=headers, timeout=30)


def _channel(currency: str) -> dict[str, object]:
    return {
        "code": currency.lower(),
        "token": f"{currency.lower()}-channel",
        "defaultLanguageCode": "en",
        "defaultCurrencyCode": currency,
        "availableCurrencyCodes": [currency],
        "pricesIncludeTax": True,
        "defaultTaxZoneId": "1",
        "defaultShippingZoneId": "1",
    }


def _data(answer: requests.Response) -> Any:
    said = answer.json()
    assert "errors" not in said, said["errors"]
    return said["data"]
