"""Judgements and pairs that were sent with a question, as the files that an evaluation reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def own_files(asked: Mapping[str, Any]) -> Iterator[dict[str, Path]]:
    """By name the file of each text that was sent, for as long as the block lasts. JSON Lines begin with a brace."""
    with tempfile.TemporaryDirectory(prefix="spinecho-") as folder:
        found = {}
        for name in ("judgements", "pairs"):
            text = asked.get(name)
            if text is not None:
                found[name] = Path(folder) / f"{name}.{'jsonl' if text.lstrip().startswith('{') else 'csv'}"
                found[name].write_text(text, encoding="utf-8")
        yield found
