"""Lists that a command writes into a new file, CSV or JSON Lines by its ending, which its owner alone may read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spinecho.db.csv_files import write_csv
from spinecho.db.errors import StoreError


def write_new(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """How many rows were written. In CSV, what is neither text nor number is JSON.

    Raises `StoreError` where the file is there already, or cannot be written.
    """
    written = 0

    def counted() -> Iterable[Mapping[str, Any]]:
        nonlocal written
        for row in rows:
            written += 1
            yield row

    try:
        if path.suffix.lower() == ".jsonl":
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in counted())
        else:
            cells = ([_cell(row[name]) for name in columns] for row in counted())
            write_csv(path, (row for part in ((list(columns),), cells) for row in part), fresh=True)
    except FileExistsError:
        raise StoreError(f"{path} is there already; name another file") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}); name another file") from error
    return written


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float) or value is None else json.dumps(value, ensure_ascii=False)
