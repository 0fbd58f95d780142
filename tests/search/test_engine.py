"""All four ways to ask, on studies small enough to know by heart."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import ALL, And, Between, Contains, Is, Not, Or, parse_condition
from spinecho.db.schema.database import Database
from spinecho.encoders.dual import DualEncoder, ImageEncoder
from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.language.query_words import EmptyQuery
from spinecho.encoders.networks.slices import SliceEncoder
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.encoders.registry import open_encoder
from spinecho.encoders.space import Space, Vectors
from spinecho.errors import QueryError
from spinecho.indexer.pipeline import index_archive
from spinecho.search.answers.hits import Results, results_json
from spinecho.search.channels.computed import computed_in
from spinecho.search.engine import Engine
from spinecho.search.query import Evidence, ImageQuery, Kind, StudyQuery, TextQuery

SCANS = [
    Scan(
        1, "FINDINGS: Acute infarct in the left middle cerebral artery territory.\nIMPRESSION: Acute left MCA stroke."
    ),
    Scan(2, "FINDINGS: Acute infarct in the right middle cerebral artery territory.", sex="M", age="071Y"),
    Scan(3, "FINDINGS: No acute infarct. No haemorrhage. Normal ventricles.", frequency=3.1),
    Scan(
        4, "FINDINGS: Mass in the right frontal lobe with avid enhancement.", sequence="T1", description="t1_se_tra_gd"
    ),
    Scan(5, "FINDINGS: Mass in the right frontal lobe. There is no enhancement.", sequence="T1", description="t1_se"),
    Scan(6, "FINDINGS: Torn anterior cruciate ligament.", body_part="KNEE", description="pd_sag", date="20190301"),
    Scan(7, "FINDINGS: Haematoma in the left basal ganglia.", frequency=9.0, patient="P1"),
    Scan(8, "", body_part="PROSTATE", sex="M", frequency=14.0),
    Scan(9, "", description="ADC", image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"), frequency=3.0),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = write_scans(tmp_path_factory.mktemp("scans"), SCANS)
    made = Home(tmp_path_factory.mktemp("home"))
    assert made.index(folder).mendable == 0
    return made


@pytest.fixture(scope="module")
def engine(home: Home) -> Engine:
    return home.engine()


def numbers(results: Results) -> list[int]:
    return [int(hit.study.uid.rsplit(".", 1)[1]) for hit in results.hits if hit.study]


def ask(engine: Engine, words: str, **options: object) -> list[int]:
    return numbers(engine.search(TextQuery(words), **options))  # type: ignore[arg-type]


def test_words_find_the_report_that_says_so_in_other_words(engine: Engine) -> None:
    for words, study in (("cerebral ischaemia on the left side", 1), ("ACL rupture", 6)):
        said = engine.search(TextQuery(words, by=Evidence.WORDS))  # these scans are waves, and would only disturb
        assert numbers(said)[0] == study


def test_an_abbreviation_that_no_report_holds_reaches_the_encoder_spelled_out(engine: Engine) -> None:
    found = engine.search(TextQuery("ACL", by=Evidence.WORDS)).hits[0]
    assert found.study is not None
    assert found.study.uid.endswith(".6")
    assert (found.passages[0].similarity or 0.0) > 0.5


def test_a_denied_finding_is_no_finding(engine: Engine) -> None:
    found = ask(engine, "acute infarct")
    assert set(found[:2]) == {1, 2}
    best = engine.search(TextQuery("acute infarct")).hits[0].passages[0]
    assert best.passage.assertion == "present"
    assert not best.contradicts


@pytest.mark.parametrize(("words", "first", "second"), [("left MCA infarct", 1, 2), ("right MCA infarct", 2, 1)])
def test_the_side_decides(engine: Engine, words: str, first: int, second: int) -> None:
    found = ask(engine, words)
    assert found.index(first) < found.index(second)
    assert found[0] == first


def test_what_is_not_wanted_is_left_out(engine: Engine) -> None:
    assert ask(engine, "right frontal mass")[:2] in ([4, 5], [5, 4])
    found = ask(engine, "right frontal mass, no enhancement")
    assert found[0] == 5
    assert 4 not in found


def test_a_query_of_a_denial_alone_gives_all_that_do_not_affirm_it_and_those_that_deny_it_first(engine: Engine) -> None:
    assert ask(engine, "no haemorrhage") == [3, 1, 2, 4, 5, 8, 6]  # 7 has a haematoma; then the newest first
    assert ask(engine, "-haemorrhage") == [3, 1, 2, 4, 5, 8, 6]


def test_words_find_scans_without_reports_by_their_headers(engine: Engine) -> None:
    results = engine.search(TextQuery("MRI of the prostate"))
    assert numbers(results)[0] == 8
    assert results.hits[0].channels.keys() == {"header", "image", "regions", "words"}


def test_words_for_a_computed_image_bring_computed_images_and_say_so(engine: Engine) -> None:
    found = engine.search(TextQuery("ADC map of the brain"))
    assert numbers(found)[0] == 9
    assert found.query["computed"] == ["ADC"]
    assert any("you asked for ADC" in warning for warning in found.warnings)
    assert results_json(found)["query"]["computed"] == ["ADC"]
    plain = engine.search(TextQuery("MRI of the brain"))
    assert 9 not in numbers(plain)
    assert "computed" not in plain.query
    for where, expected in ((Is("derived", (False,)), False), (Is("sequence", ("ADC",)), True)):
        decided = engine.search(TextQuery("ADC map of the brain"), where=where)  # the filter decides
        assert (9 in numbers(decided)) is expected
        assert "computed" not in decided.query
    assert 9 not in numbers(engine.search(TextQuery("brain, no ADC map")))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("ADC map of the prostate", ("ADC",)), ("low eADC", ("ADC",)), ("FA map", ("FA",)), ("FA", ("FA",)),
        ("fa", ()), ("fractional anisotropy", ("FA",)), ("rCBF and rCBV", ("CBF", "CBV")), ("Tmax", ("Tmax",)),
        ("T1 map of the heart", ("T1 map",)), ("native T1 mapping", ("T1 map",)), ("T2*-map", ("T2* map",)),
        ("R2* maps", ("T2* map",)), ("mip tof", ("MIP",)), ("subtraction images", ("subtraction",)),
        ("subtracted", ("subtraction",)), ("ADC-Karte der Prostata", ("ADC",)), ("colour map", ("quantitative map",)),
        ("T1 weighted brain", ()), ("FAT suppressed", ()), ("shipping", ()), ("mapping the knee", ()), ("T1 flair", ()),
    ],
)  # fmt: skip
def test_which_computed_images_words_ask_for(words: str, names: tuple[str, ...]) -> None:
    assert computed_in(words) == names


def test_scans_that_look_alike_come_first(engine: Engine) -> None:
    results = engine.search(StudyQuery(SCANS[2].uid))
    assert 3 not in numbers(results)
    assert set(numbers(results)[:4]) == {1, 2, 4, 5}  # 3.0 stripes against 3.1
    assert [hit.score for hit in results.hits] == sorted((hit.score for hit in results.hits), reverse=True)


def test_studies_of_the_same_patient_can_be_left_out(engine: Engine) -> None:
    assert 7 in numbers(engine.search(StudyQuery(SCANS[0].uid)))
    assert 7 not in numbers(engine.search(StudyQuery(SCANS[0].uid, other_patients=True)))


def image_query(engine: Engine, number: int) -> ImageQuery:
    from spinecho.encoders.reading.files import read_path  # noqa: PLC0415
    from spinecho.encoders.reading.headers import VolumeRead  # noqa: PLC0415

    path = Path(engine.search(StudyQuery(SCANS[0].uid), k=20, where=ALL).hits[0].series[0].paths[0]).parent
    volumes = [item for item in read_path(path / f"{number}.dcm", max_volumes=4) if isinstance(item, VolumeRead)]
    return ImageQuery(tuple(engine.dual.image.preparation(item.volume) for item in volumes))


def test_a_scan_finds_itself_and_its_report(engine: Engine) -> None:
    query = image_query(engine, 7)
    results = engine.search(query, k=3)
    assert numbers(results)[0] == 7
    assert results.hits[0].score == pytest.approx(1.0, abs=2e-3)
    reports = engine.search(query, want=Kind.REPORT, k=3)
    assert reports.hits[0].report is not None
    assert "Haematoma" in reports.hits[0].report.text
    assert reports.hits[0].passages[0].passage.text == "Haematoma in the left basal ganglia."


def test_words_find_reports_with_and_without_a_study(engine: Engine) -> None:
    results = engine.search(TextQuery("arachnoid cyst"), want=Kind.REPORT, k=2)
    assert results.hits[0].study is None
    assert results.hits[0].report is not None
    assert results.hits[0].report.match == "unmatched"
    assert 6 in numbers(engine.search(TextQuery("knee ligament tear"), want=Kind.REPORT, k=1))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Is("sex", ("M",)), {2, 8}),
        (Is("body_region", ("knee",)), {6}),
        (Is("sequence", ("t1",)), {4, 5}),
        (Not(Is("body_region", ("brain",))), {6, 8}),
        (Between("age", 60, None), {2}),
        (Between("date", None, date(2020, 1, 1)), {6}),
        (Contains("description", "gd"), {4}),
        (And((Is("sex", ("F",)), Is("sequence", ("T1",)))), {4, 5}),
        (Or((Is("body_region", ("knee",)), Is("body_region", ("prostate",)))), {6, 8}),
        (Is("sequence", ("ADC",)), {9}),
        (Or((Is("derived", (True,)), Is("derived", (False,)))), set(range(1, 10))),
        (ALL, set(range(1, 9))),
        (Contains("description", "%"), set()),
    ],
    ids=str,
)
def test_filters_hold_in_every_mode(engine: Engine, where: object, expected: set[int]) -> None:
    for query in (TextQuery("brain scan"), image_query(engine, 3)):
        assert set(numbers(engine.search(query, k=50, where=where))) == expected  # type: ignore[arg-type]


def test_results_are_one_plain_object(engine: Engine) -> None:
    results = engine.search(TextQuery("acute infarct"), k=2)
    plain = results_json(results)
    assert set(plain) >= {"query", "encoder", "build", "hits"}
    hit = plain["hits"][0]
    assert set(hit) >= {"rank", "study_uid", "series", "score", "channels", "passages"}
    assert set(hit["series"][0]) >= {"series_uid", "paths", "sequence", "plane", "body_region"}
    assert set(hit["passages"][0]) >= {"text", "assertion", "report_id"}
    assert Path(hit["series"][0]["paths"][0]).is_file()
    assert plain["encoder"]["aligned"] is True


def test_asking_for_more_than_there_is_gives_what_there_is(engine: Engine) -> None:
    assert len(engine.search(TextQuery("scan"), k=5000).hits) == 8


@pytest.mark.parametrize(
    ("query", "options", "error", "message"),
    [
        (TextQuery("?! ..."), {}, EmptyQuery, "no word"),
        (TextQuery("scan"), {"k": 0}, QueryError, "at least 1"),
        (StudyQuery("1.2.3"), {}, QueryError, "no study '1.2.3'"),
        (TextQuery("scan"), {"where": Is("sequenc", ("T2",))}, FilterError, "did you mean 'sequence'"),
    ],
    ids=str,
)
def test_questions_that_cannot_be_answered_say_what_to_change(
    engine: Engine, query: TextQuery, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        engine.search(query, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["sequence", "age>=old", "date<=yesterday", "nothing=1", "sex=", "derived=perhaps"])
def test_conditions_that_cannot_be_read_say_how_to_write_them(text: str) -> None:
    with pytest.raises(FilterError):
        parse_condition(text)


def test_a_flipped_byte_in_the_index_is_noticed_and_costs_no_answer(home: Home, tmp_path: Path) -> None:
    from archives import copy_of  # noqa: PLC0415

    mine = copy_of(home, tmp_path / "home")
    expected = ask(mine.engine(), "acute infarct")
    for path in (mine.folder / "builds").rglob("index.faiss"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    results = mine.engine().search(TextQuery("acute infarct"))
    assert numbers(results) == expected
    assert any("changed on disk" in warning and "--rebuild" in warning for warning in results.warnings)
    assert any("built anew" in warning for warning in mine.index(rebuild=True).warnings)
    assert not mine.engine().search(TextQuery("acute infarct")).warnings


@pytest.mark.parametrize("damage", ["manifest", "index", "both", "pointer"])
def test_missing_parts_of_a_build_cost_no_answer(home: Home, tmp_path: Path, damage: str) -> None:
    from archives import copy_of  # noqa: PLC0415

    mine = copy_of(home, tmp_path / "home")
    names = {"manifest": ["manifest.json"], "index": ["index.faiss"], "both": ["manifest.json", "index.faiss"]}
    for name in names.get(damage, ["CURRENT"]):
        for path in (mine.folder / "builds").rglob(name):
            path.unlink()
    assert ask(mine.engine(), "acute infarct") == ask(home.engine(), "acute infarct")


def test_another_encoder_is_refused_with_the_name_of_the_right_one(home: Home) -> None:
    dual = open_encoder()

    class Other(SliceEncoder):
        @property
        def space(self) -> Space:  # type: ignore[override]
            return replace(dual.image.space, preprocessing="other")

    with pytest.raises(SpaceMismatch, match="'spinecho'"):
        Engine(Database.open(home.database), home.folder / "builds", DualEncoder("other", Other(), dual.text))


class _Aligned:
    """A text tower in the image tower's space: it knows what stripes look like by name."""

    def __init__(self, image: ImageEncoder, pictures: dict[str, Prepared]) -> None:
        self._image, self._pictures = image, pictures

    @property
    def space(self) -> Space:
        return self._image.space

    def encode(self, items: Sequence[str], /) -> Vectors:
        return self._image.encode_prepared([self._pictures[item] for item in items])


def test_an_aligned_encoder_finds_scans_by_words_without_any_report(home: Home, tmp_path: Path) -> None:
    plain = home.engine()
    stripes = image_query(plain, 8).prepared[0]
    image = plain.dual.image
    aligned = DualEncoder("aligned", image, plain.dual.text, _Aligned(image, {"many stripes": stripes}))
    engine = Engine(Database.open(home.database), home.folder / "builds", aligned)
    results = engine.search(TextQuery("many stripes"))
    assert results.encoder["aligned"] is True
    hit = results.hits[numbers(results).index(8)]
    assert hit.channels["image"] == pytest.approx(1.0, abs=2e-3)
    assert numbers(engine.search(TextQuery("many stripes", by=Evidence.SCANS)))[0] == 8


def test_nothing_indexed_says_so(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "new.sqlite")
    with pytest.raises(QueryError, match="spinecho index"):
        Engine(database, tmp_path, open_encoder())
    (tmp_path / "empty").mkdir()
    assert index_archive(database, tmp_path, [tmp_path / "empty"], open_encoder).counts.get("series", 0) == 0


def test_words_can_be_held_against_scans_alone_or_sentences_alone(engine: Engine) -> None:
    scans = engine.search(TextQuery("MRI of the prostate", by=Evidence.SCANS))
    assert scans.hits
    assert all(hit.channels.keys() <= {"image", "regions"} and not hit.passages for hit in scans.hits)
    words = engine.search(TextQuery("MRI of the prostate", by=Evidence.WORDS))
    assert all("image" not in hit.channels for hit in words.hits)


@pytest.mark.parametrize(("text", "want"), [("no haemorrhage", Kind.STUDY), ("glioma", Kind.REPORT)])
def test_what_scans_alone_cannot_answer_is_refused(engine: Engine, text: str, want: Kind) -> None:
    with pytest.raises(QueryError, match="search by words"):
        engine.search(TextQuery(text, by=Evidence.SCANS), want=want)
