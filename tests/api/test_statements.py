"""What a question costs the database: so many statements whatever it finds, and none of them twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from serving import Served
from sqlalchemy import event
from sqlalchemy.engine import Engine

QUESTIONS: dict[str, tuple[str, dict[str, Any], int]] = {
    "words": ("/search", {"words": "lesion of the brain", "by": "words"}, 28),
    "everything": ("/search", {"words": "lesion of the brain", "by": "everything"}, 30),
    "scans": ("/search", {"words": "lesion of the brain", "by": "scans"}, 25),
    "reports": ("/search", {"words": "lesion of the brain", "want": "report"}, 28),
    "unwanted": ("/search", {"words": "brain without lesion"}, 30),
    "filter": ("/search", {"words": "", "where": "body_region=brain"}, 25),
    "like": ("/similar", {}, 24),
}


@contextmanager
def counted() -> Iterator[list[tuple[str, str]]]:
    """(statement, values) of all that is sent to any database of this process within the block."""
    found: list[tuple[str, str]] = []

    def hear(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        found.append((" ".join(statement.split()), repr(values)))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_sends_few_statements_none_of_them_twice_however_much_it_finds(
    served: Served, question: str
) -> None:
    path, body, most = QUESTIONS[question]
    if path == "/similar":
        body = {"study": served.study}
    counts = {}
    for k in (1, 5, 5):  # the first time something may be read that is kept for the next one
        with counted() as sent:
            answer = served.post(path, {**body, "k": k})
        assert answer.status_code == 200, answer.text
        assert answer.json()["hits"]
        counts[k] = len(sent)
    reads = Counter(one for one in sent if one[0].startswith("SELECT") and "record_head" not in one[0])
    assert {one: n for one, n in reads.items() if n > 1} == {}
    assert counts[5] <= most, "\n".join(one[0][:160] for one in sent)
    with counted() as sent:
        served.post(path, {**body, "k": 1})
    assert counts[5] - len(sent) <= 1, "it sends more for five hits than for one"
