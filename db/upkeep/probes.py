"""What a database answers to questions made of itself: the same before and after it was moved, copied or put back.

Questions are some of its own vectors and sentences, and the answers are exact: no index stands between.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sqlalchemy import func, select

from spinecho.db.reports.full_text import expression, find_words
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Passage, Vector
from spinecho.db.store.storing import serving
from spinecho.db.values import Role, SpaceRecord
from spinecho.db.vectors.stored_rows import unpack

_QUESTIONS, _K, _PAGE = 4, 10, 4096
_ROLES: tuple[Role, ...] = ("image", "text")
_WORD = re.compile(r"[^\W\d_]{4,}")

Answers = dict[str, list[list[tuple[int, float]]]]
"""By kind of question, for each question (id, score) of the best ten."""


def answers(database: Database) -> Answers:
    """The top ten of some vectors in each space that serves, and of the words of some sentences."""
    found: Answers = {}
    for role in _ROLES:
        space = serving(database, role)
        if space is None:
            continue
        found[role] = _nearest(database, space)
        if role == "text":
            found["words"] = _worded(database, space)
    return found


def as_json(found: Answers) -> dict[str, Any]:
    """As JSON gives them back."""
    return {kind: [[list(pair) for pair in one] for one in some] for kind, some in found.items()}


def _nearest(database: Database, space: SpaceRecord) -> list[list[tuple[int, float]]]:
    of_space = Vector.space_id == space.id
    with database.begin() as session:
        count = session.scalar(select(func.count()).where(of_space)) or 0
        at = sorted({count * n // _QUESTIONS for n in range(_QUESTIONS)}) if count else []
        ids = [session.scalar(select(Vector.id).where(of_space).order_by(Vector.id).offset(one).limit(1)) for one in at]
        asked = [session.scalar(select(Vector.data).where(Vector.id == one)) or b"" for one in ids]
        if not asked:
            return []
        questions = unpack(b"".join(asked), space.dim).astype(np.float64)
        best: list[list[tuple[float, int]]] = [[] for _ in asked]
        last = 0
        while rows := session.execute(
            select(Vector.id, Vector.data).where(of_space, Vector.id > last).order_by(Vector.id).limit(_PAGE)
        ).all():
            last = rows[-1][0]
            scores = unpack(b"".join(row[1] for row in rows), space.dim).astype(np.float64) @ questions.T
            for number, kept in enumerate(best):
                some = [(-round(float(score), 9), row[0]) for score, row in zip(scores[:, number], rows, strict=True)]
                best[number] = sorted([*kept, *some])[:_K]
    return [[(one, -score) for score, one in kept] for kept in best]


def _worded(database: Database, space: SpaceRecord) -> list[list[tuple[int, float]]]:
    with database.begin() as session:
        highest = session.scalar(select(func.max(Passage.id))) or 0
        query = select(Passage.text).order_by(Passage.id).limit(1)
        texts = [session.scalar(query.where(Passage.id >= highest * n // _QUESTIONS)) for n in range(_QUESTIONS)]
    found = []
    for one in texts:
        words = list(dict.fromkeys(_WORD.findall(one or "")))[:3]
        match = expression([(word,) for word in words], "any")
        rows = find_words(database, space, match, limit=_K) if match else []
        found.append([(vector, round(score, 9)) for vector, score in rows])
    return found
