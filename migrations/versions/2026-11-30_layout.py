"""Search values in few bytes, and the versions of a patient in one index instead of two.

Revision: 20261130_layout
Follows: 20261129_erasure

The values follow from the bodies: no row is moved. The table is made anew and empty, in an instant
whatever it held, and the service makes them again at its start, as after any other change of how
they are kept. A service of the release before cannot write any more: stop it first.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_layout"
down_revision = "20261129_erasure"
branch_labels = None
depends_on = None
additive = False

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HOLDS_UP_NOBODY = {"postgresql_concurrently": True}
VERSIONS, VALUES = "resource_version", "search_value"
OF_PATIENT = {
    "ix_resource_version_tenant_patient_sequence_type": ["tenant", "patient", "sequence", "type"]
}
BEFORE = {
    "ix_resource_version_tenant_patient_type_code_date": [
        "tenant",
        "patient",
        "type",
        "code",
        "date",
    ],
    "ix_resource_version_tenant_patient_sequence": ["tenant", "patient", "sequence"],
}


def upgrade() -> None:
    """The indexes come first: an attempt that is interrupted among them is simply made again."""
    _replace(BEFORE, OF_PATIENT)
    op.drop_table(VALUES)
    op.create_table(
        VALUES,
        sa.Column("row", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("key", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("until", TEXT, nullable=False),
        sa.Column("system", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("row", "key", "value", "until", "system", name="pk_search_value"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_search_value_key_value", VALUES, ["key", "value"])
    op.execute("DELETE FROM search_state")


def _replace(gone: dict[str, list[str]], made: dict[str, list[str]]) -> None:
    """What an interrupted attempt has left cannot be used."""
    with op.get_context().autocommit_block():
        for name, columns in made.items():
            op.drop_index(name, VERSIONS, **HOLDS_UP_NOBODY, if_exists=True)
            op.create_index(name, VERSIONS, columns, **HOLDS_UP_NOBODY)
        for name in gone:
            op.drop_index(name, VERSIONS, **HOLDS_UP_NOBODY, if_exists=True)


def downgrade() -> None:
    """The release before makes its values again at its start."""
    _replace(OF_PATIENT, BEFORE)
    op.drop_table(VALUES)
    names = ["tenant", "patient", "type", "name", "value", "until", "system", "id", "version"]
    columns = [
        sa.Column(name, sa.Integer if name == "version" else TEXT, nullable=False) for name in names
    ]
    op.create_table(
        VALUES,
        *columns,
        sa.PrimaryKeyConstraint(*names, name="pk_search_value"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_search_value_tenant_type_name_value", VALUES, ["tenant", "type", "name", "value"]
    )
    op.execute("DELETE FROM search_state")
