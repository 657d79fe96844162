"""The policy language: what a customer gets, written as tables.

    policy = load(text)
    decision = decide(policy, {"days_late": 7, "order": {"total": {...}}})

`docs/policy.md` is the language by examples. `decide` runs compiled code; `reference.decide` is the
plain interpreter it has to agree with. Neither raises for facts: what is missing or does not fit
ends as a decision `cannot_decide` that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from importlib import resources

from core.errors import AmendsError
from core.policy.answer import Answerer
from core.policy.blocked import Blocked, blocking
from core.policy.canonical import version_hash
from core.policy.compiler import Compiled
from core.policy.decision import Component, Decision, Due
from core.policy.errors import PolicyError
from core.policy.loader import load_tree, variants_of
from core.policy.tree import Declared, Effective, Tree

__all__ = [
    "Blocked",
    "Component",
    "Decision",
    "Due",
    "Policy",
    "PolicyError",
    "UnknownPack",
    "all_packs",
    "blocked",
    "decide",
    "load",
    "load_pack",
    "pack_text",
    "unfit_facts",
    "variants",
]  # fmt: skip


_PACKS = resources.files(__name__) / "packs"


class UnknownPack(AmendsError):
    """No pack has this name."""


class Policy:
    """A loaded policy: checked, immutable, ready to decide. Equal content, equal `version_hash`."""

    def __init__(self, tree: Tree, source: str) -> None:
        self.tree = tree
        #: Where the text came from (a file name), for messages.
        self.source = source

    @property
    def name(self) -> str:
        return self.tree.name

    @property
    def basis(self) -> str:
        """`owed` or `goodwill`."""
        return self.tree.basis

    @property
    def on_account(self) -> bool:
        """Whether its goodwill counts towards what is owed for the same harm."""
        return self.tree.on_account

    @property
    def currencies(self) -> tuple[str, ...]:
        return self.tree.currencies

    @property
    def facts(self) -> tuple[Declared, ...]:
        return self.tree.facts

    @property
    def effective(self) -> Effective:
        return self.tree.effective

    @property
    def looks_back(self) -> bool:
        """Whether it reads what earlier decisions gave, and so is replayed in time order."""
        return any(fact.name.startswith("history.") for fact in self.tree.facts)

    @cached_property
    def version_hash(self) -> str:
        """SHA-256 over the canonical content, in hex. Layout and comments do not count."""
        return version_hash(self.tree)

    @cached_property
    def answerer(self) -> Answerer:
        """The compiled form, made when it is first asked for."""
        compiled = Compiled(self.tree)
        return Answerer(self.tree, self.version_hash, compiled, compiled.item_slot)

    def __repr__(self) -> str:
        return f"<Policy {self.name} {self.version_hash[:12]}>"


def load(text: str | bytes, *, name: str = "policy", variant: str = "") -> Policy:
    """Read and check a policy; `variant` picks one of several it may hold.

    Raises `PolicyError`, with line and column, for whatever is not exactly right.
    """
    return Policy(load_tree(text, variant), name)


def variants(text: str | bytes) -> tuple[str, ...]:
    """The variants a document holds; empty where it is a single policy."""
    return variants_of(text)


def decide(policy: Policy, facts: Mapping[str, object]) -> Decision:
    """The policy's answer for one case. Never raises for facts; takes some microseconds.

    `facts` is JSON-like: nested mappings and lists of str, int, bool and None; decimals as text.
    """
    return policy.answerer.decide(facts)


def blocked(policy: Policy, facts: Mapping[str, object], decision: Decision) -> tuple[Blocked, ...]:
    """For every row before the one that decided: the first condition that kept it from fitting."""
    return blocking(policy.tree, facts, decision.rule)


def unfit_facts(policy: Policy, facts: Mapping[str, object]) -> tuple[str, ...]:
    """What of `facts` does not fit its declared type, in words; missing facts are not listed."""
    return policy.answerer.unfit(facts)


def all_packs() -> dict[str, tuple[str, str]]:
    """Every policy that ships with Amends: its name, and the file and variant it is in."""
    return dict(_packs())


@cache
def _packs() -> dict[str, tuple[str, str]]:
    """They ship with the code and do not change while it runs: looked for once."""
    found: dict[str, tuple[str, str]] = {}
    for entry in sorted(_PACKS.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".yaml"):
            names = variants_of(entry.read_bytes())
            found.update({name: (entry.name, name) for name in names})
            if not names:
                found[entry.name.removesuffix(".yaml")] = (entry.name, "")
    return found


def pack_text(name: str) -> tuple[str, str]:
    """The text of a policy that ships with Amends, and its variant in it. Raises `UnknownPack`."""
    file, variant = _packs().get(name, ("", ""))
    if not file:
        raise UnknownPack(f"there is no pack {name[:60]!r}; `amends policy list` shows them")
    text = (_PACKS / file).read_text(encoding="utf-8")
    return text, variant


def load_pack(name: str) -> Policy:
    """A policy that ships with Amends. Raises `UnknownPack`."""
    text, variant = pack_text(name)
    return load(text, name=name, variant=variant)
