"""`teach` from examples to predicted facts and back, over an archive without pixels: what is stored is all it reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from archives import copy_of_home
from sqlalchemy import text as sql
from taught_home import ENCODER, STUDIES, has_it, make_home, parts, serve, store
from typer.testing import CliRunner

import spinecho
from spinecho.answering.connection import before_person
from spinecho.archive import Archive
from spinecho.db.errors import FilterError
from spinecho.db.files import runs
from spinecho.db.people.concepts import ConceptError, concepts, lacking_studies
from spinecho.db.schema.database import Database
from spinecho.db.store.predictions import add_predictions
from spinecho.db.values import PredictedFact
from spinecho.encoders.registry import ENCODERS
from spinecho.search.access.persons import Person, Refused, Role
from spinecho.search.concepts.applying import look_after
from spinecho.ui.cli.app import app

NAME = "pituitary tumour"
WITH = {f"1.2.{n}" for n in range(STUDIES) if has_it(n)}
RULE = "says:present(pituitary tumour)"
SOME = [f"1.2.{n}" for n in range(0, 32, 4)]
OTHERS = [f"1.2.{n}" for n in range(2, 32, 4)]
HALF = {"studies": STUDIES // 2, "patients": STUDIES // 4}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("taught") / "home")


@pytest.fixture
def archive(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setitem(ENCODERS, ENCODER, parts)
    copy_of_home(home, tmp_path / "home")
    with spinecho.open(tmp_path / "home", encoder=ENCODER, device="cpu") as opened:
        yield opened


def uids(archive: Archive, where: str) -> set[str]:
    return {hit.study.uid for hit in archive.search(where=where, k=500)}


def test_a_rule_teaches_what_it_says_and_predicts_it_of_every_study(archive: Archive) -> None:
    done = archive.teach(NAME, sources=[RULE])
    assert done.learnable
    assert done.concept is not None
    assert (done.concept.version, done.concept.state, done.concept.stale) == (1, "serves", False)
    card = done.card
    assert card["positives"] == card["negatives"] == HALF
    assert card["auroc"]["low"] > 0.5 == card["auroc"]["chance"]
    assert card["sources"] == [RULE]
    assert set(done.concept.predicted) <= {"yes", "no", "unknown"}
    assert sum(done.concept.predicted.values()) == STUDIES  # type: ignore[arg-type]
    assert "1.2." not in json.dumps(done.to_json()["card"]), "a card names no study"
    found = uids(archive, f"predicted.{NAME}=yes")
    assert len(found & WITH) > 0.9 * len(found) > 20
    sure = uids(archive, f"predicted.{NAME}=yes and predicted.score>=0.9")
    assert sure < found


def test_what_is_predicted_is_found_the_same_by_every_door(archive: Archive, tmp_path: Path) -> None:
    archive.teach(NAME, sources=[RULE])
    where = f"predicted.{NAME}=yes"
    expected = uids(archive, where)
    assert uids(archive, f"not predicted.{NAME}=no,unknown and predicted.{NAME}=yes and sequence=FLAIR") == expected
    (tmp_path / "c.toml").write_text(f'name = "c"\n[[include]]\nfilter = "{where}"\n')
    frozen = archive.cohort(tmp_path / "c.toml").freeze()
    assert {one.study_uid for one in frozen.members} == expected
    facet = {one.value: one for one in archive.facets(f"predicted.{NAME}")[f"predicted.{NAME}"]}
    assert facet["yes"].shown == facet["yes"].total == len(expected)
    men = {one.value: one.shown for one in archive.facets(f"predicted.{NAME}", where="sex=M")[f"predicted.{NAME}"]}
    assert men["yes"] == len(uids(archive, f"{where} and sex=M"))
    own = archive.facets(f"predicted.{NAME}", where=where)[f"predicted.{NAME}"]
    assert {one.value: one.shown for one in own} == {value: one.shown for value, one in facet.items()}
    hit = archive.search(where=where, k=1)[0]
    shown = [fact for series in hit.series for fact in series.predicted if fact.task == NAME]
    assert shown
    assert shown[0].value == "yes"
    with pytest.raises(FilterError, match="did you mean"):
        archive.search(where="predicted.pituitary tumor=yes")
    with pytest.raises(FilterError, match="did you mean"):
        archive.facets("predicted.pituitary tumor")


def test_labels_drawn_at_random_are_not_learnable_and_leave_nothing(archive: Archive) -> None:
    mixed = {"positives": [f"1.2.{n}" for n in range(32)], "negatives": [f"1.2.{n}" for n in range(32, STUDIES)]}
    done = archive.teach("nothing at all", **mixed)
    assert not done.learnable
    assert done.concept is None
    assert done.why.startswith("not learnable from this")
    assert archive.concepts.list() == ()
    with pytest.raises(FilterError):
        archive.search(where="predicted.nothing at all=yes")
    draft = archive.teach("nothing at all", draft=True, **mixed)
    assert draft.concept is not None
    assert draft.concept.state == "draft"
    with pytest.raises(FilterError):
        archive.search(where="predicted.nothing at all=yes")


def test_a_cohort_needs_something_against_it(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('name = "with"\n[[include]]\nfilter = "says:present(pituitary tumour)"\n')
    archive.cohort(tmp_path / "c.toml").freeze()
    with pytest.raises(ConceptError, match="--against"):
        archive.teach(NAME, sources=["cohort:with"])
    rest = archive.teach(NAME, sources=["cohort:with"], against="rest")
    defined = archive.teach(NAME, sources=[f"cohort:{tmp_path / 'c.toml'}"], against="filter:says:absent(tumour)")
    assert rest.card["against"] == "rest"
    assert rest.card["negatives"] == defined.card["negatives"] == HALF


def test_a_table_by_study_exam_or_participant_teaches_the_same(archive: Archive, tmp_path: Path) -> None:
    keys = {"study_uid": "1.2.{n}", "Accession Number": "a {n}", "participant_id": "sub-P{half}"}
    cards = []
    for column, form in keys.items():
        rows = [f"{column}\tlabel"]
        rows += [form.format(n=n, half=n // 2) + f"\t{'glioma' if has_it(n) else 'none of it'}" for n in range(32)]
        (tmp_path / "labels.tsv").write_text("\n".join([*rows, f"{form.format(n=9999, half=9999)}\tglioma", ""]))
        done = archive.teach("glioma", sources=[f"table:{tmp_path / 'labels.tsv'}"], positive="Glioma")
        assert done.card["left_out"] == {"keys that no study has": 1}
        cards.append(done.card["positives"] | done.card["negatives"] | {"auroc": done.card["auroc"]["value"]})
    assert cards[0] == cards[1] == cards[2]
    with pytest.raises(ConceptError, match="--positive"):
        archive.teach("glioma", sources=[f"table:{tmp_path / 'labels.tsv'}"], label="label")


def test_thumbs_teach_and_are_believed_before_a_rule(archive: Archive) -> None:
    archive.rate(NAME, dict.fromkeys(SOME, 1) | dict.fromkeys(OTHERS, -1))
    assert archive.teach(NAME, sources=[f"thumbs:{NAME}"]).card["positives"]["studies"] == len(SOME)
    archive.rate(NAME, {"1.2.2": 1})
    again = archive.teach(NAME, sources=[RULE, f"thumbs:{NAME.upper()}"])
    assert again.card["positives"]["studies"] == len(WITH) + 1
    assert again.card["negatives"]["studies"] == STUDIES - len(WITH) - 1


def test_versions_are_undone_one_by_one_with_what_they_predicted(archive: Archive) -> None:
    archive.teach(NAME, positives=SOME, negatives=OTHERS)
    first = uids(archive, f"predicted.{NAME}=yes")
    archive.teach(NAME, positives=OTHERS, negatives=SOME)
    second = uids(archive, f"predicted.{NAME}=yes")
    assert not first & second
    assert [(one.version, one.state) for one in archive.concepts.list()] == [(1, "replaced"), (2, "serves")]
    assert archive.concepts.undo(NAME).to_json() == {"concept": NAME, "undone": 2, "serves": 1}
    assert uids(archive, f"predicted.{NAME}=yes") == first
    assert archive.concepts.undo(NAME).serves == 0
    with pytest.raises(FilterError):
        archive.search(where=f"predicted.{NAME}=yes")
    with pytest.raises(ConceptError, match="nothing to undo"):
        archive.concepts.undo(NAME)


def test_new_studies_get_predictions_and_another_encoder_makes_a_head_stale(archive: Archive, tmp_path: Path) -> None:
    archive.teach(NAME, sources=[RULE])
    with closing(Database.open(tmp_path / "home" / "spinecho.sqlite")) as database:
        run = runs.start_run(database, ["/data"])
        store(database, run, serve(database), range(STUDIES, STUDIES + 8))
        (concept,) = concepts(database)
        assert len(lacking_studies(database, concept)) == 8
        assert look_after(database) == ()
        assert lacking_studies(database, concept) == []
        said = dict(concept.card)
        serve(database, revision="2")
        assert "another encoder" in look_after(database)[0]
    shown = archive.concepts.show(NAME)
    assert shown.stale
    assert said["learnable"]
    assert sum(shown.predicted.values()) == STUDIES + 8  # type: ignore[arg-type]


def test_suggestions_are_uncertain_diverse_and_not_judged_yet(archive: Archive) -> None:
    with pytest.raises(ConceptError, match=r"never|no version"):
        archive.concepts.next_to_judge(NAME)
    archive.teach(NAME, positives=SOME, negatives=OTHERS)
    first = archive.concepts.next_to_judge(NAME, k=6)
    assert len({one.study_uid for one in first}) == 6
    assert abs(first[0].probability - 0.5) < 0.25
    archive.rate(NAME, {first[0].study_uid: 1})
    assert first[0].study_uid not in {one.study_uid for one in archive.concepts.next_to_judge(NAME, k=100)}
    again = archive.teach(NAME, sources=[RULE], again=True)
    assert again.card["sources"] == [f"thumbs:{NAME}", RULE]


def test_what_can_be_no_condition_is_no_name(archive: Archive) -> None:
    for name in ("list", "score", "", "a=b", 'x"y', "a" * 90, "x or\ny)"):
        with pytest.raises(ConceptError, match=r"name|word"):
            archive.teach(name, positives=SOME, negatives=OTHERS)


def test_what_is_no_place_of_examples_says_so(archive: Archive) -> None:
    for wrong in ("cohort", "nonsense:x", "says:absent(tumour)", "table:nowhere.csv", "cohort:none"):
        with pytest.raises(spinecho.SpinechoError):
            archive.teach(NAME, sources=[wrong])
    assert archive.concepts.list() == ()


def test_too_few_examples_are_told_from_none_that_can_be_learned(archive: Archive) -> None:
    with pytest.raises(ConceptError, match="it takes 5"):
        archive.teach(NAME, positives=SOME[:4], negatives=OTHERS)


def test_the_command_line_teaches_shows_applies_and_undoes(archive: Archive, tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home"), "--json"]

    def run(*words: str, status: int = 0) -> dict[str, object]:
        result = CliRunner().invoke(app, ["teach", *words, *home])
        assert result.exit_code == status, result.output
        return dict(json.loads(result.stdout))

    assert run(NAME, "--from", RULE)["learnable"] is True
    assert run("show", NAME)["condition"] == f"predicted.{NAME}=yes"
    assert run("apply")["studies"] == {NAME: STUDIES}
    assert len(run("next", NAME, "-k", "3")["next"]) == 3  # type: ignore[arg-type]
    assert run("concept", NAME, "--again")["learnable"] is True
    assert [one["state"] for one in run("list")["concepts"]] == ["replaced", "serves"]  # type: ignore[attr-defined]
    assert run("undo", NAME) == {"concept": NAME, "undone": 2, "serves": 1}
    run(NAME, status=2)
    table = CliRunner().invoke(app, ["teach", "list", *home[:2]])
    assert NAME in table.output
    shown = CliRunner().invoke(app, ["teach", "show", NAME, *home[:2]])
    assert "nested cross-validation" in shown.output


def test_viewers_see_and_judge_and_do_not_teach(archive: Archive) -> None:
    archive.teach(NAME, positives=SOME, negatives=OTHERS)
    viewer = before_person(archive, Person("eve", Role.VIEWER))
    assert [one.name for one in viewer.concepts.list()] == [NAME]
    assert viewer.concepts.next_to_judge(NAME, k=2)
    for act in (
        lambda: viewer.teach(NAME, positives=SOME, negatives=OTHERS),
        lambda: viewer.concepts.undo(NAME),
        viewer.concepts.apply,
    ):
        with pytest.raises(Refused, match="researcher"):
            act()
    assert [one.state for one in archive.concepts.list()] == ["serves"]


def test_acts_name_no_concept(archive: Archive, tmp_path: Path) -> None:
    archive.teach(NAME, sources=[RULE])
    entries = archive.record.entries(most=50)
    assert "teach" in {one.action for one in entries}
    assert "pituitary" not in repr(entries)


def test_a_head_of_the_encoder_keeps_its_name(archive: Archive, tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "home" / "spinecho.sqlite")) as database, database.begin() as session:
        volume = session.scalar(sql("SELECT min(id) FROM volumes"))
        add_predictions(session, int(volume), [PredictedFact("sequence", "FLAIR", 0.9, None, {}, "head", "1")])
    with pytest.raises(ConceptError, match="another name"):
        archive.teach("Sequence", positives=SOME, negatives=OTHERS)


def labelled(tmp_path: Path, column: str, form: str, *, yes: str = "1.0", no: str = "0.0", more: str = "") -> list[str]:
    rows = [f"{form.format(n=n, half=n // 2)},{yes if has_it(n) else no}" for n in range(32)]
    (tmp_path / "t.csv").write_text(f"\ufeff{column},label\r\n" + "\r\n".join(rows) + f"\r\n{more}")
    return [f"table:{tmp_path / 't.csv'}"]


@pytest.mark.parametrize("form", ["P{half}", "p{half}", "sub-P{half}", "SUB-p{half}", " P{half} "])
def test_a_participant_is_found_however_a_table_writes_it(archive: Archive, tmp_path: Path, form: str) -> None:
    card = archive.teach(NAME, sources=labelled(tmp_path, "participant_id", form)).card
    assert card["positives"]["studies"] + card["negatives"]["studies"] == 32
    assert card["left_out"] == {}


@pytest.mark.parametrize("positive", [None, "1", "1.0"])
@pytest.mark.parametrize(
    "nothing", ["", "NA", "n/a", "?", "-", ".", "missing", "Not reported", "not_available", "NULL", "#N/A", "<NA>"]
)
def test_a_label_that_says_nothing_is_no_example_and_is_counted(
    archive: Archive, tmp_path: Path, nothing: str, positive: str | None
) -> None:
    more = f"1.2.40,{nothing}\r\n1.2.41,{nothing}\r\n"
    card = archive.teach(NAME, sources=labelled(tmp_path, "study_uid", "1.2.{n}", more=more), positive=positive).card
    assert card["positives"]["studies"] + card["negatives"]["studies"] == 32
    assert card["left_out"] == {"rows without a label": 2}


def test_a_minus_is_a_label_beside_a_plus(archive: Archive, tmp_path: Path) -> None:
    card = archive.teach(NAME, sources=labelled(tmp_path, "study_uid", "1.2.{n}", yes="+", no="-")).card
    assert card["positives"]["studies"] + card["negatives"]["studies"] == 32


def test_a_row_names_its_study_by_the_first_key_that_it_holds(archive: Archive, tmp_path: Path) -> None:
    keys = ["1.2.{n},,", ",a {n},P9999", "n/a,,sub-P{half}", ",,"]
    rows = [keys[n % 4].format(n=n, half=n // 2) + (",yes" if n < 16 else ",no") for n in range(32)]
    (tmp_path / "t.csv").write_text("study_uid,accession_number,participant_id,label\n" + "\n".join(rows))
    with pytest.raises(ConceptError, match="8 keys that no study has"):
        archive.teach(NAME, sources=[f"table:{tmp_path / 't.csv'}"], positive="nobody says so")
    card = archive.teach(NAME, sources=[f"table:{tmp_path / 't.csv'}"]).card
    assert card["positives"]["studies"] + card["negatives"]["studies"] == 32, "24 rows, 8 of them of both of a patient"
    assert card["left_out"] == {"keys that no study has": 8}


def test_judgements_that_contradict_one_another_are_on_no_side(archive: Archive) -> None:
    archive.rate("one way", dict.fromkeys(SOME, 1) | dict.fromkeys(OTHERS, -1))
    archive.rate("the other way", {SOME[0]: -1, OTHERS[0]: 1})
    card = archive.teach(NAME, sources=["thumbs:one way", "thumbs:the other way"]).card
    assert (card["positives"]["studies"], card["negatives"]["studies"]) == (len(SOME) - 1, len(OTHERS) - 1)
    assert card["left_out"] == {"counted both with it and without it": 2}


def test_a_concept_that_never_answers_says_so(archive: Archive) -> None:
    few = archive.teach(NAME, positives=SOME[:6], negatives=OTHERS[:6])
    assert few.card["answers"]["yes_from"] is few.card["answers"]["no_from"] is None
    assert "never sure enough to say yes or no" in few.why
    assert uids(archive, f"predicted.{NAME}=yes") == set()
    many = archive.teach(NAME, sources=[RULE])
    assert many.card["answers"]["yes_from"] is not None
    assert "never" not in many.why


def test_taught_again_is_taught_as_what_predicts_now_with_tables_read_as_they_were(
    archive: Archive, tmp_path: Path
) -> None:
    rows = [f"1.2.{n},{'glioma' if has_it(n) else 'other'}" for n in range(32)]
    (tmp_path / "t.csv").write_text("study_uid,kind\n" + "\n".join(rows))
    table = f"table:{tmp_path / 't.csv'}"
    archive.teach(NAME, sources=[table], label="kind", positive="glioma")
    assert archive.teach(NAME, again=True).card["positives"]["studies"] == 16, "with the table's own column and label"
    archive.teach(NAME, sources=["filter:sex=F"], against="filter:sex=M", draft=True)
    archive.teach(NAME, sources=[RULE])
    archive.concepts.undo(NAME)
    again = archive.teach(NAME, again=True)
    assert again.card["sources"] == [table], "what was undone is not taught again"


def test_what_is_not_taught_from_again_is_counted(archive: Archive) -> None:
    archive.teach(NAME, sources=[RULE], positives=SOME[:3])
    assert archive.teach(NAME, again=True).card["left_out"] == {
        "given by UID before: no card names a study, so give them again": 3
    }
    eve = before_person(archive, Person("eve", Role.RESEARCHER))
    archive.rate(NAME, dict.fromkeys(SOME, 1) | dict.fromkeys(OTHERS, -1))
    eve.rate(NAME, dict.fromkeys(SOME[:6], 1) | dict.fromkeys(OTHERS[:6], -1))
    card = eve.teach(NAME, sources=[f"thumbs:{NAME}"]).card
    assert card["positives"]["studies"] == 6
    assert card["left_out"] == {"judged by other people alone: thumbs count for whoever gave them": 4}


def test_no_count_of_a_few_patients_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two studies of each patient: nine studies are five patients, whom the rule of cohorts hides below ten."""
    monkeypatch.setitem(ENCODERS, ENCODER, parts)
    copy_of_home(home, tmp_path / "masked")
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "10")
    with spinecho.open(tmp_path / "masked", encoder=ENCODER, device="cpu") as archive:
        done = archive.teach(NAME, positives=sorted(WITH)[:15], negatives=OTHERS)
        assert done.card["positives"] == {"studies": "<10", "patients": "<10"}, "fifteen studies of eight patients"
        assert done.concept is not None
        facet = {one.value: one.shown for one in archive.facets(f"predicted.{NAME}")[f"predicted.{NAME}"]}
        for value, count in done.concept.predicted.items():
            shown = facet["" if value == "unknown" else value]
            assert str(count) == str(shown), "the card and the facet hide the same"
        for number in ("15", "23", "16 "):
            assert number not in done.text.replace("0.15", "").replace("0.23", ""), done.text
        with pytest.raises(ConceptError, match="<10 patients with it and <10 without") as refused:
            archive.teach(NAME, positives=sorted(WITH)[:4], negatives=OTHERS, sources=[])
        assert "2 patients" not in str(refused.value)


def test_a_question_that_names_a_concept_ranks_what_is_predicted_below_what_reports_affirm(
    archive: Archive, tmp_path: Path
) -> None:
    silent = range(STUDIES, STUDIES + 16)
    with closing(Database.open(tmp_path / "home" / "spinecho.sqlite")) as database:
        run = runs.start_run(database, ["/data"])
        store(database, run, serve(database), silent, said=False)
    before = archive.search("pituitary tumour", k=200)
    archive.teach(NAME, sources=[RULE])
    found = archive.search("pituitary tumour", k=200)
    affirmed = [hit.rank for hit in found if hit.study.uid in WITH]
    raised = {hit.study.uid: hit for hit in found if "predicted" in hit.channels}
    denied = [hit.rank for hit in found if hit.study.uid not in WITH and hit.study.uid not in raised]
    assert raised
    assert raised.keys() <= {f"1.2.{n}" for n in silent}, "where a report speaks of it the report decides"
    assert raised.keys() == uids(archive, f"predicted.{NAME}=yes") - {f"1.2.{n}" for n in range(STUDIES)}
    assert max(affirmed) < min(hit.rank for hit in raised.values()) <= max(hit.rank for hit in raised.values())
    assert max(hit.rank for hit in raised.values()) < min(denied)
    assert not any(hit.fits for hit in raised.values())
    assert any("is predicted of them" in warning for warning in found.warnings)
    assert [hit.study.uid for hit in before if hit.fits] == [hit.study.uid for hit in found if hit.fits]
    for k in (1, 3, 40):
        assert [hit.study.uid for hit in archive.search("pituitary tumour", k=k)] == [hit.study.uid for hit in found][
            :k
        ]
    inside = archive.search("pituitary tumour", where="sex=M", k=200)
    assert {hit.study.uid for hit in inside if "predicted" in hit.channels} == raised.keys() & uids(archive, "sex=M")
    for other in ("left pituitary tumour", "no pituitary tumour", "pituitary tumour of 12 mm", "meningioma", "tumour"):
        assert not any("predicted" in hit.channels for hit in archive.search(other, k=200)), other
    assert not any("predicted" in hit.channels for hit in archive.search("pituitary tumour", k=200, by="words"))
    archive.concepts.undo(NAME)
    assert not any("predicted" in hit.channels for hit in archive.search("pituitary tumour", k=200))
