"""Why a decision is what it is: as data (`explain`) and in words (`in_words`).

    explained = explain(policy, facts, decision)
    explained.to_data(changes=True)
    in_words(explained, "ar").plain

The derivation calls the very expressions the decision was made with, and every change of a fact
that is named was tried: the facts were changed, and the policy asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from core.policy.decision import Decision
from core.policy.explain.changes import Change
from core.policy.explain.explainer import Explainer
from core.policy.explain.model import Amount, Explanation, Operand, Row, Step
from core.policy.explain.words import in_words

if TYPE_CHECKING:
    from core.policy import Policy

__all__ = ["Amount", "Change", "Explanation", "Operand", "Row", "Step", "explain", "in_words"]


def explain(
    policy: Policy, facts: Mapping[str, object], decision: Decision | None = None
) -> Explanation:
    """Explain the policy's decision on these facts; it is made if it is not handed in.

    `decision` has to be what this policy answers on these facts. Never raises for facts.
    """
    if decision is None:
        decision = policy.answerer.decide(facts)
    return _explainer(policy).explain(facts, decision)


@lru_cache(maxsize=64)
def _explainer(policy: Policy) -> Explainer:
    return Explainer(policy)
