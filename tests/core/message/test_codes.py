"""Every code that the core and the engine write down for people has words."""

import ast
from collections.abc import Iterator
from pathlib import Path

from core.message.words import load
from core.payout import PayoutState

ROOT = Path(__file__).parents[3]
SOURCES = [*ROOT.glob("core/*.py"), *ROOT.glob("webhooks/engine/*.py")]
# Which argument of a call holds the code.
TASKS = {"Trouble": 0, "open_task": 2}
STEPS = {"log": 2}
# States in which a payout begins; no step tells of them.
SILENT = {PayoutState.PLANNED, PayoutState.SENDING}


def codes(calls: dict[str, int]) -> Iterator[str]:
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = calls.get(name)
            if place is None or len(node.args) <= place:
                continue
            code = node.args[place]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value


def test_every_task_has_words() -> None:
    found = set(codes(TASKS))
    assert len(found) > 10
    assert {code for code in found if f"task.{code}.title" not in load("en").entries} == set()


def test_every_step_has_words() -> None:
    found = set(codes(STEPS)) | {f"payout_{state}" for state in set(PayoutState) - SILENT}
    assert len(found) > 15
    assert {code for code in found if f"step.{code}" not in load("en").entries} == set()
