"""Intake against its floor: `python -m benchmarks.intake [--seconds 3] [--rounds 3] [--postgres]`.

Three servers, each its own process under waitress with the same number of threads: Flask that does
nothing; Flask with one INSERT and COMMIT on the bare driver (the floor: what keeping a delivery
durably must cost); our intake (verified, deduplicated, durable before 202). The same client asks
each in turn over 32 connections, round after round, so that whatever else the machine does hits
all of them. Prints requests a second, p50 and p99 in milliseconds, and the ratio to the floor.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import multiprocessing
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pgserver
import psycopg
from flask import Flask, request
from waitress.server import create_server

from core.store.schema import upgrade
from core.store.sealing import new_key
from webhooks import connecting, keys
from webhooks.app import create_app, services
from webhooks.settings import Settings

CONNECTIONS = 32
THREADS = 32
SECRET = "benchmark-secret"
TOKEN_FILE = "token"


# ----------------------------------------------------------------------------------- the servers


def nothing(url: str, home: Path) -> Flask:
    app = Flask("nothing")

    @app.post("/hooks/<token>")
    def hook(token: str) -> tuple[str, int]:
        request.get_data()
        return "", 202

    return app


def floor(url: str, home: Path) -> Flask:
    """One INSERT and one COMMIT a request, as durable as ours, on the bare driver."""
    app = Flask("floor")
    insert = _sqlite_insert(home) if url.startswith("sqlite") else _postgres_insert(url)

    @app.post("/hooks/<token>")
    def hook(token: str) -> tuple[str, int]:
        insert(request.get_data())
        return "", 202

    return app


def _sqlite_insert(home: Path) -> Callable[[bytes], None]:
    path, turn, local = home / "floor.db", threading.Lock(), threading.local()
    with sqlite3.connect(path) as first:
        first.execute("PRAGMA journal_mode=WAL")
        first.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, body BLOB)")

    def insert(body: bytes) -> None:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            local.connection.execute("PRAGMA synchronous=FULL")
        with turn:  # SQLite has one writer; waiting in turn is faster than its busy handler
            local.connection.execute("INSERT INTO kept (body) VALUES (?)", (body,))

    return insert


def _postgres_insert(url: str) -> Callable[[bytes], None]:
    local = threading.local()
    with psycopg.connect(url, autocommit=True) as first:
        first.execute("CREATE TABLE IF NOT EXISTS kept (id BIGSERIAL PRIMARY KEY, body BYTEA)")

    def insert(body: bytes) -> None:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(url, autocommit=True)
        local.connection.execute("INSERT INTO kept (body) VALUES (%s)", (body,))

    return insert


def ours(url: str, home: Path) -> Flask:
    settings = Settings(
        database_url=url, key_file=home / "keys", workspace="bench", web_threads=THREADS
    )
    keys.write(settings.key_file, [new_key()])
    upgrade(url)
    of = services(settings)
    values = {"subdomain": "bench", "signing_secret": SECRET}
    row = connecting.add(of, "zendesk", values=values)
    (home / TOKEN_FILE).write_text(row.path_token)
    return create_app(of)


SERVERS = {"nothing": nothing, "floor": floor, "ours": ours}


def _serve(name: str, url: str, home: Path, pipe: Pipe) -> None:
    server = create_server(SERVERS[name](url, home), host="127.0.0.1", port=0, threads=THREADS)
    pipe.send(server.effective_port)
    server.run()


@contextmanager
def running(url: str, home: Path) -> Iterator[dict[str, int]]:
    """Every server, by name, with its port."""
    ports, processes = {}, []
    spawn = multiprocessing.get_context("spawn")
    for name in SERVERS:
        here, there = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(name, url, home, there), daemon=True)
        process.start()
        processes.append(process)
        ports[name] = here.recv()
    try:
        yield ports
    finally:
        for process in processes:
            process.terminate()
            process.join()


# ------------------------------------------------------------------------------------ the client


@dataclass
class Round:
    seconds: float
    times_ms: list[float] = field(default_factory=list)
    refused: int = 0


_numbers = itertools.count()


def ask(port: int, path: str, seconds: float) -> Round:
    """As many signed deliveries as fit, each with an id of its own, over 32 connections."""
    done, end = Round(seconds), time.perf_counter() + seconds
    lock = threading.Lock()

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        times, refused = [], 0
        while time.perf_counter() < end:
            body, headers = delivery(f"{os.getpid():08d}-{next(_numbers):012d}")
            start = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - start) * 1000)
            refused += answer.status != 202
        connection.close()
        with lock:
            done.times_ms += times
            done.refused += refused

    threads = [threading.Thread(target=one) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def delivery(id: str) -> tuple[bytes, dict[str, str]]:
    """A ticket event of about a kilobyte, signed as Zendesk signs."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = {"id": "5158", "status": "SOLVED", "tags": ["vip"], "description": "x" * 600}
    document = {"id": id, "type": "zen:event-type:ticket.status_changed", "detail": detail,
                "event": {"previous": "OPEN", "current": "SOLVED"}}  # fmt: skip
    body = json.dumps(document).encode()
    mac = hmac.new(SECRET.encode(), stamp.encode() + body, hashlib.sha256).digest()
    return body, {
        "Content-Type": "application/json",
        "X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        "X-Zendesk-Webhook-Invocation-Id": id,
    }


def compare(title: str, url: str, seconds: float, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with running(url or f"sqlite:///{home / 'ours.db'}", home) as ports:
            path = f"/hooks/{(home / TOKEN_FILE).read_text()}"
            found: dict[str, list[Round]] = {name: [] for name in ports}
            for name in ports:
                ask(ports[name], path, 0.5)
            for _ in range(rounds):
                for name, port in ports.items():
                    found[name].append(ask(port, path, seconds))
    rates = {name: statistics.median(_rate(r) for r in rows) for name, rows in found.items()}
    print(f"\n{title}: {CONNECTIONS} connections, {rounds} rounds of {seconds:g} s each, median")
    for name, rows in found.items():
        times = sorted(t for r in rows for t in r.times_ms)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        refused = sum(r.refused for r in rows)
        print(
            f"  {name:8} {rates[name]:8.0f}/s  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  "
            f"{rates[name] / rates['floor']:.2f} x floor  refused {refused}"
        )


def _rate(done: Round) -> float:
    return len(done.times_ms) / done.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL too")
    asked = parser.parse_args()
    compare("SQLite", "", asked.seconds, asked.rounds)
    if asked.postgres:
        with tempfile.TemporaryDirectory() as folder:
            server = pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
            compare("PostgreSQL", str(server.get_uri()), asked.seconds, asked.rounds)
            server.cleanup()


if __name__ == "__main__":
    main()
