"""Would a test notice? `make mutants`, or `python -m tests.mutants money ledger ...`.

Each place in a module is changed in turn (cosmic-ray), in a copy of the tree, and the tests named
here have to fail. It takes hours for all of them, goes on where it was stopped, and gives way to
whatever else the machine does. What survived, and why, is in docs/proof.md.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / "build" / "mutants"

_IN_MEMORY = "not sqlite and not postgresql"
#: Without the plug-ins, whose loading takes longer than the tests.
_PYTEST = (sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir=.", "-x", "-q")
#: `CI`: the same examples each time, so that no mutant is noticed by chance.
_ENV = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}


@dataclass(frozen=True, slots=True)
class Tried:
    """`tests` are what has to notice; `seconds` is when a mutant that hangs counts as noticed."""

    path: str
    tests: tuple[str, ...]
    seconds: int = 60


MODULES = {
    "money": Tried("core/money.py", ("tests/core/test_money.py",)),
    "ledger": Tried("core/ledger.py", ("tests/core/ledger/test_posting.py", "tests/core/journal")),
    "payout": Tried(
        "core/payout.py", ("tests/core/test_payout.py", "tests/sim/test_short.py"), 120
    ),
    "authority": Tried("core/authority/__init__.py", ("tests/core/authority",), 120),
    "counting": Tried("core/authority/counting.py", ("tests/core/authority",), 120),
    "approval": Tried("core/approval.py", ("tests/core/approval",), 120),
    "flow": Tried("core/flow.py", ("tests/core/approval", "tests/sim/test_short.py"), 120),
}

#: `X | None` in an annotation is no calculation.
_CONFIG = """
[cosmic-ray]
module-path = {path}
timeout = {seconds}.0
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""


def main() -> None:
    os.nice(19)
    for name in sys.argv[1:] or MODULES:
        home, tried = WORK / name, MODULES[name]
        if not _same(home, tried):
            _begin(home, tried)
        shutil.copyfile(home / "original.py", home / "tree" / tried.path)
        _tool(home, "cosmic-ray", "exec", home / "mutants.toml", home / "session.sqlite")
        print(_told(name, home), flush=True)


def _same(home: Path, tried: Tried) -> bool:
    """Whether it was begun with the module as it is now."""
    kept = home / "original.py"
    return kept.exists() and kept.read_bytes() == (ROOT / tried.path).read_bytes()


def _begin(home: Path, tried: Tried) -> None:
    """A copy of the tree, and the list of all mutants."""
    shutil.rmtree(home, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for path in filter(None, listed.stdout.split("\0")):
        if (ROOT / path).is_file():
            (home / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, home / "tree" / path)
    command = [*_PYTEST, "-k", _IN_MEMORY, *tried.tests]
    path, seconds = json.dumps(tried.path), tried.seconds
    config = _CONFIG.format(path=path, seconds=seconds, command=json.dumps(shlex.join(command)))
    (home / "mutants.toml").write_text(config)
    session = home / "session.sqlite"
    _tool(home, "cosmic-ray", "init", home / "mutants.toml", session)
    _tool(home, "cr-filter-operators", session, home / "mutants.toml")
    shutil.copyfile(ROOT / tried.path, home / "original.py")


def _tool(home: Path, name: str, *given: str | Path) -> str:
    command = [Path(sys.executable).with_name(name), *given]
    env = {**os.environ, **_ENV, "PYTHONPATH": str(home / "tree")}
    done = subprocess.run(
        command, cwd=home / "tree", env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _told(name: str, home: Path) -> str:
    """The score, and every survivor with its place."""
    outcomes: Counter[str] = Counter()
    survived = []
    for line in _tool(home, "cosmic-ray", "dump", home / "session.sqlite").splitlines():
        item, result = json.loads(line)
        outcome = result["test_outcome"] if result else "pending"
        if result and result["worker_outcome"] == "skipped":
            continue
        outcomes[outcome] += 1
        if outcome == "survived":
            survived.append(f"  line {item['mutations'][0]['start_pos'][0]}: {_change(result)}")
    tried = outcomes.total() - outcomes["pending"]
    noticed = tried - outcomes["survived"]
    score = f"{100 * noticed / tried:.1f} %" if tried else "nothing tried"
    return "\n".join([f"{name}: {noticed} of {tried} noticed ({score})", *survived])


def _change(result: Mapping[str, str]) -> str:
    lines = result["diff"].splitlines()
    taken = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return "  ->  ".join(" ".join(line[1:].split()) for line in taken)


if __name__ == "__main__":
    main()
