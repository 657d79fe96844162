"""Every GraphQL document for what is given in place of money back: store credit, gift cards,
discount codes, goods."""

from connectors.shopify.documents import MONEY

_CREDIT = """
fragment Credit on StoreCreditAccountCreditTransaction {
  id createdAt expiresAt amount { amount currencyCode }
}
"""

CREDITS = (
    """
query credits($customer: ID!) {
  customer(id: $customer) {
    id
    storeCreditAccounts(first: 5) {
      nodes {
        id balance { amount currencyCode }
        transactions(first: 50, sortKey: CREATED_AT, reverse: true) {
          nodes { ...Credit createdAt }
        }
      }
    }
  }
}
"""
    + _CREDIT
)

CREDIT_CREATE = (
    """
mutation storeCredit($id: ID!, $input: StoreCreditAccountCreditInput!) {
  storeCreditAccountCredit(id: $id, creditInput: $input) {
    storeCreditAccountTransaction { ...Credit }
    userErrors { field message code }
  }
}
"""
    + _CREDIT
)

_CARD = """
fragment Card on GiftCard {
  id note enabled lastCharacters createdAt customer { id }
  initialValue { amount currencyCode } balance { amount currencyCode }
}
"""

CARD = (
    """
query giftCard($id: ID!) { giftCard(id: $id) { ...Card } }
"""
    + _CARD
)

CARDS = (
    """
query giftCards($query: String!) { giftCards(first: 5, query: $query) { nodes { ...Card } } }
"""
    + _CARD
)

CARDS_SINCE = (
    """
query giftCardsSince($query: String!, $after: String) {
  giftCards(first: 50, after: $after, query: $query, sortKey: CREATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { ...Card }
  }
}
"""
    + _CARD
)

CARD_CREATE = (
    """
mutation giftCardCreate($input: GiftCardCreateInput!) {
  giftCardCreate(input: $input) {
    giftCard { ...Card }
    userErrors { field message code }
  }
}
"""
    + _CARD
)

CARD_DEACTIVATE = (
    """
mutation giftCardDeactivate($id: ID!) {
  giftCardDeactivate(id: $id) {
    giftCard { ...Card }
    userErrors { field message code }
  }
}
"""
    + _CARD
)

_COUPON = """
fragment Coupon on DiscountCodeNode {
  id
  codeDiscount {
    ... on DiscountCodeBasic {
      title status createdAt asyncUsageCount
      codes(first: 1) { nodes { code } }
      customerGets { value { ... on DiscountAmount { amount { amount currencyCode } } } }
    }
  }
}
"""

COUPON = (
    """
query coupon($code: String!) {
  shop { currencyCode }
  codeDiscountNodeByCode(code: $code) { ...Coupon }
}
"""
    + _COUPON
)

COUPONS_SINCE = (
    """
query couponsSince($query: String!, $after: String) {
  codeDiscountNodes(first: 50, after: $after, query: $query, sortKey: CREATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { ...Coupon }
  }
}
"""
    + _COUPON
)

COUPON_CREATE = (
    """
mutation couponCreate($input: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $input) {
    codeDiscountNode { ...Coupon }
    userErrors { field message code }
  }
}
"""
    + _COUPON
)

COUPON_DEACTIVATE = (
    """
mutation couponDeactivate($id: ID!) {
  discountCodeDeactivate(id: $id) {
    codeDiscountNode { ...Coupon }
    userErrors { field message code }
  }
}
"""
    + _COUPON
)

SHOP_CURRENCY = """
query shopCurrency { shop { currencyCode } }
"""

REPLACED = (
    """
query replaced($id: ID!) {
  order(id: $id) {
    id email presentmentCurrencyCode
    customer { id }
    shippingAddress {
      firstName lastName company address1 address2 city provinceCode countryCodeV2 zip phone
    }
    lineItems(first: 100) {
      nodes { id title quantity variant { id } discountedUnitPriceSet { ...Paid } }
    }
  }
}
"""
    + MONEY
)

_DRAFT = (
    """
fragment Draft on DraftOrder {
  id status tags createdAt completedAt order { id } totalPriceSet { ...Paid }
}
"""
    + MONEY
)

DRAFTS_SINCE = (
    """
query draftsSince($query: String!, $after: String) {
  draftOrders(first: 50, after: $after, query: $query, sortKey: ID) {
    pageInfo { hasNextPage endCursor }
    nodes { ...Draft }
  }
}
"""
    + _DRAFT
)

# Without `query`, so that the list comes from the store itself and not from the search index.
DRAFTS = (
    """
query drafts { draftOrders(first: 100, sortKey: ID, reverse: true) { nodes { ...Draft } } }
"""
    + _DRAFT
)

DRAFT = (
    """
query draft($id: ID!) { draftOrder(id: $id) { ...Draft } }
"""
    + _DRAFT
)

DRAFT_CREATE = (
    """
mutation draftOrderCreate($input: DraftOrderInput!) {
  draftOrderCreate(input: $input) {
    draftOrder { ...Draft }
    userErrors { field message }
  }
}
"""
    + _DRAFT
)

DRAFT_COMPLETE = (
    """
mutation draftOrderComplete($id: ID!) {
  draftOrderComplete(id: $id, paymentPending: false) {
    draftOrder { ...Draft }
    userErrors { field message }
  }
}
"""
    + _DRAFT
)
