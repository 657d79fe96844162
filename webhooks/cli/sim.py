"""`amends sim`, `crashpoints`, `killloop`, `torn`: the proof, at any length one likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from webhooks.cli import show
from webhooks.proof.databases import KINDS, database

if TYPE_CHECKING:  # the proof is loaded by whoever asks for it
    from core.store import Store
    from webhooks.proof.sim import Outcome


@click.command()
@click.option("--seed", default=1, show_default=True, help="what decides everything")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="so many runs, from that seed on",
)
@click.option(
    "--cases",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="orders with a harm in each run",
)
@click.option("--faults", default="all", show_default=True, help="all, none, or some: a,b,c")
@click.option(
    "--store", "kind", type=click.Choice(["memory", "sqlite"]), default="memory", show_default=True
)
@click.option("--json", "json_", is_flag=True, help="one JSON object")
def sim(seed: int, seeds: int, cases: int, faults: str, kind: str, json_: bool) -> None:
    """Run the engine against hostile hosts in virtual time. Exit 1 if a promise was broken."""
    try:
        from webhooks.proof.sim import run
    except ModuleNotFoundError as missing:
        why = f"{missing}; it comes with the extra: pip install 'amends[sim]'"
        raise click.ClickException(why) from missing

    kinds = _kinds(faults)
    outcomes = []
    for number in range(seed, seed + seeds):
        outcome = with_store(kind, lambda store, n=number: run(store, n, cases, kinds))  # type: ignore[misc]
        outcomes.append(outcome)
        _complain(outcome, f"--cases {cases} --faults {faults} --store {kind}")
    report = summary(outcomes)
    if json_:
        show.as_json(report)
    else:
        for name, value in report.items():
            click.echo(f"{name}: {value}")
    if report["violations"]:
        raise SystemExit(1)


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults += outcome.faults
    return {
        "violations": sum(len(outcome.violations) for outcome in outcomes),
        "cases": sum(outcome.cases for outcome in outcomes),
        "payouts": sum(outcome.payouts for outcome in outcomes),
        "faults": dict(sorted(faults.items())),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 3),
        "digest": outcomes[-1].digest if len(outcomes) == 1 else None,
    }


def with_store(kind: str, use: Callable[[Store], Outcome]) -> Outcome:
    """An empty store of this kind for one run."""
    from core.store.memory import MemoryStore
    from core.store.schema import upgrade
    from core.store.sql import SqlStore

    if kind == "memory":
        return use(MemoryStore("sim"))
    with TemporaryDirectory(prefix="amends-sim-") as folder:
        url = f"sqlite:///{Path(folder) / 'sim.db'}"
        upgrade(url)
        store = SqlStore(url, "sim")
        try:
            return use(store)
        finally:
            store.close()


def _kinds(text: str) -> tuple[str, ...]:
    from webhooks.proof.sim import FAULTS

    if text == "all":
        return tuple(FAULTS)
    kinds = tuple(part for part in text.split(",") if part and part != "none")
    unknown = sorted(set(kinds) - set(FAULTS))
    if unknown:
        raise click.BadParameter(f"there is no fault {unknown[0]!r}; known: {', '.join(FAULTS)}")
    return kinds


def _complain(outcome: Outcome, options: str) -> None:
    if not outcome.violations:
        return
    for problem in outcome.violations[:20]:
        click.echo(f"violation: {problem}", err=True)
    click.echo(f"again with: amends sim --seed {outcome.seed} {options}", err=True)


@click.command()
@click.option("--all", "all_", is_flag=True, help="every point; else a sample")
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=12,
    show_default=True,
    help="how many points without --all",
)
@click.option("--seed", default=1, show_default=True, help="which sample")
@click.option("--store", "kind", type=click.Choice(KINDS), default="sqlite", show_default=True)
@click.option("--json", "json_", is_flag=True, help="one JSON object")
def crashpoints(all_: bool, sample: int, seed: int, kind: str, json_: bool) -> None:
    """Kill a real process at each commit and each call of a case, and see it finished."""
    from webhooks.proof.crashpoints import run

    def tried(home: Path, url: str) -> dict[str, object]:
        return run(home, url, None if all_ else sample, seed, _aside)

    _report(_in_processes(kind, tried), json_)


@click.command()
@click.option(
    "--kills",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="how many processes are killed",
)
@click.option(
    "--open-cases",
    type=click.IntRange(0),
    default=10_000,
    show_default=True,
    help="cases that wait meanwhile",
)
@click.option("--seed", default=1, show_default=True, help="whom and when")
@click.option("--store", "kind", type=click.Choice(KINDS), default="postgresql", show_default=True)
@click.option("--json", "json_", is_flag=True, help="one JSON object")
def killloop(kills: int, open_cases: int, seed: int, kind: str, json_: bool) -> None:
    """Kill the web side and two workers at random moments under load, and see nothing lost."""
    from webhooks.proof.killloop import run

    def tried(home: Path, url: str) -> dict[str, object]:
        return run(home, url, kills=kills, open_cases=open_cases, seed=seed, say=_aside)

    _report(_in_processes(kind, tried), json_)


@click.command()
@click.option("--all", "all_", is_flag=True, help="after every frame; else a sample")
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="how many cuts without --all",
)
@click.option(
    "--cases",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="orders in the run that is cut",
)
@click.option("--seed", default=1, show_default=True, help="which run, and which sample")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
def torn(all_: bool, sample: int, cases: int, seed: int, json_: bool) -> None:
    """Cut SQLite's log after each frame of a run, and see that what was promised is there."""
    from webhooks.proof.torn import run

    with TemporaryDirectory(prefix="amends-torn-") as folder:
        _report(
            run(Path(folder), None if all_ else sample, cases=cases, seed=seed, say=_aside), json_
        )


def _in_processes(kind: str, use: Callable[[Path, str], dict[str, object]]) -> dict[str, object]:
    with TemporaryDirectory(prefix="amends-proof-") as folder:
        home = Path(folder)
        with database(kind, home) as url:
            return use(home, url)


def _aside(text: str) -> None:
    click.echo(text, err=True)


def _report(report: dict[str, object], json_: bool) -> None:
    if json_:
        show.as_json(report)
    else:
        for name, value in report.items():
            click.echo(f"{name}: {value}")
    if report["problems"]:
        raise SystemExit(1)
