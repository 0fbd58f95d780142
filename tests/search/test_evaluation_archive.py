"""The evaluation of an indexed home, and the files of questions that it takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from archives import Home

from spinecho.db.filters.algebra import ALL, Is, visible
from spinecho.db.queries.learning import evaluating
from spinecho.db.queries.learning.stated_findings import stated_findings
from spinecho.db.schema.database import Database
from spinecho.db.store import storing as store
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.measuring.findings import by_finding
from spinecho.encoders.registry import open_encoder
from spinecho.encoders.space import Space, Vectors
from spinecho.search.evaluation import EmptyPool, EvaluationError, Measured, of_scans
from spinecho.search.evaluation.evaluate_archive import Evaluator
from spinecho.search.evaluation.judgements import JudgedQuery, JudgementError, Pair, read_judgements, read_pairs
from spinecho.search.evaluation.public.evaluate_public import said
from spinecho.search.evaluation.report_retrieval import encoded, report_queries
from spinecho.search.evaluation.values import Evaluation, Options


@pytest.fixture(scope="module")
def dual() -> DualEncoder:
    return open_encoder()


@pytest.fixture(scope="module")
def evaluator(indexed: Home, dual: DualEncoder) -> Evaluator:
    return evaluator_of(indexed, dual)


def evaluator_of(home: Home, dual: DualEncoder, **options: object) -> Evaluator:
    made = Options(resamples=50, **options)  # type: ignore[arg-type]
    return Evaluator(Database.open(home.database), home.folder / "builds", dual, made)


def measured(found: Evaluation, name: str) -> Measured:
    one = next(one for one in found.asked if one.name == name)
    assert one.measured is not None, one.why
    return one.measured


def test_an_archive_is_asked_what_it_can_answer(evaluator: Evaluator) -> None:
    told: list[str] = []
    found = evaluator.archive(told.append)
    assert told == [one.name for one in found.asked]
    names = set(told)
    assert {"label: body region", "label: sequence", "label: plane", "filters: image", "filters: text"} <= names
    assert {"report to study, by sentences", "report to study, by headers"} <= names
    assert any("by scans" in name for name in names)  # the encoder is aligned
    assert not any("not aligned" in warning for warning in found.warnings)
    assert measured(found, "report to study, by sentences").figures["Recall@1"].queries == 5
    assert measured(found, "filters: text").figures["recall@10 of 50.0%"].value == 1.0
    assert found.archive["studies"] == 5
    value = json.loads(json.dumps(found.to_json()))
    for result in value["results"]:
        assert result["figures"] or result["why"]
        for figure in result["figures"].values():
            assert {"value", "chance", "ci95", "pool", "queries"} <= set(figure)


def test_the_same_home_gives_the_same_figures(indexed: Home, dual: DualEncoder, evaluator: Evaluator) -> None:
    assert evaluator_of(indexed, dual).archive() == evaluator.archive()


def test_few_queries_search_everything(indexed: Home, dual: DualEncoder) -> None:
    found = evaluator_of(indexed, dual, queries=2).archive()
    figure = measured(found, "report to study, by sentences").figures["Recall@1"]
    assert figure.queries == 2
    assert figure.pool == 5


def test_an_impression_is_never_searched(indexed: Home, dual: DualEncoder) -> None:
    database = Database.open(indexed.database)
    space = store.serving(database, "text")
    assert space is not None
    uids = [row[0] for row in indexed.query("SELECT uid FROM studies")]
    sentences, rows = evaluating.report_sentences(database, space, uids)
    assert len(sentences) == len(rows) > 20
    reports = report_queries(sentences)
    assert len(reports) == 5
    for report in reports:
        assert report.has_impression
        assert {sentences[row].section for row in report.rows} == {"impression"}
        assert {sentences[row].study_uid for row in report.rows} == {report.study_uid}
    headers, _ = evaluating.header_sentences(database, space, uids, visible(ALL))
    assert {header.section for header in headers} == {"header"}


def test_a_report_says_the_same_in_an_archive_and_in_a_public_data_set(indexed: Home) -> None:
    rows = indexed.query("SELECT s.uid, r.text FROM reports r JOIN studies s ON s.id = r.study_id ORDER BY 1")
    stored = stated_findings(Database.open(indexed.database), [uid for uid, _ in rows])
    assert len(stored) == 5
    assert any(one.affirmed for one in stored.values())
    for uid, text in rows:
        assert said(text)[0] == stored[uid]
    told, words = said("FINDINGS: No infarct. There is a meningioma. Possible cyst. INDICATION: abscess?")
    assert {"meningioma"} <= told.affirmed
    assert not {"infarct", "cyst", "abscess"} & told.affirmed
    assert "cyst" in told.left_open
    assert words == "There is a meningioma."


def test_findings_of_stored_clauses_are_asked_for_by_name(
    indexed: Home, dual: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_scans, "LEAST", 1)
    database = Database.open(indexed.database)
    image = store.serving(database, "image")
    assert image is not None
    assert dual.aligned_text is not None
    volumes, rows = evaluating.volume_facts(database, image, visible(ALL))
    stored = stated_findings(database, [volume.study_uid for volume in volumes])
    pools = of_scans.finding_pools(volumes, rows.astype(float), partial(encoded, dual.aligned_text), stored)
    regions = {volume.body_region for volume in volumes}
    assert pools
    for pool in pools:
        assert pool.name.rpartition(", ")[2] in regions
        assert 1 <= pool.has.sum() < len(pool.has) <= 5
    assert by_finding(pools, resamples=20).figures["Recall@R"].queries == len(pools)
    assert {volume.scanner for volume in volumes} != {""}


class Oracle:
    """A text tower in the image tower's space that gives each report the vector of a scan of its study, and any other
    text that of the first."""

    def __init__(self, space: Space, known: dict[str, np.ndarray]) -> None:
        self.space, self._known = space, known

    def encode(self, items: Sequence[str], /) -> Vectors:
        first = next(iter(self._known.values()))
        return np.array([self._known.get(text, first) for text in items], dtype=np.float32)


def test_an_aligned_encoder_is_asked_by_scans_in_both_directions(indexed: Home, dual: DualEncoder) -> None:
    database = Database.open(indexed.database)
    image, text = store.serving(database, "image"), store.serving(database, "text")
    assert image is not None
    assert text is not None
    volumes, rows = evaluating.volume_facts(database, image, visible(ALL))
    first = {volume.study_uid: row for volume, row in reversed(list(zip(volumes, rows, strict=True)))}
    sentences, _ = evaluating.report_sentences(database, text, list(first))
    known = {report.text: first[report.study_uid] for report in report_queries(sentences)}
    aligned = DualEncoder("oracle", dual.image, dual.text, Oracle(dual.image.space, known))
    found = evaluator_of(indexed, aligned).archive()
    there = measured(found, "report to study, by scans").figures["Recall@1"]
    assert (there.value, there.queries, there.pool) == (1.0, 5, 5)
    back = measured(found, "scan to report").figures["Recall@1"]
    assert back.queries == len(volumes)
    assert back.value > back.chance
    hard = measured(found, "report to study, by scans, same region and sequence").figures["Recall@1"]
    assert hard.pool <= 5
    assert measured(found, "scan to report, same region and sequence").figures["MRR"].value > 0


def test_judged_queries(indexed: Home, dual: DualEncoder, evaluator: Evaluator) -> None:
    rows = indexed.query(
        "SELECT s.uid, p.text FROM passages p JOIN reports r ON r.id = p.report_id JOIN studies s ON s.id = r.study_id"
        " WHERE p.section = 'impression' ORDER BY p.id"
    )
    uid, sentence = rows[0]
    queries = [
        JudgedQuery(sentence, {uid: 2, "1.2.3": 1}, set="plain", topic="t"),
        JudgedQuery(f"{sentence} please", {uid: 1}, set="plain", topic="t"),
        JudgedQuery("nothing answers this", {"1.2.4": 1}, set="other"),
    ]
    found = evaluator.judgements(queries)
    result = measured(found, "text to study")
    assert result.figures["nDCG@10"].value > 0.4
    assert result.figures["nDCG@10"].queries == 2
    assert result.figures["nDCG@10"].pool == 5
    assert result.figures["agreement@10"].queries == 1
    assert set(result.parts) == {"plain"}
    assert result.left_out == {"nothing answers": 1}
    assert result.resampled == "patients"
    assert found.unknown_studies == ("1.2.3", "1.2.4")
    assert any("2 of 3 studies named are not in the index" in warning for warning in found.warnings)
    masked = evaluator_of(indexed, dual, smallest=5).judgements(queries)
    assert any("<5 of <5 studies named are not in the index" in warning for warning in masked.warnings)
    with pytest.raises(EmptyPool, match="UIDs"):
        evaluator.judgements(queries[2:])


def test_pairs_of_ones_own(indexed: Home, evaluator: Evaluator) -> None:
    reports = indexed.query("SELECT s.uid, r.text FROM reports r JOIN studies s ON s.id = r.study_id ORDER BY 1")
    pairs = [Pair(text, uid) for uid, text in reports[:2]]
    pairs += [Pair(text.replace("IMPRESSION", "CONCLUSION") + " As discussed.", uid) for uid, text in reports[2:]]
    found = evaluator.pairs([*pairs, Pair("a text", "9.9")])
    by_reports = measured(found, "text to study, by reports").figures["Recall@1"]
    assert by_reports.queries == 3  # two are indexed word for word
    assert by_reports.value == 1.0
    assert measured(found, "text to study, by headers").figures["Recall@1"].queries == 5
    assert found.unknown_studies == ("9.9",)
    with pytest.raises(EmptyPool):
        evaluator.pairs([Pair("a text", "9.9")])


def test_what_cannot_be_evaluated_is_named(indexed: Home, dual: DualEncoder, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="loosen"):
        evaluator_of(indexed, dual, where=Is("sequence", ("no such",)))
    empty = Database.open(tmp_path / "empty.sqlite")
    with pytest.raises(EvaluationError, match="spinecho index"):
        Evaluator(empty, tmp_path, dual, Options())
    other = DualEncoder("other", _Elsewhere(dual), dual.text)  # type: ignore[arg-type]
    with pytest.raises(SpaceMismatch, match="--encoder"):
        evaluator_of(indexed, other)


class _Elsewhere:
    def __init__(self, dual: DualEncoder) -> None:
        self.preparation, self.space = dual.image.preparation, Space("other", "r", "p", 3)


def test_judgements_are_read_from_csv_and_jsonl(tmp_path: Path) -> None:
    table = tmp_path / "q.csv"
    table.write_text(
        "\ufeffQuery;study_uid;grade;set;topic;negates\r\n"
        '"infarct; acute";1.2;2;plain;a;\r\n'
        '"infarct; acute";1.3;;;;\r\n'
        "\r\n"
        'no infarct;1.4;0.5;negation;;"infarct; acute"\r\n',
        encoding="utf-8",
    )
    lines = tmp_path / "q.jsonl"
    lines.write_text(
        '{"query": "infarct; acute", "study_uid": "1.2", "grade": 2, "set": "plain", "topic": "a"}\n'
        '{"query": "infarct; acute", "study_uid": "1.3"}\n\n'
        '{"query": "no infarct", "study_uid": "1.4", "grade": 0.5, "set": "negation", "negates": "infarct; acute"}\n',
        encoding="utf-8",
    )
    found = read_judgements(table)
    assert found == read_judgements(lines)
    assert found[0] == JudgedQuery("infarct; acute", {"1.2": 2, "1.3": 1}, set="plain", topic="a")
    assert found[1].negates == "infarct; acute"
    pairs = tmp_path / "p.csv"
    pairs.write_text('text,study_uid\n"A mass,\nleft.",1.2\n', encoding="utf-8")
    assert read_pairs(pairs) == (Pair("A mass,\nleft.", "1.2"),)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.csv", b"", "must have query and study_uid"),
        ("q.csv", b"query,study_uid\n", "holds no row"),
        ("q.csv", b"text,uid\na,b\n", "must have query and study_uid"),
        ("q.csv", b"query,study_uid\n,1.2\n", "line 2: query is empty"),
        ("q.csv", b"query,study_uid,grade\na,1.2,good\n", "line 2: the grade 'good'"),
        ("q.csv", b"query,study_uid,grade\na,1.2,-1\n", "from 0 up"),
        ("q.csv", b"query,study_uid,grade\na,1.2,nan\n", "from 0 up"),
        ("q.csv", b"query,study_uid,grade\na,1.2,1\na,1.2,2\n", "line 3: 1.2 has grade 1"),
        ("q.csv", b"query,study_uid,topic\na,1.2,x\na,1.3,y\n", "topic of 'a' is 'x' already"),
        ("q.csv", b"query,study_uid,negates\nno a,1.2,a\n", "is no query of this file"),
        ("q.csv", b"query,study_uid\na,b,1.2\n", "quote texts with commas"),
        ("q.csv", b'query,study_uid\n"a,1.2\n', "quotation marks"),
        ("q.csv", b"query,study_uid\n?!,1.2\n", "line 2: .*holds no word"),
        ("q.csv", b"query,study_uid\n\xff,1.2\n", "not UTF-8"),
        ("q.jsonl", b"{\n", "line 1 is no JSON"),
        ("q.jsonl", b"[" * 100_000, "line 1 is no JSON"),
        ("q.jsonl", b"[1]\n", 'write {"query": '),
        ("q.jsonl", b'{"query": "a"}\n', "study_uid is empty"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_what_to_do(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(JudgementError, match=said):
        read_judgements(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JudgementError, match="check the path"):
        read_pairs(tmp_path / "none.csv")
