"""The composition root: the one place where stores, hosts, runner and pages are put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Flask, Response, jsonify, redirect

from console import sidebar
from core.people import Workspace
from core.store import Store, schema
from core.store.sealing import Sealer
from core.store.sql import SqlStore
from webhooks import choice, connect, intake, keys, signin, staff
from webhooks.engine.clock import Clock, name_of_boot, seconds_up
from webhooks.engine.housekeeping import Habits
from webhooks.engine.runner import Runner
from webhooks.granting import Grants
from webhooks.hosts import Hosts
from webhooks.settings import Settings
from webhooks.sidebar import freshdesk, zendesk
from webhooks.sidebar.desk import SidebarDesk

log = logging.getLogger(__name__)

SYSTEM_CLOCK = Clock(now=lambda: datetime.now(UTC), steady=seconds_up, boot=name_of_boot())


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a process works with. Close the store when done."""

    settings: Settings
    store: Store
    sealer: Sealer
    hosts: Hosts
    clock: Clock


def services(settings: Settings, clock: Clock = SYSTEM_CLOCK) -> Services:
    """Open what the settings name. Raises `AmendsError` that says what is missing."""
    schema.require_known(settings.database_url)
    store = SqlStore(settings.database_url, settings.workspace)
    sealer = keys.sealer(settings)
    hosts = Hosts(
        store,
        sealer,
        allow_private=settings.allow_private_hosts,
        call_within=settings.call_within,
    )
    ensure_workspace(store, settings.workspace, clock)
    return Services(settings, store, sealer, hosts, clock)


def make_runner(of: Services, ended: Callable[[], None] = lambda: None) -> Runner:
    return Runner(
        of.store,
        of.hosts,
        sealer=of.sealer,
        clock=of.clock,
        lease_length=of.settings.lease_length,
        public_url=of.settings.public_url,
        threads=of.settings.runners,
        poll=timedelta(seconds=of.settings.poll_seconds),
        habits=Habits(
            sweep_hour=of.settings.sweep_hour,
            keep_bodies=timedelta(days=of.settings.keep_bodies_days),
            anchor_file=of.settings.anchor_file,
        ),
        ended=ended,
    )


def create_app(
    of: Services, runner: Runner | None = None, pages: Sequence[Blueprint] = ()
) -> Flask:
    """The web side. With a runner in the same process, it is told at once of new work."""
    notice = runner.notice if runner else _nobody_near
    app = Flask("amends", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = of.settings.body_max_bytes + 1024
    app.register_blueprint(
        intake.blueprint(
            of.store,
            of.hosts,
            now=of.clock.now,
            notice=notice,
            body_max=of.settings.body_max_bytes,
        )
    )
    grants = Grants(of.store, of.hosts, of.sealer, of.clock.now)
    app.register_blueprint(connect.blueprint(grants))
    signin.make(of.store, of.clock, of.settings).install(app)
    app.register_blueprint(zendesk.blueprint(of.store, of.hosts, of.clock))
    freshdesk.install(app, of.store, of.hosts, of.clock, of.settings)
    app.register_blueprint(staff.blueprint(of.store, of.hosts, of.clock, notice))
    app.register_blueprint(choice.blueprint(of.store, of.hosts, of.sealer, of.clock, notice))
    app.register_blueprint(sidebar.blueprint(_sidebar_desk(of, notice)))
    for page in pages:
        app.register_blueprint(page)
    if not any(rule.rule == "/" for rule in app.url_map.iter_rules()):
        app.add_url_rule("/", "home", lambda: redirect("/console"))

    @app.get("/healthz")
    def healthz() -> Response:
        """The process is alive."""
        return jsonify(ok=True)

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """The database answers, and takes what this version of Amends writes."""
        try:
            with of.store.write() as tx:
                tx.get(Workspace, "workspace")
        except Exception as error:
            log.warning("not ready: %s", error)
            return jsonify(ok=False), 503
        return jsonify(ok=True), 200

    return app


def _sidebar_desk(of: Services, notice: Callable[[], None]) -> SidebarDesk:
    pool = ThreadPoolExecutor(of.settings.web_threads, thread_name_prefix="amends-sidebar")
    return SidebarDesk(of.store, of.hosts, of.sealer, of.clock, pool, notice)


def _nobody_near() -> None:
    """Another process works on what was kept: the database tells it, or it finds it by looking."""


def ensure_workspace(store: Store, name: str, clock: Clock) -> None:
    with store.read() as reader:
        if reader.get(Workspace, "workspace") is not None:
            return
    with store.write() as tx:
        if tx.get(Workspace, "workspace") is None:
            tx.add(
                Workspace(
                    id="workspace",
                    name=name,
                    zone="UTC",
                    first_weekday=0,
                    created_at=clock.now(),
                )
            )
