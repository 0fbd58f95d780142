"""Alembic's entry: runs over the connection that `db.schema.database.migrate` hands in."""

from __future__ import annotations

from alembic import context

from spinecho.db.schema.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
