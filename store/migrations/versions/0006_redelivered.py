"""Redeliveries: what was asked for again, and how far it was looked for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("redelivered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "redeliveries",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redeliveries")),
    )


def downgrade() -> None:
    """Go back down."""
    op.drop_table("redeliveries")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_column("redelivered_at")
