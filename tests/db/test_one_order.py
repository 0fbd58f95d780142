"""The same question gives the same order and the same scores in a file and on a server of whatever locale."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Server
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive, about, facts

from spinecho.db.filters.algebra import Contains, Is
from spinecho.db.queries.lookup import allowed_volumes
from spinecho.db.reports.full_text import Match, expression, find_words
from spinecho.db.schema import database as opening
from spinecho.db.schema.engines import make_engine

LOCALES = {  # what PostgreSQL 17 brings by itself, and what this machine may have
    "unicode": "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    "machine": "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE '{name}' LC_CTYPE '{name}'",
}
STEMS = [
    "lesion",
    "Lesions",
    "oedema",
    "Ödem",
    "left",
    "frontal",
    "no",
    "midline",
    "shift",
    "β",
    "ΒΕΤΑ",
    "Опухоль",
    "T2",
]
JOINS = [" ", " ", ", ", " — ", "→", " ≥ ", "\u00a0"]
NAMES = [*STEMS, "lesion*", "опух*", "бета", "οδημ", "frontal lesion", "left frontal", "ödem", "fr*"]


def sentence(words: list[str], joins: list[str]) -> str:
    return "".join(word + joins[at % len(joins)] for at, word in enumerate(words)).strip()


sentences = st.builds(
    sentence, st.lists(st.sampled_from(STEMS), min_size=1, max_size=14), st.lists(st.sampled_from(JOINS), min_size=1)
)
groups = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple), min_size=1, max_size=4)


@pytest.fixture(scope="module", params=LOCALES)
def other(request: pytest.FixtureRequest, postgresql: Server) -> str:
    """A database of another locale than C."""
    engine = make_engine(postgresql.url("made"))
    query = "SELECT collname FROM pg_collation WHERE collprovider = 'c' AND collname ~ '^[a-z]+_[A-Z]+.utf8' LIMIT 1"
    with engine.connect() as connection:
        name = connection.scalar(text(query))
        version = int(connection.scalar(text("SHOW server_version_num")))
    engine.dispose()
    if request.param == "machine" and name is None:
        pytest.skip("this machine has no other locale than C for a server to take")
    if request.param == "unicode" and version < 170000:
        pytest.skip("a locale of the server's own comes with PostgreSQL 17")
    return postgresql.make(f"locale_{request.param}", LOCALES[request.param].format(name=name))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, other: str) -> Iterator[list[FilterArchive]]:
    folder = tmp_path_factory.mktemp("pair")
    both = [FilterArchive(folder), FilterArchive(folder, other)]
    yield both
    for archive in both:
        archive.close()


@settings(max_examples=12)
@given(
    said=st.lists(sentences, min_size=1, max_size=12),
    asked=st.lists(st.tuples(groups, st.sampled_from(["all", "any"])), min_size=4, max_size=8),
    limit=st.sampled_from([2, 100]),
    few=st.booleans(),
)
def test_the_same_question_gives_the_same_order(
    pair: list[FilterArchive], said: list[str], asked: list[tuple[list[tuple[str, ...]], str]], limit: int, few: bool
) -> None:
    for archive in pair:
        archive.report(1, [(one, "present") for one in said])
    for named, joined in asked:
        match = expression(named, "all" if joined == "all" else "any")
        file, server = (answers(archive, match, limit, few) for archive in pair)
        assert file == server


def answers(archive: FilterArchive, match: Match, limit: int, few: bool) -> list[tuple[int, float]]:
    """By the place of the passage in its archive: a server gives other ids than a file that takes gone ones again."""
    with archive.database.begin() as session:
        ids = [int(one) for one in session.scalars(text("SELECT id FROM vectors ORDER BY id"))]
    among = np.array(ids[::2], np.int64) if few else None
    rows = find_words(archive.database, archive.text, match, limit=limit, among=among)
    return [(ids.index(vector), score) for vector, score in rows]


def test_texts_compare_as_in_a_file(pair: list[FilterArchive]) -> None:
    written = ["b", "B", "a", "Ä", "ä", "Straße", "STRASSE", "z-1", "z1", "_", "İ", "I"]
    draw = random.Random(1)
    for archive in pair:
        for number, one in enumerate(written):
            study = {**about(draw, f"1.{number}"), "description": one, "patient_id": one}
            archive.store(study, f"2.{number}", [{**facts(draw), "vendor": one, "model": one}])
    asked = [Contains(field, one) for field in ("vendor", "description") for one in written]
    asked += [Is(field, (one,)) for field in ("vendor", "patient_id") for one in written]
    orders, found = [], []
    for archive in pair:
        with archive.database.begin() as session:
            orders.append(list(session.scalars(text("SELECT description FROM studies ORDER BY description, uid"))))
            ids = list(session.scalars(text("SELECT id FROM vectors ORDER BY id")))
        allowed = [allowed_volumes(archive.database, archive.image, one).tolist() for one in asked]
        found.append([[ids.index(one) for one in some] for some in allowed])
    assert orders[0] == orders[1] == sorted(written)
    assert found[0] == found[1]


def test_every_text_column_has_the_collation_of_a_file(pair: list[FilterArchive]) -> None:
    query = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND "
        "data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C' "
        "AND table_name <> 'alembic_version'"
    )
    with pair[1].database.begin() as session:
        assert list(session.scalars(text(query))) == []


def test_a_database_from_before_is_brought_to_the_same_order(pair: list[FilterArchive]) -> None:
    for archive in pair:
        archive.report(1, [(one, "present") for one in ("Опухоль слева.", "A lesion → oedema.", "Lesions, ΒΕΤΑ")])
    match = expression([("опухоль", "βετα"), ("lesion",)], "any")
    expected = answers(pair[0], match, 9, False)
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    engine = make_engine(pair[1].database.location)
    for step, revision in ((command.downgrade, "0015-1"), (command.upgrade, "head")):
        with engine.begin() as connection:
            config.attributes.update(connection=connection, carry=None)
            step(config, revision)
    engine.dispose()
    assert answers(pair[1], match, 9, False) == expected
    assert len(expected) == 3
