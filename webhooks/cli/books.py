"""`amends sweep`, `amends payout`, `amends person-data`, and what they add to `ledger` and `db`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from core import chores, erasure, journal, payout, resolve, restore, reversal, sweep
from core import ledger as books
from core.case import CaseStep, Identity
from core.errors import AmendsError
from core.limits import roles_of
from core.moment import Moment
from core.money import Money
from core.payout import Attempt, Payout
from core.ports import HostError, Instruction, Who
from core.store import Reader
from core.sweep import Report
from webhooks.app import Services
from webhooks.cli import files, show
from webhooks.cli.keeping import db, ledger
from webhooks.cli.opening import acting, as_person, opened
from webhooks.engine.codes import code_of
from webhooks.engine.sweeping import Sweeper, told
from webhooks.hosts import Host, NoSuchConnection

# ----------------------------------------------------------------------------------- the sweep


@click.command("sweep")
@click.option("--connection", help="only this one")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="in UTC")
@click.option("--json", "json_", is_flag=True, help="one JSON list")
@opened
def sweep_(of: Services, connection: str | None, since: datetime | None, json_: bool) -> None:
    """Compare our books with the hosts', both ways; exit 1 where one could not be asked."""
    sweeper = Sweeper(of.store, of.hosts, sealer=of.sealer, clock=of.clock)
    found = [row.id for row in sweeper.connections()]
    if connection is not None and connection not in found:
        raise NoSuchConnection(f"{connection} has no books that can be compared")
    from_ = since.replace(tzinfo=UTC) if since else None
    reports = [sweeper.sweep(id, since=from_) for id in ([connection] if connection else found)]
    if json_:
        show.as_json(told(reports))
    else:
        for report in reports:
            _tell(report)
    if not all(report.swept for report in reports):
        raise SystemExit(1)


#: The roles that close a month.
_CLOSE = frozenset({"approver", "admin", "finance"})

#: What each kind of difference means.
_KINDS = {
    "by_hand": "made there without us; counted in the limits",
    "forgotten": "ours, but in no book of ours: made after the backup",
    "twice": "a second one with our mark",
    "perhaps_ours": "one of ours is under way for this order; looked at again next time",
    "found": "had arrived without our knowing; booked now",
    "failed_later": "failed after all; booked back",
    "missing": "the host no longer shows it",
    "differs": "the host shows something else",
    "unheard": "a solved ticket of which no message came; its case is open now",
}


def _tell(report: Report) -> None:
    state = "swept" if report.swept else f"NOT SWEPT: {report.why}"
    click.echo(f"{report.title}: {state}")
    if not report.swept:
        return
    click.echo(
        f"  since {report.since:%Y-%m-%d %H:%M}: {report.seen} seen there, {report.asked} asked "
        f"about one by one, {report.unclear} without a clear answer"
    )
    if report.unlisted:
        click.echo(f"  not everything can be seen: {report.unlisted}")
    for one in report.differences:
        where = one.payout or one.ticket or one.host_object
        sum_ = f" {one.amount}" if one.amount else ""
        order = f" of order {one.order}" if one.order else ""
        click.echo(f"  {where}{sum_}{order}: {_KINDS[one.kind]} ({one.end})")
    if not report.differences:
        click.echo("  the books agree")


# ---------------------------------------------------------------------------------- one payout


@click.group("payout")
def payout_() -> None:
    """One remedy at one host: what is known, and what a person decides about it."""


@payout_.command("show")
@click.argument("payout_id")
@click.option("--json", "json_", is_flag=True, help="one JSON object")
@opened
def show_(of: Services, payout_id: str, json_: bool) -> None:
    """Its state, every sending, and what was booked."""
    with of.store.read() as reader:
        found = _payout(reader, payout_id)
        attempts = reader.find(Attempt, payout_id=payout_id)
        entries = books.entries_of(reader, payout_id)
        steps = [s for s in reader.find(CaseStep, case_id=found.case_id) if _is_of(s, payout_id)]
    if json_:
        record = {k: v for k, v in show.record(found).items() if k != "sealed_code"}
        record["attempts"] = [show.record(row) for row in attempts]
        record["entries"] = [show.record(row) for row in entries]
        record["steps"] = [show.record(row) for row in steps]
        show.as_json(record)
        return
    click.echo(f"{found.id}  {found.remedy} {found.amount or found.quantity}  {found.state}")
    click.echo(f"case {found.case_id}, order {found.order_id}, till {found.till_id}")
    click.echo(f"at the host: {found.host_object or 'nothing is known'}; why: {found.why or '-'}")
    for attempt in attempts:
        end = f"{attempt.ending} {attempt.why or ''}" if attempt.ended_at else "no answer yet"
        click.echo(f"  {attempt.sent_at:%Y-%m-%d %H:%M:%S}  sent under {attempt.key}: {end}")
    for line in _tax_lines(found):
        click.echo(f"  {line}")
    for entry in entries:
        click.echo(f"  entry {entry.seq}: {entry.kind}, {entry.debit} from {entry.credit}")


def _tax_lines(found: Payout) -> Iterator[str]:
    """What it contains by line of the order, if that is known."""
    tax = found.receipt.get("tax") if isinstance(found.receipt, dict) else None
    if tax is None or found.currency is None:
        return
    how = "told by the host" if tax["told"] else "reckoned from the order"
    for line in tax["lines"]:
        net, of_it = (Money(line[name], found.currency) for name in ("net_minor", "tax_minor"))
        rate = f"{line['rate']} %" if line["rate"] else "a rate not stated"
        yield f"line {line['line']}: {net} and {of_it} tax at {rate}, {how}"


def _is_of(step: CaseStep, payout_id: str) -> bool:
    return isinstance(step.data, dict) and step.data.get("payout") == payout_id


@payout_.command()
@click.argument("payout_id")
@click.option("--as", "person", required=True, help="e-mail of the person who decides")
@click.option("--note", required=True, help="why")
@opened
def reverse(of: Services, payout_id: str, person: str, note: str) -> None:
    """Take back what the customer has not spent (gift card, coupon, account credit)."""
    with of.store.read() as reader:
        found = _payout(reader, payout_id)
    host = of.hosts.get(found.till_id)
    if found.host_object is not None:
        resolve.at_host(host.till, _instruction(of, found))  # what is not there cannot come back
    with of.store.write() as tx:
        who = as_person(tx, person)
        pays = host.pays(found.remedy)
        reversal.ask(tx, payout_id, who, note, pays=pays, moment=Moment(of.clock.now()))
    click.echo(f"{payout_id}: the runner takes it back; see `amends payout show {payout_id}`")


@payout_.command()
@click.argument("payout_id")
@click.option("--object", "host_object", required=True, help="its id at the host")
@click.option("--as", "person", required=True, help="e-mail of the person who found it")
@opened
def settle(of: Services, payout_id: str, host_object: str, person: str) -> None:
    """Say where it is at the host. The host is asked before it is believed."""
    with of.store.read() as reader:
        found = _payout(reader, payout_id)
    host = of.hosts.get(found.till_id)
    order = _instruction(of, found, host_object)
    proof = resolve.at_host(host.till, order, payout.begun_at(found) - sweep.LOOK_BACK)
    with of.store.write() as tx:
        moment, who = Moment(of.clock.now()), as_person(tx, person)
        routing = resolve.routing_of(tx, found, lambda id: of.hosts.get(id, tx).routing)
        pays = host.pays(found.remedy)
        after = resolve.settle(tx, payout_id, who, proof, pays=pays, routing=routing, moment=moment)
    click.echo(f"{payout_id}: {after.state}{f' with {after.amount}' if after.amount else ''}")


@payout_.command()
@click.argument("payout_id")
@click.option("--as", "person", required=True, help="e-mail of the person who looked")
@click.option("--note", required=True, help="where you looked")
@opened
def absent(of: Services, payout_id: str, person: str, note: str) -> None:
    """Say that it is not at a host that cannot be asked, or was not given before a restore. It is
    sent then."""
    with of.store.write() as tx:
        found = _payout(tx, payout_id)
        pays = of.hosts.get(found.till_id, tx).pays(found.remedy)
        who = as_person(tx, person)
        resolve.absent(tx, payout_id, who, note, pays=pays, moment=Moment(of.clock.now()))
    click.echo(f"{payout_id}: will be sent under a new key")


def _instruction(of: Services, found: Payout, host_object: str | None = None) -> Instruction:
    code = code_of(of.sealer, of.store.workspace_id, found)
    order = payout.instruction(found, code=code)
    return resolve.pointed(order, host_object) if host_object else order


def _payout(reader: Reader, payout_id: str) -> Payout:
    found = reader.get(Payout, payout_id)
    if found is None:
        raise resolve.CannotResolve(f"there is no payout {payout_id}")
    return found


# ----------------------------------------------------------------------------------- the journal


@ledger.command()
@click.option("--month", required=True, help="such as 2026-11")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@opened
def export(of: Services, month: str, out: Path) -> None:
    """Write a month for finance, as CSV. A closed month is the same for ever."""
    with of.store.read() as reader:
        data = journal.export(reader, month)
    files.write(out, data)
    digest = hashlib.sha256(data).hexdigest()
    entries = data.count(b"\n") - 1
    click.echo(f"{out}: {entries} entries, SHA-256 {digest}")


@ledger.command()
@click.option("--month", required=True, help="such as 2026-11")
@click.option("--as", "person", required=True, help="e-mail of the person who closes it")
@opened
def close(of: Services, month: str, person: str) -> None:
    """Close a month that is over; what is posted later goes into the next open one."""
    with of.store.write() as tx:
        who = acting(tx, person)
        if not roles_of(who) & _CLOSE:
            raise MayNotClose(f"{who.name} is no approver, admin or finance, who close months")
        closing = journal.close(tx, month, who.id, Moment(of.clock.now()))
    click.echo(f"{month}: closed with {closing.entries} entries, SHA-256 {closing.digest}")


class MayNotClose(AmendsError):
    """A month is closed for ever, so not by everybody."""


# -------------------------------------------------------------------------------- after a restore


@db.command()
@opened
def restored(of: Services) -> None:
    """Say that the database comes from a backup: nothing is paid before every till was swept."""
    with of.store.write() as tx:
        asked = restore.mark(tx, Moment(of.clock.now()))
        for row in Sweeper(of.store, of.hosts, sealer=of.sealer, clock=of.clock).connections_of(tx):
            chores.plan(tx, "sweep", row.id, of.clock.now())
    click.echo(
        f"payouts are halted, {asked} will be asked about first; `amends sweep` lets them go on\n"
        "whoever was erased since the backup is here again: the log names them (`erased cust_...`);"
        " erase them once more"
    )


# ------------------------------------------------------------------------------------- a person


@click.group("person-data")
def person_data() -> None:
    """What is kept about a customer: handed to them, or erased."""


@person_data.command("export")
@click.option("--customer", help="our id of them")
@click.option("--email", help="their address at the tills")
@opened
def export_person(of: Services, customer: str | None, email: str | None) -> None:
    """Everything that is kept, as JSON."""
    found = _customers(of, customer, email)
    with of.store.read() as reader:
        show.as_json([erasure.export(reader, id) for id in found])


@person_data.command()
@click.option("--customer", help="our id of them")
@click.option("--email", help="their address at the tills")
@click.option("--as", "person", required=True, help="e-mail of the person who asks for it")
@opened
def erase(of: Services, customer: str | None, email: str | None, person: str) -> None:
    """Erase a customer once nothing of theirs is under way. Sums are kept."""
    found = _customers(of, customer, email)
    with of.store.write() as tx:
        who, moment = acting(tx, person), Moment(of.clock.now())
        for id in found:
            erasure.ask(tx, id, who.id, moment)
            waiting = erasure.unfinished(tx, id)
            when = f"after {waiting.id} is finished" if waiting else "by the runner, now"
            click.echo(f"{id}: will be erased {when}")


def _customers(of: Services, customer: str | None, email: str | None) -> list[str]:
    if (customer is None) == (email is None):
        raise click.UsageError("name them by --customer or by --email")
    if customer is not None:
        return [customer]
    found: set[str] = set()
    for row in Sweeper(of.store, of.hosts, sealer=of.sealer, clock=of.clock).connections():
        host = of.hosts.get(row.id)
        if host.roles.till is not None:
            found |= _known_at(of, host, email or "")
    if not found:
        raise erasure.NoSuchCustomer("no till knows this address, or nothing was ever given there")
    return sorted(found)


def _known_at(of: Services, host: Host, email: str) -> set[str]:
    try:
        bought = host.till.purchases(Who(email=email))
    except HostError as error:
        raise AmendsError(f"{host.connection.title} cannot be asked: {error}") from None
    names = {("buyer", buyer.id) for buyer in bought.buyers}
    names |= {("guest_order", order.id) for order in bought.orders}
    with of.store.read() as reader:
        rows = [
            row
            for kind, value in names
            for row in reader.find(
                Identity, connection_id=host.connection.id, kind=kind, value=value
            )
        ]
    return {row.customer_id for row in rows}


COMMANDS = (sweep_, payout_, person_data)
