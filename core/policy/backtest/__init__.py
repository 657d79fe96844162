"""Trying a policy on past tickets before it costs a cent.

    report = backtest(draft, TicketFile("tickets.csv"), against=in_force)
    report.to_data()

Policies without memory of earlier decisions are decided as queries where DuckDB is installed;
others, and every ticket a query is not sure of, by the compiled function, row by row. Both come to
the same cents.
"""

from __future__ import annotations

from core.policy.backtest.errors import TicketsError
from core.policy.backtest.report import Report, backtest
from core.policy.backtest.tickets import BacktestExtra, Ticket, TicketFile, Tickets

__all__ = [
    "BacktestExtra",
    "Report",
    "Ticket",
    "TicketFile",
    "Tickets",
    "TicketsError",
    "backtest",
]
