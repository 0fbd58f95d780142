"""Names that a filter may hold and that only an archive knows: tasks that heads predicted, and labels of subjects."""

from __future__ import annotations

from spinecho.db.filters.conditions import Filter, predicted_tasks
from spinecho.db.filters.labelled import require_labels
from spinecho.db.schema.database import Database
from spinecho.db.store.predictions import require_tasks


def require_named(database: Database, where: Filter) -> None:
    """Raise `FilterError` for a task or a label that nothing here has, naming the nearest one that is."""
    require_tasks(database, predicted_tasks(where))
    require_labels(database, where)
