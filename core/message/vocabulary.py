"""The names that may stand in a template, and what kind of value each takes.

This is the whole list: a name that is not here can be used in no words, and a fact that is not
here is not shown.
"""

from __future__ import annotations

from typing import Literal

#: name: what people and hosts are called. text: a sentence from outside. code: ids, order names,
#: coupon codes, commands; left to right. day: a date. time, moment: an instant. said: words chosen
#: by a code. own: made by the message itself, never by a caller.
Kind = Literal[
    "name", "text", "code", "money", "count", "days", "day", "time", "moment", "said", "own"
]

_BY_KIND: dict[Kind, str] = {
    "name": "approver approvers customer desk doer host person requester till",
    "text": "detail field rule_words state status tag tags which why",
    "code": """case code link confirmation currency currencies order orders other_case other_ticket
        payout policy policy_version rule task ticket what""",
    "money": """amount asked cap uncapped left limit owed goodwill made_good paid payable refunded
        refundable total""",
    "count": "count quantity times times_left tries",
    "days": "days",
    "day": "deadline expires_on happened_on made_good_on",
    "time": "at",
    "moment": "expires_at since until",
    "said": "bound outcome reason reasons remedy",
    "own": """absent_command approve_command close customer_name done done_command export_command
        found_command given greeting remedies settle_command sign_off sorry task_title thanks
        the_order""",
}

NAMES: dict[str, Kind] = {name: kind for kind, names in _BY_KIND.items() for name in names.split()}

#: What a letter written by a workspace may use.
LETTER_NAMES = frozenset(
    {"greeting", "sorry", "remedies", "thanks", "close", "customer_name", "sign_off", "order"}
)

#: Names under which stored documents keep the same thing: the first that is there counts.
ALIASES = {
    "host": ("till", "desk"),
    "confirmation": ("host_object",),
    "approver": ("by",),
    "doer": ("by",),
    "detail": ("missing",),
    "why": ("said", "note"),
    "other_case": ("first_case",),
    "other_ticket": ("first_ticket",),
}
