"""Facts follow the files: what each series says of its study, patients by number, contents by digest.

Derived here: patients from the IDs of the studies, and members of cohorts by number in place of ID. Left for the next
`spinecho index`, which needs no file for it: what series say (from the headers that are stored). Left for when a file
is read again: digests. Where two root folders held files of equal names, those of the later one are looked at again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from spinecho.db.keys import patient_key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROWS = 5000


def upgrade() -> None:
    op.create_table(
        "patients",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        sa.UniqueConstraint("key", name=op.f("uq_patients_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "archives",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archives")),
        sa.UniqueConstraint("path", name=op.f("uq_archives_path")),
    )
    op.create_table(
        "upkeep",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_upkeep")),
    )
    op.add_column("files", sa.Column("digest", sa.String(), nullable=True))
    op.add_column("files", sa.Column("companion", sa.String(), nullable=True))
    op.add_column("series", sa.Column("study_facts", sa.JSON(), nullable=True))
    op.add_column("studies", sa.Column("disagreeing", sa.String(), nullable=False, server_default=""))
    # SQLite takes a foreign key with a new column alone; a table made anew would take the rows that point at it along.
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE studies ADD COLUMN patient {whole} "
        "CONSTRAINT fk_studies_patient_patients REFERENCES patients (id)"
    )
    op.create_index(op.f("ix_studies_patient"), "studies", ["patient"])
    numbers = _patients()
    _members(numbers)
    _archives()


def _patients() -> dict[str, int]:
    """The number of each patient by key, with the studies told theirs."""
    link = op.get_bind()
    rows = link.execute(sa.text("SELECT id, patient_id FROM studies ORDER BY id")).all()
    numbers: dict[str, int] = {}
    of_studies = []
    for study, patient_id in rows:
        if key := patient_key(patient_id):
            of_studies.append({"study": study, "patient": numbers.setdefault(key, len(numbers) + 1)})
    if numbers:
        _insert("patients", [{"id": number, "key": key} for key, number in numbers.items()])
        link.execute(sa.text("UPDATE studies SET patient = :patient WHERE id = :study"), of_studies)
    return numbers


def _members(numbers: dict[str, int]) -> None:
    """Members by number. An ID that no study has is not kept: it may be that of somebody de-identified since."""
    link = op.get_bind()
    table = sa.table("cohort_members", *(sa.column(name) for name in ("version_id", "study_uid", "patient_id", "part")),
                     sa.column("facts", sa.JSON))  # fmt: skip
    rows = link.execute(sa.select(table).order_by(table.c.version_id, table.c.study_uid)).all()
    gone: dict[str, int] = {}
    made = []
    for version, study_uid, patient_id, part, facts in rows:
        key = "" if patient_id == study_uid else patient_key(patient_id)
        number = numbers.get(key) if key else None
        if key and number is None:
            number = gone.setdefault(key, len(numbers) + len(gone) + 1)
        kept = {name: value for name, value in facts.items() if name != "index_date"}  # the study's, looked up since
        made.append({"version_id": version, "study_uid": study_uid, "patient": number, "part": part, "facts": kept})
    _insert("patients", [{"id": number, "key": None} for number in gone.values()])
    op.drop_table("cohort_members")
    op.create_table(
        "cohort_members",
        sa.Column("version_id", _BIG, nullable=False),
        sa.Column("study_uid", sa.String(), nullable=False),
        sa.Column("patient", _BIG, nullable=True),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["cohort_versions.id"], name=op.f("fk_cohort_members_version_id_cohort_versions")
        ),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name=op.f("fk_cohort_members_patient_patients")),
        sa.PrimaryKeyConstraint("version_id", "study_uid", name=op.f("pk_cohort_members")),
    )
    op.create_index(op.f("ix_cohort_members_patient"), "cohort_members", ["patient"])
    _insert("cohort_members", made)
    if link.dialect.name == "postgresql":
        link.execute(
            sa.text("SELECT setval('patients_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM patients), false)")
        )


def _archives() -> None:
    """Every root that is known; where a later one holds names that an earlier one has, it gets names of its own."""
    link = op.get_bind()
    query = "SELECT root FROM folders GROUP BY root ORDER BY min(id)"
    shared = sa.text(
        "SELECT 1 FROM files f JOIN folders d ON d.id = f.folder_id WHERE d.root = :root AND f.kind = 'nifti' "
        "AND EXISTS (SELECT 1 FROM files g JOIN folders e ON e.id = g.folder_id WHERE g.study_uid = f.study_uid "
        "AND g.kind = 'nifti' AND e.root = :other) LIMIT 1"
    )
    again = sa.text(
        "UPDATE files SET mtime_ns = -2 WHERE kind = 'nifti' "
        "AND folder_id IN (SELECT id FROM folders WHERE root = :root)"
    )
    made: list[dict[str, Any]] = []
    for (root,) in link.execute(sa.text(query)).all():
        clash = any(link.execute(shared, {"root": root, "other": one["path"]}).first() for one in made)
        if clash:
            link.execute(again, {"root": root})
        made.append({"path": root, "salt": root if clash else ""})
    _insert("archives", made)


def _insert(name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = sa.table(
        name, *(sa.column(column, sa.JSON) if column == "facts" else sa.column(column) for column in rows[0])
    )
    for start in range(0, len(rows), _ROWS):
        op.get_bind().execute(sa.insert(table), rows[start : start + _ROWS])


def downgrade() -> None:
    raise NotImplementedError("members of cohorts are kept by number since; restore the copy that the upgrade kept")
