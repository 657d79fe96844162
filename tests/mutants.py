"""Would a test notice? `make mutants`, or `python -m tests.mutants money ledger ...`.

Each place of a module is changed in turn (as cosmic-ray changes it), and one of the tests that
reach it has to fail. All that does not need the module is imported once; each changed one is then
tried in a process of its own, forked from there: it runs the tests that reach the changed line,
quick ones first, up to the first that fails. Goes on where it was stopped; what survived is tried
again, as there may be new tests. What survived, and why, is in docs/proof.md.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import itertools
import json
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).parent.parent
WORK = ROOT / "build" / "mutants"

MODULES = {
    "money": "core/money.py",
    "ledger": "core/ledger.py",
    "booking": "core/booking.py",
    "payout": "core/payout.py",
    "authority": "core/authority/__init__.py",
    "counters": "core/authority/counters.py",
    "counting": "core/authority/counting.py",
    "bounds": "core/authority/bounds.py",
    "scale": "core/authority/scale.py",
    "rows": "core/authority/rows.py",
    "approval": "core/approval.py",
    "flow": "core/flow.py",
    "opening": "core/opening.py",
    "deciding": "core/deciding.py",
    "agreeing": "core/agreeing.py",
    "settling": "core/settling.py",
    "ending": "core/ending.py",
    "dispute": "core/dispute.py",
}

#: In memory alone: what the databases do is tried by tests of their own.
TESTS = (
    "tests/core/test_money.py", "tests/core/test_payout.py", "tests/core/test_settling.py",
    "tests/core/test_after_payouts.py", "tests/core/test_flow.py",
    "tests/core/ledger/test_posting.py",
    "tests/core/ledger/test_contained.py", "tests/core/journal", "tests/core/authority",
    "tests/core/approval", "tests/sim/test_short.py",
)  # fmt: skip
#: Without the plug-ins, whose loading takes longer than the tests.
PYTEST = (
    "-c", os.devnull, "--rootdir=.", "-q", "-p", "no:cacheprovider", "--assert=plain",
    "-p", "no:unraisableexception", "-p", "no:threadexception",
)  # fmt: skip
IN_MEMORY = ("-k", "not sqlite and not postgresql")
#: `CI`: the same examples each time, so that no mutant is noticed by chance.
ENV = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": "true"}

#: What is no calculation, by operator and how the place or its line reads on: `X | None` in an
#: annotation, `*` between parameters, and flags of records; the type checker sees to all of these.
LEFT_OUT = (
    ("core/ReplaceBinaryOperator_BitOr_", ""),
    ("core/ReplaceBinaryOperator_Mul_", "*,"),
    ("core/ReplaceTrueWithFalse", "@dataclass("),
)
SURVIVED = ("survived", "not reached")
AT_ONCE = 2
#: A mutant hangs that computes for this much longer than its tests do without it, or does nothing.
PATIENCE = 4
IDLE_S = 600
FORK = multiprocessing.get_context("fork")


# --------------------------------------------------------------------------------- which mutants


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place: the `nth` that an operator of cosmic-ray finds in the module."""

    operator: str
    nth: int
    line: int

    @property
    def key(self) -> str:
        return f"{self.operator} {self.nth}"


def mutants(source: str) -> list[Mutant]:
    from cosmic_ray import plugins
    from cosmic_ray.ast import ast_nodes, get_ast

    tree, lines, found = get_ast(source), source.splitlines(), []
    for name in plugins.operator_names():
        operator = plugins.get_operator(name)
        if operator.arguments():
            continue
        of_all = operator().mutation_positions
        places = (start for node in ast_nodes(tree) for start, _ in of_all(node))
        for nth, (line, column) in enumerate(places):
            text = lines[line - 1]
            if not any(
                name.startswith(left_out) and text.startswith(how, at)
                for left_out, how in LEFT_OUT
                for at in (0, column)
            ):
                found.append(Mutant(name, nth, line))
    return sorted(found, key=lambda one: (one.line, one.key))


def changed(source: str, mutant: Mutant) -> str:
    from cosmic_ray import mutating, plugins

    operator = plugins.get_operator(mutant.operator)()
    return str(mutating.mutate_code(source, operator, mutant.nth))


def told(before: str, after: str) -> str:
    """The lines that differ."""
    pairs = itertools.zip_longest(before.splitlines(), after.splitlines(), fillvalue="")
    return "; ".join(f"{was.strip()}  ->  {now.strip()}" for was, now in pairs if was != now)


# ------------------------------------------------------------------------------- which tests


@dataclass(frozen=True, slots=True)
class Reach:
    """What the tests do when nothing is changed: how long each takes, which reach a line of a file
    (`""`: it is run while modules are imported), and all that they import."""

    seconds: Mapping[str, float]
    reached: Mapping[str, Mapping[str, Sequence[str]]]
    imported: Sequence[str]

    def tests(self, path: str, lines: range) -> list[Sequence[str]]:
        """Those that reach one of these lines, by file, quick ones first; of a line that is run
        while modules are imported, all in the files of those that reach any of its module."""
        of_module = self.reached[path]
        found = {test for line in lines for test in of_module.get(str(line), ())}
        if "" in found:
            places = {test.split("::")[0] for tests in of_module.values() for test in tests}
            found = {test for test in self.seconds if test.split("::")[0] in places}
        files: dict[str, list[str]] = {}
        for test in found:
            files.setdefault(test.split("::")[0], []).append(test)
        return sorted(files.values(), key=self.seconds_of)

    def seconds_of(self, tests: Sequence[str]) -> float:
        return sum(self.seconds[test] for test in tests)


class _Watch:
    """A plug-in: how long each test takes, and its name for what is measured meanwhile."""

    def __init__(self, begin: Callable[[str], object]) -> None:
        self.begin = begin
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begin(nodeid)
        self.seconds[nodeid] = -time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] += time.process_time()
        self.begin("")


class _Only:
    """A plug-in: these tests and no others."""

    def __init__(self, tests: Collection[str]) -> None:
        self.tests = tests

    def pytest_collection_modifyitems(self, items: list[object]) -> None:
        items[:] = [item for item in items if getattr(item, "nodeid", "") in self.tests]


def measured() -> Reach:
    """In a process of its own, as it imports what is to be imported anew later."""
    kept, log = WORK / "reach.json", WORK / "reach.log"

    def measure() -> int:
        import coverage
        import pytest

        cover = coverage.Coverage(include=list(MODULES.values()), data_file=None)
        cover.start()
        watch = _Watch(cover.switch_context)
        ended = pytest.main([*PYTEST, *IN_MEMORY, *TESTS], plugins=[watch])
        cover.stop()
        lines_of = cover.get_data().contexts_by_lineno
        reached = {path: lines_of(str(ROOT / path)) for path in MODULES.values()}
        kept.write_text(json.dumps([watch.seconds, reached, sorted(sys.modules)]))
        return int(ended)

    if os.waitpid(_forked(measure, log, IDLE_S), 0)[1] != 0:
        raise SystemExit(f"the tests fail without any change; see {log}")
    return Reach(*json.loads(kept.read_text()))


def statements(source: str) -> dict[int, range]:
    """The lines of the innermost statement that a line belongs to; of one with a body, its head."""
    found: dict[int, range] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt | ast.ExceptHandler):
            first = min(n.lineno for n in (node, *getattr(node, "decorator_list", ())))
            body = getattr(node, "body", None)
            after = body[0].lineno if body else (node.end_lineno or first) + 1
            lines = range(first, max(after, first + 1))
            found.update(dict.fromkeys(lines, lines))
    return found


# ------------------------------------------------------------------------------------- trying


class _Changed(SourceFileLoader):
    """Finds and loads one module with its source changed; every other one as it is. Without a
    source there is no such module."""

    def __init__(self, path: str) -> None:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        super().__init__(name, str(ROOT / path))
        self.source: str | None = None

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        if self.source is None:
            raise ImportError(name)
        inner = [str(Path(self.path).parent)] if self.path.endswith("__init__.py") else None
        return spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=inner
        )

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source or "", self.path, "exec")


def _forked(act: Callable[[], int], log: Path, seconds: float) -> int:
    """Begin `act` in a process of its own, which ends when it has computed for too long."""
    process = os.fork()
    if process:
        return process
    ended = 70
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.alarm(IDLE_S)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        ended = act()
    finally:
        os._exit(ended)


def _try(finder: _Changed, source: str, files: Sequence[Sequence[str]], seconds: float) -> int:
    def run() -> int:
        import pytest

        finder.source = source
        # One file after the other, as reading them takes longer than most tests.
        return any(
            pytest.main([*PYTEST, "-x", tests[0].split("::")[0]], plugins=[_Only(tests)])
            for tests in files
        )

    return _forked(run, Path(os.devnull), seconds)


def outcomes(name: str, found: Sequence[Mutant], reach: Reach) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and what came of it: `noticed`, `hung`, `survived`, `not reached`, or that it is
    `no program`."""
    path = MODULES[name]
    source = (ROOT / path).read_text()
    where = statements(source)
    finder = _Changed(path)
    sys.meta_path.insert(0, finder)
    for module in reach.imported:
        with contextlib.suppress(Exception):  # those that need the changed one, later
            importlib.import_module(module)
    waiting, running = deque(found), dict[int, Mutant]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            mutant = waiting.popleft()
            text = changed(source, mutant)
            if not _compiles(text):
                yield mutant, "no program"
                continue
            files = reach.tests(path, where.get(mutant.line, range(mutant.line, mutant.line + 1)))
            if not files:
                yield mutant, "not reached"
                continue
            seconds = 10 + PATIENCE * sum(map(reach.seconds_of, files))
            process = _try(finder, text, files, seconds)
            running[process] = mutant
        if running:
            process, status = os.wait()
            yield running.pop(process), _outcome(status)


def _compiles(text: str) -> bool:
    with warnings.catch_warnings(action="ignore"):  # `is` beside a literal
        try:
            compile(text, "mutant", "exec")
        except SyntaxError:
            return False
    return True


def _outcome(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "hung"
    return "noticed" if os.WEXITSTATUS(status) else "survived"


# -------------------------------------------------------------------------------- one module


def main() -> None:
    os.chdir(ROOT)
    os.environ.update(ENV)
    WORK.mkdir(parents=True, exist_ok=True)
    reach = measured()
    for name in sys.argv[1:] or MODULES:
        # One process each, as what can be imported beforehand is not the same.
        process = FORK.Process(target=_show, args=(name, reach))
        process.start()
        process.join()


def _show(name: str, reach: Reach) -> None:
    print(_module(name, reach), flush=True)


def _module(name: str, reach: Reach) -> str:
    """Try what is not known to be noticed; the score, and every survivor with its place."""
    source = (ROOT / MODULES[name]).read_text()
    kept = WORK / f"{name}.{hashlib.sha256(source.encode()).hexdigest()[:12]}.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    known = dict(json.loads(line) for line in lines)
    found = mutants(source)
    untold = [one for one in found if known.get(one.key) in (None, *SURVIVED)]
    with kept.open("a") as file:
        for mutant, outcome in outcomes(name, untold, reach):
            known[mutant.key] = outcome
            print(json.dumps([mutant.key, outcome]), file=file, flush=True)
    counts = Counter(known[one.key] for one in found)
    noticed, survived = counts["noticed"] + counts["hung"], sum(counts[how] for how in SURVIVED)
    share = 100 * noticed / max(noticed + survived, 1)
    head = f"{name}: {noticed} of {noticed + survived} noticed ({share:.1f} %)"
    shown = [
        f"  line {one.line}, {known[one.key]}: {told(source, changed(source, one))}"
        for one in found
        if known[one.key] in SURVIVED
    ]
    return "\n".join([head, *shown])


if __name__ == "__main__":
    main()
