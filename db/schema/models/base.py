"""What every table stands on: named constraints, JSON columns, and a checksum a row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from spinecho.db.schema.clean import CleanJson, CleanText

BIG = BigInteger().with_variant(Integer(), "sqlite")
_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base: big integer keys, named constraints (so that migrations can name them), JSON columns."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012
        dict[str, Any]: CleanJson, list[str]: CleanJson, list[int]: CleanJson, list[Any]: CleanJson, int: BIG,
        bytes: LargeBinary, str: CleanText,
    }  # fmt: skip


class Sealed:
    """A row with a checksum of what it says; see `db.schema.checksums`."""

    checksum: Mapped[int | None] = mapped_column(sort_order=1)
    """None only within the transaction that is to compute it."""
