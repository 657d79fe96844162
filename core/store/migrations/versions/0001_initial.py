"""The tables as they first were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("offer_id", TEXT, nullable=False),
        sa.Column("payload_hash", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("requested_by", TEXT, nullable=True),
        sa.Column("decided_by", TEXT, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("note", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_approvals")),
    )
    op.create_index(
        op.f("ix_approvals_workspace_id_case_id_id"),
        "approvals",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_approvals_workspace_id_state_id"),
        "approvals",
        ["workspace_id", "state", "id"],
        unique=False,
    )
    op.create_table(
        "attempts",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("payout_id", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("request_hash", TEXT, nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ending", TEXT, nullable=True),
        sa.Column("why", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_attempts")),
        sa.UniqueConstraint(
            "workspace_id",
            "payout_id",
            "number",
            name=op.f("uq_attempts_workspace_id_payout_id_number"),
        ),
    )
    op.create_table(
        "case_steps",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_case_steps")),
    )
    op.create_index(
        op.f("ix_case_steps_workspace_id_case_id_id"),
        "case_steps",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_table(
        "case_tickets",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("desk_id", TEXT, nullable=False),
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_case_tickets")),
        sa.UniqueConstraint(
            "workspace_id",
            "case_id",
            "desk_id",
            "ticket_id",
            name=op.f("uq_case_tickets_workspace_id_case_id_desk_id_ticket_id"),
        ),
    )
    op.create_index(
        op.f("ix_case_tickets_workspace_id_desk_id_ticket_id_id"),
        "case_tickets",
        ["workspace_id", "desk_id", "ticket_id", "id"],
        unique=False,
    )
    op.create_table(
        "cases",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("desk_id", TEXT, nullable=False),
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("open_key", TEXT, nullable=True),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("said", TEXT, nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("duplicate_of", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("language", TEXT, nullable=True),
        sa.Column("customer_id", TEXT, nullable=True),
        sa.Column("harm_id", TEXT, nullable=True),
        sa.Column("till_id", TEXT, nullable=True),
        sa.Column("order_id", TEXT, nullable=True),
        sa.Column("order_name", TEXT, nullable=True),
        sa.Column("policy", TEXT, nullable=True),
        sa.Column("policy_hash", TEXT, nullable=True),
        sa.Column("facts", TEXT, nullable=True),
        sa.Column("decision", TEXT, nullable=True),
        sa.Column("asked_by", TEXT, nullable=True),
        sa.Column("requested_by", TEXT, nullable=True),
        sa.Column("lease_owner", TEXT, nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("woken_under", sa.BigInteger(), nullable=False),
        sa.Column(
            "ready_at",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN lease_until > (CASE WHEN wake_at IS NULL OR due_at <= wake_at THEN due_at ELSE wake_at END) THEN lease_until ELSE (CASE WHEN wake_at IS NULL OR due_at <= wake_at THEN due_at ELSE wake_at END) END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_cases")),
        sa.UniqueConstraint(
            "workspace_id", "open_key", name=op.f("uq_cases_workspace_id_open_key")
        ),
    )
    op.create_index(
        op.f("ix_cases_workspace_id_customer_id_id"),
        "cases",
        ["workspace_id", "customer_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_cases_workspace_id_desk_id_ticket_id_id"),
        "cases",
        ["workspace_id", "desk_id", "ticket_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_cases_workspace_id_ready_at_id"),
        "cases",
        ["workspace_id", "ready_at", "id"],
        unique=False,
        sqlite_where=sa.text("ready_at IS NOT NULL"),
        postgresql_where=sa.text("ready_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_cases_workspace_id_state_id"),
        "cases",
        ["workspace_id", "state", "id"],
        unique=False,
    )
    op.create_table(
        "connections",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("connector", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("path_token", TEXT, nullable=False),
        sa.Column("settings", TEXT, nullable=False),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", TEXT, nullable=True),
        sa.Column("renewing_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_connections")),
        sa.UniqueConstraint(
            "workspace_id", "path_token", name=op.f("uq_connections_workspace_id_path_token")
        ),
    )
    op.create_table(
        "customers",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_customers")),
    )
    op.create_table(
        "deliveries",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("dedupe_key", TEXT, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("headers", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("kinds", TEXT, nullable=True),
        sa.Column("why", TEXT, nullable=True),
        sa.Column("lease_owner", TEXT, nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("woken_under", sa.BigInteger(), nullable=False),
        sa.Column(
            "ready_at",
            sa.BigInteger(),
            sa.Computed(
                "CASE WHEN lease_until > (CASE WHEN wake_at IS NULL OR due_at <= wake_at THEN due_at ELSE wake_at END) THEN lease_until ELSE (CASE WHEN wake_at IS NULL OR due_at <= wake_at THEN due_at ELSE wake_at END) END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "workspace_id",
            "connection_id",
            "dedupe_key",
            name=op.f("uq_deliveries_workspace_id_connection_id_dedupe_key"),
        ),
    )
    op.create_index(
        op.f("ix_deliveries_workspace_id_ready_at_id"),
        "deliveries",
        ["workspace_id", "ready_at", "id"],
        unique=False,
        sqlite_where=sa.text("ready_at IS NOT NULL"),
        postgresql_where=sa.text("ready_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_deliveries_workspace_id_state_id"),
        "deliveries",
        ["workspace_id", "state", "id"],
        unique=False,
    )
    op.create_table(
        "harms",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("happened_on", TEXT, nullable=True),
        sa.Column("basis", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("active_key", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_harms")),
        sa.UniqueConstraint(
            "workspace_id", "active_key", name=op.f("uq_harms_workspace_id_active_key")
        ),
    )
    op.create_index(
        op.f("ix_harms_workspace_id_case_id_id"),
        "harms",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_harms_workspace_id_customer_id_id"),
        "harms",
        ["workspace_id", "customer_id", "id"],
        unique=False,
    )
    op.create_table(
        "host_payouts",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("host_object", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("ending", TEXT, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("payout_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_host_payouts")),
        sa.UniqueConstraint(
            "workspace_id",
            "connection_id",
            "host_object",
            name=op.f("uq_host_payouts_workspace_id_connection_id_host_object"),
        ),
    )
    op.create_index(
        op.f("ix_host_payouts_workspace_id_order_id_id"),
        "host_payouts",
        ["workspace_id", "order_id", "id"],
        unique=False,
    )
    op.create_table(
        "identities",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_identities")),
        sa.UniqueConstraint(
            "workspace_id",
            "connection_id",
            "kind",
            "value",
            name=op.f("uq_identities_workspace_id_connection_id_kind_value"),
        ),
    )
    op.create_index(
        op.f("ix_identities_workspace_id_customer_id_id"),
        "identities",
        ["workspace_id", "customer_id", "id"],
        unique=False,
    )
    op.create_table(
        "ledger_entries",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("debit", TEXT, nullable=False),
        sa.Column("credit", TEXT, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("payout_id", TEXT, nullable=False),
        sa.Column("previous", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint(
            "workspace_id",
            "payout_id",
            "kind",
            "number",
            name=op.f("uq_ledger_entries_workspace_id_payout_id_kind_number"),
        ),
        sa.UniqueConstraint("workspace_id", "seq", name=op.f("uq_ledger_entries_workspace_id_seq")),
    )
    op.create_index(
        op.f("ix_ledger_entries_workspace_id_case_id_id"),
        "ledger_entries",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_entries_workspace_id_credit_id"),
        "ledger_entries",
        ["workspace_id", "credit", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_entries_workspace_id_debit_id"),
        "ledger_entries",
        ["workspace_id", "debit", "id"],
        unique=False,
    )
    op.create_table(
        "ledger_heads",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_ledger_heads")),
    )
    op.create_table(
        "offers",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("basis", TEXT, nullable=False),
        sa.Column("parts", TEXT, nullable=False),
        sa.Column("payload_hash", TEXT, nullable=False),
        sa.Column("made_by", TEXT, nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", TEXT, nullable=True),
        sa.Column("accepted_case", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_offers")),
        sa.UniqueConstraint(
            "workspace_id", "accepted_case", name=op.f("uq_offers_workspace_id_accepted_case")
        ),
    )
    op.create_index(
        op.f("ix_offers_workspace_id_case_id_id"),
        "offers",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_table(
        "payouts",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("offer_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("till_id", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=True),
        sa.Column("remedy", TEXT, nullable=False),
        sa.Column("basis", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("order_id", TEXT, nullable=True),
        sa.Column("buyer_id", TEXT, nullable=True),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("key_number", sa.BigInteger(), nullable=False),
        sa.Column("first_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("host_object", TEXT, nullable=True),
        sa.Column("receipt", TEXT, nullable=True),
        sa.Column("why", TEXT, nullable=True),
        sa.Column("sealed_code", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_payouts")),
        sa.UniqueConstraint(
            "workspace_id",
            "offer_id",
            "position",
            name=op.f("uq_payouts_workspace_id_offer_id_position"),
        ),
        sa.UniqueConstraint(
            "workspace_id",
            "till_id",
            "host_object",
            name=op.f("uq_payouts_workspace_id_till_id_host_object"),
        ),
    )
    op.create_index(
        op.f("ix_payouts_workspace_id_case_id_id"),
        "payouts",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payouts_workspace_id_customer_id_id"),
        "payouts",
        ["workspace_id", "customer_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payouts_workspace_id_state_id"),
        "payouts",
        ["workspace_id", "state", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payouts_workspace_id_till_id_order_id_id"),
        "payouts",
        ["workspace_id", "till_id", "order_id", "id"],
        unique=False,
    )
    op.create_table(
        "people",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_people")),
        sa.UniqueConstraint("workspace_id", "email", name=op.f("uq_people_workspace_id_email")),
    )
    op.create_table(
        "person_identities",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("linked_by", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_person_identities")),
        sa.UniqueConstraint(
            "workspace_id",
            "kind",
            "connection_id",
            "value",
            name=op.f("uq_person_identities_workspace_id_kind_connection_id_value"),
        ),
    )
    op.create_index(
        op.f("ix_person_identities_workspace_id_person_id_id"),
        "person_identities",
        ["workspace_id", "person_id", "id"],
        unique=False,
    )
    op.create_table(
        "tasks",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("known", TEXT, nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("done_by", TEXT, nullable=True),
        sa.Column("note", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_tasks")),
    )
    op.create_index(
        op.f("ix_tasks_workspace_id_case_id_id"),
        "tasks",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_tasks_workspace_id_state_id"),
        "tasks",
        ["workspace_id", "state", "id"],
        unique=False,
    )
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("zone", TEXT, nullable=False),
        sa.Column("first_weekday", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("halted_why", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workspaces")),
    )
    op.create_table(
        "writings",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("desk_id", TEXT, nullable=False),
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("text", TEXT, nullable=True),
        sa.Column("host_object", TEXT, nullable=True),
        sa.Column("why", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_writings")),
    )
    op.create_index(
        op.f("ix_writings_workspace_id_case_id_id"),
        "writings",
        ["workspace_id", "case_id", "id"],
        unique=False,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")
