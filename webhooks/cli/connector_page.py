"""The part of a connector's page that is made from its SPEC, so that no table is kept by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from core.ports import Pays, Setting, Spec

BEGIN = "<!-- from SPEC: begin (amends connector docs) -->"
END = "<!-- from SPEC: end -->"

_SAFETY = {
    "key": "the host honours our key",
    "find": "looked for by our marker before every sending",
    "none": "nothing; in doubt a person is asked",
}


def merged(page: str, spec: Spec) -> str:
    """`page` with its made part as SPEC is now; put at its end where it has none."""
    before, begin, rest = page.partition(BEGIN)
    after = rest.partition(END)[2] if begin else "\n"
    return f"{before.rstrip()}\n\n{BEGIN}\n{made(spec)}\n{END}{after}"


def made(spec: Spec) -> str:
    """Headings and tables, without the marks around them."""
    return "\n\n".join(_parts(spec))


def _parts(spec: Spec) -> Iterator[str]:
    yield "## What it can do"
    yield _table(("", ""), list(_abilities(spec)))
    if spec.pays:
        yield "## How it pays"
        heads = ("remedy", "currencies", "kept from happening twice by", "can be taken back")
        yield _table(heads, [_pays(remedy, pays) for remedy, pays in spec.pays.items()])
    if spec.settings:
        yield "## Settings"
        yield _table(("setting", "what it is", ""), [_setting(one) for one in spec.settings])
    open_ = [(name, why) for name, (state, why) in spec.quality.items() if state != "done"]
    if open_:
        yield "## What is left out"
        yield _table(("", ""), open_)


def _abilities(spec: Spec) -> Iterator[tuple[str, str]]:
    if spec.hears:
        yield "hears", ", ".join(spec.hears)
        yield "deliveries are proved by", spec.signature or ""
    if spec.writes:
        yield "writes", ", ".join(spec.writes)
    if spec.pays:
        yield "pays", ", ".join(remedy.replace("_", " ") for remedy in spec.pays)
    yield "one call takes at most", _span(spec.calls_within)
    if spec.rate is not None:
        says = f"its header `{spec.rate.left}` says" if spec.rate.left else "its answers say"
        yield "is called", f"no faster than {says}, all processes together"


def _pays(remedy: str, pays: Pays) -> tuple[str, ...]:
    if pays.currencies is None:
        money = "whatever the order was paid in"
    else:
        money = ", ".join(sorted(pays.currencies))
    steps = ", ".join(
        f"{code} in steps of {step}" for code, step in sorted(pays.step_minor.items())
    )
    safety = "a task, ended by a person's proof" if pays.by_hand else _SAFETY[pays.retry]
    if pays.key_life is not None:
        safety += f", for {_span(pays.key_life)}; later it is looked for"
    return (
        remedy.replace("_", " "),
        f"{money} ({steps} of the smallest unit)" if steps else money,
        safety,
        "yes, while unspent" if pays.reversible else "no",
    )


def _setting(one: Setting) -> tuple[str, str, str]:
    notes = [word for word, holds in (("secret", one.secret), ("needed", one.required)) if holds]
    if one.agreeing is not None:
        notes.append("for agreeing" if one.agreeing == "needs" else "or by agreeing")
    if one.default is not None:
        notes.append(f"if left out: {one.default}")
    help_ = f"{one.title}. {one.help}" if one.help else one.title
    return f"`{one.name}`", help_, ", ".join(notes)


def _span(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds % 3600 == 0 and seconds:
        return f"{seconds // 3600} hours"
    return f"{seconds} seconds"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
