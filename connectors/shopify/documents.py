"""Every GraphQL document sent to Shopify; a test validates each against the published schema.

Sizes matter: one query may cost 1,000 points at most, an object counts one, and a connection counts
what `first` asks for times what stands inside it.
"""

MONEY = """
fragment Paid on MoneyBag { presentmentMoney { amount currencyCode } }
"""

_BUYER = """
fragment Buyer on Customer {
  id numberOfOrders amountSpent { amount currencyCode } defaultEmailAddress { emailAddress }
}
"""

_ORDER = (
    """
fragment Details on Order {
  id name email createdAt presentmentCurrencyCode refundable
  customer { ...Buyer }
  totalPriceSet { ...Paid } totalReceivedSet { ...Paid } totalRefundedSet { ...Paid }
  suggestedRefund { maximumRefundableSet { ...Paid } }
  disputes { status }
  fulfillments(first: 5) { estimatedDeliveryAt deliveredAt }
  transactions(first: 10) { kind status manualPaymentGateway }
  lineItems(first: $lines) { nodes { id title quantity discountedUnitPriceSet { ...Paid } } }
}
"""
    + _BUYER
    + MONEY
)

PURCHASES = (
    """
query purchases($email: String!, $alike: String!, $named: String!, $any: Boolean!, $lines: Int!) {
  shop { ianaTimezone }
  exact: customerByIdentifier(identifier: {emailAddress: $email}) {
    ...Buyer
    orders(first: 5, sortKey: CREATED_AT, reverse: true) { nodes { ...Details } }
  }
  alike: customers(first: 5, query: $alike) { nodes { ...Buyer } }
  byEmail: orders(first: 5, query: $alike, sortKey: CREATED_AT, reverse: true) {
    nodes { ...Details }
  }
  named: orders(first: 3, query: $named) @include(if: $any) { nodes { ...Details } }
}
"""
    + _ORDER
)

ORDER = (
    """
query order($id: ID!, $lines: Int!) {
  shop { ianaTimezone }
  order(id: $id) { ...Details }
}
"""
    + _ORDER
)

# What a refund is decided on: where the money came from, what of it is left, and whether a refund
# of ours is already among the order's refunds (read from the order itself, never by search).
PAYMENTS = (
    """
query payments($id: ID!) {
  order(id: $id) {
    id presentmentCurrencyCode refundable
    customer { id }
    disputes { status }
    suggestedRefund { maximumRefundableSet { ...Paid } }
    transactions(first: 30) {
      id kind status gateway manualPaymentGateway amountSet { ...Paid } parentTransaction { id }
    }
    refunds(first: 50) { id note }
  }
}
"""
    + MONEY
)

# What lines and shipping of an order would still bring back.
PARTS = (
    """
query parts($id: ID!, $lines: [RefundLineItemInput!], $shipping: Money) {
  order(id: $id) {
    suggestedRefund(refundLineItems: $lines, shippingAmount: $shipping) { amountSet { ...Paid } }
  }
}
"""
    + MONEY
)

_REFUND = (
    """
fragment Made on Refund {
  id note createdAt order { id }
  transactions(first: 20) { nodes { id kind status gateway errorCode amountSet { ...Paid } } }
}
"""
    + MONEY
)

# What the shop says of the tax in a refund: the lines it is written down for, if any, and those of
# its order.
_TAXED = """
fragment Taxed on Refund {
  refundLineItems(first: 10) {
    pageInfo { hasNextPage }
    nodes {
      lineItem { id taxLines { ...Tax } }
      subtotalSet { ...Paid } totalTaxSet { ...Paid }
    }
  }
  refundShippingLines(first: 3) {
    nodes {
      shippingLine { id taxLines { ...Tax } }
      subtotalAmountSet { ...Paid } taxAmountSet { ...Paid }
    }
  }
  order {
    taxesIncluded totalPriceSet { ...Paid }
    lineItems(first: 30) {
      nodes {
        id discountedTotalSet(withCodeDiscounts: true) { ...Paid } taxLines { ...Tax }
      }
    }
    shippingLines(first: 3) {
      nodes { id discountedPriceSet { ...Paid } taxLines { ...Tax } }
    }
  }
}
fragment Tax on TaxLine { ratePercentage priceSet { ...Paid } }
"""

REFUND = (
    """
query refund($id: ID!) { refund(id: $id) { ...Made } }
"""
    + _REFUND
)

# The same, and the taxes in the same call.
REFUND_TAXED = (
    """
query refund($id: ID!) { refund(id: $id) { ...Made ...Taxed } }
"""
    + _REFUND
    + _TAXED
)

# `@idempotent` is part of the schema since 2026-01 and required here since 2026-04; without it the
# document still validates and the host refuses it.
REFUND_CREATE = (
    """
mutation refundCreate($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { ...Made }
    userErrors { field message }
  }
}
"""
    + _REFUND
)

RECENT = (
    """
query recent($query: String!, $after: String) {
  orders(first: 5, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      refunds(first: 10) {
        id note createdAt order { id }
        transactions(first: 4) {
          nodes { id kind status gateway errorCode amountSet { ...Paid } }
        }
      }
    }
  }
}
"""
    + MONEY
)

ACCESS = """
query access {
  shop { myshopifyDomain currencyCode }
  currentAppInstallation { accessScopes { handle } }
  publicApiVersions { handle supported }
}
"""

HOOKS = """
query hooks($uri: String!) {
  webhookSubscriptions(first: 50, uri: $uri) { nodes { id topic uri } }
}
"""

HOOK_CREATE = """
mutation hookCreate($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
"""

HOOK_DELETE = """
mutation hookDelete($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}
"""
