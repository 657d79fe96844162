"""Every expression of a policy, for those who look for something in all of them."""

from __future__ import annotations

from collections.abc import Iterator

from core.policy.tree import Expr, Fact, Table, Tree, walk


def facts_of(tree: Tree) -> set[str]:
    """Names of the facts anything in the policy asks for."""
    return {expr.name for expr in tree_parts(tree) if isinstance(expr, Fact)}


def tree_parts(tree: Tree) -> Iterator[Expr]:
    """Every expression of a policy and everything inside each."""
    for expr in whole_expressions(tree):
        yield from walk(expr)


def whole_expressions(tree: Tree) -> Iterator[Expr]:
    """Every expression of a policy, as it is written."""
    values = [let.value for let in tree.lets] + ([tree.currency] if tree.currency else [])
    for value in values:
        if isinstance(value, Table):
            for row in value.rows:
                yield from (*row.when, *row.values)
        else:
            yield value
    if tree.effective.by is not None:
        yield tree.effective.by
    for refusal in tree.refuse:
        yield from refusal.when
        yield from (part for part in refusal.reason.parts if isinstance(part, Expr))
    for rule in tree.give:
        yield from rule.when
        texts = (rule.reason, *(text for _, text in rule.also))
        yield from (part for text in texts for part in text.parts if isinstance(part, Expr))
        yield from (one for one in (rule.over, rule.ask_over) if one is not None)
        for grant in (grant for offer in rule.offers for grant in offer):
            yield from (one for one in (grant.amount, grant.up_to) if one is not None)
        for deadline in rule.deadlines:
            yield from deadline.when
            if deadline.after is not None:
                yield deadline.after
