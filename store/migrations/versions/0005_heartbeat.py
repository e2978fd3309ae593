"""Signs of life: when a worker last beat, and when its clock last had every job come round well."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("executors", schema=None) as batch_op:
        batch_op.add_column(sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("executors", schema=None) as batch_op:
        batch_op.drop_column("ticked_at")
        batch_op.drop_column("beat_at")
