"""Why a click was not done, in the reader's words: what happened, what is safe, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask_babel import lazy_gettext

from console.sidebar.acts import Changed, NeedsReason, NotLinked
from core.approval import MayNotApprove, NotWaiting
from core.by_hand import NotByHand
from core.choice import CannotGive
from core.errors import AmendsError
from core.interventions import NothingToOverride
from core.resolve import CannotResolve
from core.reversal import CannotReverse
from core.tasks import NotOpen, StillInDoubt


class Refusal(NamedTuple):
    words: str
    status: int


_WORDS: Sequence[tuple[type[AmendsError], object, int]] = (
    (
        Changed,
        lazy_gettext(
            "Something changed since you looked, so nothing was given. See what it is now."
        ),
        409,
    ),
    (
        CannotGive,
        lazy_gettext(
            "Nothing was given: somebody is at work on this ticket, or it cannot be given."
        ),
        422,
    ),
    (NeedsReason, lazy_gettext("Say why more should be given for the same thing."), 422),
    (
        NotLinked,
        lazy_gettext("Nothing was given: your account here is not linked to a person in Amends."),
        403,
    ),
    (MayNotApprove, lazy_gettext("You may not decide this; somebody else must."), 403),
    (NotWaiting, lazy_gettext("Nothing waits for a decision any more."), 409),
    (NothingToOverride, lazy_gettext("There is nothing here that was stopped any more."), 409),
    (
        CannotReverse,
        lazy_gettext("It cannot be taken back. Say why you want it, if you did not."),
        422,
    ),
    (
        CannotResolve,
        lazy_gettext("The host does not show it as we know it; nothing was changed."),
        422,
    ),
    (NotOpen, lazy_gettext("This task was done already."), 409),
    (
        StillInDoubt,
        lazy_gettext("Nobody knows yet whether this was paid. The task says how to settle that."),
        409,
    ),
    (NotByHand, lazy_gettext("Write down what proves it, or why it is not paid."), 422),
)


def refusal(error: AmendsError) -> Refusal:
    for kind, words, status in _WORDS:
        if isinstance(error, kind):
            return Refusal(str(words), status)
    return Refusal(str(lazy_gettext("That did not work. Nothing was given.")), 422)
