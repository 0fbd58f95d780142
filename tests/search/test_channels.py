"""Full text, an example beside words, thumbs, and knowing that nothing was found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from archives import Home
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import ALL, And, Between, Contains, Is, Not
from spinecho.db.people.feedback import SentenceVectors, forget_thumbs, put_thumbs, thumbs
from spinecho.db.reports.full_text import Match, count_words, expression, find_words
from spinecho.db.schema.database import Database
from spinecho.db.store.storing import serving
from spinecho.encoders.language.query_words import EmptyQuery, parse_query
from spinecho.search.answers.hits import Results, results_json
from spinecho.search.channels.lexical import Words, spans, words_of
from spinecho.search.engine import Engine
from spinecho.search.planning.typed_facts import filter_of
from spinecho.search.query import Evidence, Kind, StudyQuery, TextQuery
from spinecho.search.relevance_feedback import query_key, shared_words

SCANS = [
    Scan(1, "FINDINGS: Oedema around a cavernoma of the pons. Leptomeningeal siderosis."),
    Scan(2, "FINDINGS: Demyelinating plaques, periventricular. No cavernoma."),
    Scan(3, "FINDINGS: Gliomatosis of both hemispheres.", frequency=6.0),
    Scan(4, "FINDINGS: A glioma of the left insula.", frequency=9.0, sequence="T1"),
    Scan(5, "FINDINGS: Torn anterior cruciate ligament.", body_part="KNEE", description="pd_sag"),
    Scan(6, "FINDINGS: Cavernoma in the left insula, with some edema.", frequency=12.0),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = write_scans(tmp_path_factory.mktemp("scans"), SCANS)
    made = Home(tmp_path_factory.mktemp("home"))
    assert made.index(folder).mendable == 0
    return made


@pytest.fixture(scope="module")
def engine(home: Home) -> Engine:
    made = home.engine()
    made.calibrate()
    return made


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    opened = Database.open(home.database)
    yield opened
    opened.close()


def numbers(results: Results) -> list[int]:
    return [int(hit.study.uid.rsplit(".", 1)[1]) for hit in results.hits if hit.study]


def uid(engine: Engine, number: int) -> str:
    hits = engine.search(TextQuery("lesion"), k=20).hits
    return next(hit.study.uid for hit in hits if hit.study and hit.study.uid.endswith(f".{number}"))


def passages_of(database: Database, match: Match) -> set[str]:
    space = serving(database, "text")
    assert space is not None
    rows = find_words(database, space, match, limit=50)
    assert [score for _, score in rows] == sorted((score for _, score in rows), reverse=True)
    chosen = ",".join(str(vector_id) for vector_id, _ in rows) or "0"
    with database.begin() as session:
        found = session.connection().exec_driver_sql(
            f"SELECT p.text FROM passages p JOIN vectors v ON v.passage_id = p.id WHERE v.id IN ({chosen})"
        )
        return {row[0] for row in found}


class TestFullText:
    def test_stems_phrases_and_prefixes(self, database: Database) -> None:
        assert passages_of(database, expression([("plaque",)])) == {"Demyelinating plaques, periventricular."}
        assert len(passages_of(database, expression([("left insula",)]))) == 2
        assert not passages_of(database, expression([("insula left",)]))
        assert len(passages_of(database, expression([("gliom*",)]))) == 2
        assert passages_of(database, expression([("glioma",), ("insula",)])) == {"A glioma of the left insula."}
        assert len(passages_of(database, expression([("edema", "oedema")]))) == 2

    @given(st.lists(st.tuples(st.text(max_size=12)), max_size=4))
    def test_nothing_typed_is_an_operator_or_an_error(self, home: Home, groups: list[tuple[str]]) -> None:
        match = expression(groups, "any")
        if not match:
            return
        opened = Database.open(home.database)
        assert count_words(opened, match, most=10) >= 0
        opened.close()

    @pytest.mark.parametrize("typed", ['"', "AND OR NOT", "a NEAR b", "text: x", "*", "-", "(", "^x", "'; DROP"])
    def test_operators_are_words(self, database: Database, typed: str) -> None:
        match = expression([(typed,)])
        assert not match or count_words(database, match, most=5) == 0

    def test_what_was_deleted_is_not_found(self, home: Home, tmp_path: Path) -> None:
        folder = write_scans(tmp_path / "scans", SCANS[:2])
        own = Home(tmp_path / "home")
        own.index(folder)
        opened = Database.open(own.database)
        assert count_words(opened, expression([("cavernoma",)]), most=9) == 2
        write_scans(folder, SCANS[:1])
        (folder / "2.dcm").unlink()
        own.index(folder, prune=True, yes=True)
        assert count_words(opened, expression([("plaque",)]), most=9) == 0
        opened.close()

    def test_the_words_that_matched_are_marked(self, engine: Engine) -> None:
        hit = engine.search(TextQuery("glioma of the insula", by=Evidence.WORDS)).hits[0]
        (passage,) = hit.passages[:1]
        marked = {passage.passage.text[start:stop] for start, stop in passage.highlights}
        assert {"glioma", "insula"} <= marked
        assert passage.words == pytest.approx(1.0)
        assert results_json(engine.search(TextQuery("glioma")))["hits"][0]["passages"][0]["highlights"]

    @pytest.mark.parametrize(
        ("typed", "said", "marked"),
        [
            ("haemorrhage", "Small hemorrhages and a haematoma.", ["hemorrhages", "haematoma"]),
            ("MCA infarct", "Infarction of the middle cerebral artery.", ["Infarction of the middle cerebral artery"]),
            ("gliom*", "Gliomatosis, no glioma", ["Gliomatosis", "glioma"]),
            ('"left insula"', "The left insula, not the insula.", ["left insula"]),
            ("mass effect", "A mass without mass effect.", ["mass effect"]),
            ("lesion larger than 2 cm", "Lesion of 3.6 cm, another lesion of 8 mm.", ["Lesion", "3.6 cm", "lesion"]),
            ("lesion larger than 2 cm", "A lesion, 23 mm, 5 cm from the dura.", ["lesion", "23 mm"]),
        ],
    )
    def test_what_is_marked(self, typed: str, said: str, marked: list[str]) -> None:
        assert [said[start:stop] for start, stop in spans(words_of(parse_query(typed)), said)] == marked

    @given(st.text(max_size=40), st.text(max_size=80))
    def test_no_span_leaves_its_sentence(self, typed: str, said: str) -> None:
        try:
            found = spans(words_of(parse_query(typed)), said)
        except EmptyQuery:
            return
        ends = [0, *(stop for _, stop in found)]
        assert all(end <= start < stop <= len(said) for (start, stop), end in zip(found, ends, strict=False))


class TestHybrid:
    def test_a_rare_word_finds_its_study_whatever_the_encoder_thinks(self, engine: Engine) -> None:
        results = engine.search(TextQuery("siderosis"))
        assert numbers(results)[0] == 1
        assert results.hits[0].channels["words"] == pytest.approx(1.0)

    def test_a_denial_is_no_match_of_words_either(self, engine: Engine) -> None:
        found = numbers(engine.search(TextQuery("cavernoma", by=Evidence.WORDS)))
        assert set(found[:2]) == {1, 6}

    def test_filters_hold_for_words(self, engine: Engine) -> None:
        knees = engine.search(TextQuery("torn ligament or glioma"), where=Is("body_region", ("knee",)))
        assert numbers(knees) == [5]

    def test_reports_are_found_by_words(self, engine: Engine) -> None:
        report = engine.search(TextQuery("siderosis"), want=Kind.REPORT).hits[0]
        assert report.report is not None
        assert "siderosis" in report.report.text

    def test_words_beside_an_example(self, engine: Engine) -> None:
        example = StudyQuery(uid(engine, 4))
        results = engine.search(TextQuery("cavernoma", like=example))
        assert 4 not in numbers(results)[:1]
        assert {1, 6} <= set(numbers(results)[:3])
        assert "image" in results.hits[0].channels


class TestTyped:
    def test_fields_in_the_words_are_filters(self, engine: Engine) -> None:
        assert numbers(engine.search(TextQuery("torn ligament or glioma, region:knee"))) == [5]
        assert 5 not in numbers(engine.search(TextQuery("lesion -region:knee"), k=20))
        chips = engine.search(TextQuery("glioma, no oedema region:brain")).query["chips"]
        assert [chip["kind"] for chip in chips] == ["wanted", "unwanted", "field"]

    def test_a_value_that_cannot_be_is_told(self, engine: Engine) -> None:
        with pytest.raises(FilterError, match="age"):
            engine.search(TextQuery("glioma age:old"))

    def test_conditions_that_contradict_are_told(self, engine: Engine) -> None:
        results = engine.search(TextQuery("glioma age:>60 age:<40"))
        assert not results.hits
        assert any("age" in warning for warning in results.warnings)

    @pytest.mark.parametrize(
        ("typed", "filter_"),
        [
            ("age:40-60", And((Between("age", low=40.0), Between("age", high=60.0)))),
            ("age:60-", Between("age", low=60.0)),
            ("age:>=60", Between("age", low=60.0)),
            ("sequence:flair,t2", Is("sequence", ("flair", "t2"))),
            ("-plane:axial", Not(Is("plane", ("axial",)))),
            ("description:knee", Contains("description", "knee")),
            ("field:3", Is("field_strength", (3.0,))),
            ("date:2019-01-01..", Between("date", low=date(2019, 1, 1))),
        ],
    )
    def test_how_values_are_read(self, typed: str, filter_: object) -> None:
        assert filter_of(parse_query(f"x {typed}").fields) == filter_

    def test_a_quoted_phrase_must_stand_there(self, engine: Engine) -> None:
        first = engine.search(TextQuery('"left insula" cavernoma', by=Evidence.WORDS)).hits[0]
        assert first.study is not None
        assert first.study.uid.endswith(".6")
        assert numbers(engine.search(TextQuery("siderosi*", by=Evidence.WORDS)))[0] == 1


class TestRelevance:
    def test_an_unrelated_question_is_told_that_nothing_was_found(self, engine: Engine) -> None:
        results = engine.search(TextQuery("the price of apples in the market", by=Evidence.WORDS))
        assert any("nothing relevant" in warning for warning in results.warnings)
        assert all(one.similarity <= one.usual for one in results.relevance)

    def test_a_question_that_the_archive_answers_is_not(self, engine: Engine) -> None:
        results = engine.search(TextQuery("glioma of the left insula"))
        assert not any("nothing relevant" in warning for warning in results.warnings)
        assert max(one.beats for one in results.relevance) == 1.0
        assert all(one.questions >= 40 for one in results.relevance)

    def test_words_that_nobody_says_are_named(self, engine: Engine) -> None:
        results = engine.search(TextQuery("pneumothorax of the insula"))
        assert any("pneumothorax" in warning for warning in results.warnings)
        assert not any("'insula'" in warning for warning in results.warnings)

    def test_what_was_measured_is_kept(self, home: Home, engine: Engine) -> None:
        before = home.query("SELECT space_id, channel, figures FROM backgrounds ORDER BY 1, 2")
        assert {row[1] for row in before} == {"image", "report"}
        home.engine().calibrate()
        assert home.query("SELECT space_id, channel, figures FROM backgrounds ORDER BY 1, 2") == before


class TestFeedback:
    def test_thumbs_move_the_query(self, engine: Engine) -> None:
        liked = uid(engine, 5)
        plain = engine.search(TextQuery("lesion", by=Evidence.WORDS)).hits
        refined = engine.search(TextQuery("lesion", by=Evidence.WORDS, good=(liked,))).hits
        (before,), (after,) = (
            [hit for hit in hits if hit.study and hit.study.uid == liked] for hits in (plain, refined)
        )
        assert not before.fits, "nothing is torn by a lesion"
        assert after.fits
        assert after.score > before.score + 0.5

    def test_what_did_not_fit_is_left_out(self, engine: Engine) -> None:
        unfit = uid(engine, 4)
        assert 4 not in numbers(engine.search(TextQuery("glioma", bad=(unfit,))))

    def test_a_study_that_is_gone_changes_nothing(self, engine: Engine) -> None:
        plain = engine.search(TextQuery("glioma"))
        assert numbers(engine.search(TextQuery("glioma", good=("1.2.3",), bad=("4.5.6",)))) == numbers(plain)

    def test_thumbs_are_kept_replaced_and_taken_back(self, database: Database) -> None:
        key = query_key("  Glioma ", ALL)
        assert key == query_key("glioma", ALL) != query_key("glioma", Is("sex", ("F",)))
        asked = {"text": "glioma"}
        put_thumbs(database, user="a", query_key=key, query=asked, verdicts={"1.1": 1, "1.2": -1})
        put_thumbs(database, user="b", query_key=key, query=asked, verdicts={"1.1": -1})
        put_thumbs(database, user="a", query_key=key, query=asked, verdicts={"1.1": -1, "1.2": 0})
        assert [(one.study_uid, one.verdict) for one in thumbs(database, user="a", query_key=key)] == [("1.1", -1)]
        assert forget_thumbs(database, user="a", query_key=key) == 1
        assert [one.user for one in thumbs(database)] == ["b"]

    def test_words_that_what_fitted_shares_are_looked_for_too(self, engine: Engine) -> None:
        asked = TextQuery("lesion of the insula", by=Evidence.WORDS, good=(uid(engine, 6), uid(engine, 1)))
        results = engine.search(asked)
        assert set(results.query["learned"]) <= {"cavernoma", "edema", "oedema"}
        assert "cavernoma" in results.query["learned"]
        assert "insula" not in results.query["learned"]
        assert "learned" not in engine.search(TextQuery("lesion of the insula", by=Evidence.WORDS)).query

    def test_words_of_what_did_not_fit_are_not(self, engine: Engine) -> None:
        good, bad = (uid(engine, 6),), (uid(engine, 1),)
        learned = engine.search(TextQuery("insula", by=Evidence.WORDS, good=good, bad=bad)).query["learned"]
        assert "cavernoma" not in learned

    def test_nothing_is_learned_where_words_have_to_be_there(self, engine: Engine) -> None:
        query = engine.search(TextQuery('"left insula"', by=Evidence.WORDS, good=(uid(engine, 6),))).query
        assert not query.get("learned")

    def test_learned_words_alone_find_nothing(self) -> None:
        words = Words((("glioma",),), learned=(("edema",),))
        assert words.match("any").groups == (("glioma",), ("edema",))
        assert not words.match("any", ())


def said(*texts: str) -> SentenceVectors:
    return SentenceVectors(texts, np.eye(4, dtype=np.float32)[: len(texts)])


def test_the_words_that_most_of_what_fitted_shares_come_first() -> None:
    query = np.array([[1.0, 0.9, 0.8, 0.1]], np.float32)
    good = [
        said("Ring enhancing lesion with central necrosis."),
        said("Necrosis and vasogenic edema around it."),
        said("Enhancing tumour.", "Vasogenic edema, necrosis.", "Nothing else.", "Pneumothorax far from the question."),
    ]
    known = ["tumor", "tumour", "lesion"]
    found = shared_words(query, good, [said("Central enhancing thing.")], known)
    assert found == ["necrosis", "edema", "vasogenic"]
    assert shared_words(query, good[:1], [], known) == ["central", "enhancing", "necrosis", "ring"]
    assert shared_words(query, [], [], known) == []
