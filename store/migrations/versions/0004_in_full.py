"""Objectives and tickets in full: what the form says, the queue's order, buckets, and a ticket that was cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HELD = "uq_tickets_one_held_per_person_and_year"


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("objectives", schema=None) as batch_op:
        batch_op.add_column(sa.Column("visibility", sa.String(length=20), server_default="team", nullable=False))
        batch_op.add_column(sa.Column("celebrate", sa.String(length=20), server_default="", nullable=False))
        batch_op.add_column(sa.Column("stretch", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("safety_noted", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("targets_done", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("targets_total", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("rank", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bucket_url", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("funded", sa.Boolean(), nullable=True))
    _held_unless("'objection', 'withdrawn', 'cancelled'")


def downgrade() -> None:
    """Go back down. What was cancelled is withdrawn again, which is what it was called before."""
    op.execute("UPDATE tickets SET state = 'withdrawn' WHERE state = 'cancelled'")
    _held_unless("'objection', 'withdrawn'")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_column("funded")
        batch_op.drop_column("bucket_url")
    with op.batch_alter_table("objectives", schema=None) as batch_op:
        for name in ("rank", "targets_total", "targets_done", "safety_noted", "stretch", "celebrate", "visibility"):
            batch_op.drop_column(name)


def _held_unless(given_back: str) -> None:
    where = sa.text(f"state NOT IN ({given_back})")
    op.drop_index(HELD, table_name="tickets")
    op.create_index(HELD, "tickets", ["person_id", "year"], unique=True, sqlite_where=where, postgresql_where=where)
