"""First read: how far GitHub had come when an organisation was read for the first time."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_read_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_column("first_read_until")
