"""What the command line can do, from Python: volumes, evidence, cohorts by name, thumbs, builds, the record, upkeep."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pages import Indexed, acts
from parts_encoder import brain, write_nifti

import spinecho
import spinecho.answering.connection
from spinecho.db.errors import StoreError
from spinecho.db.people.cohorts import CohortError
from spinecho.maintaining.upkeep import copies
from spinecho.search.access.persons import Refused

FLAIR = 'name = "flair"\n[[include]]\nfilter = "sequence=FLAIR"\n'


def uid_of(archive: spinecho.Archive) -> str:
    study = archive.search("brain", k=1)[0].study
    assert study is not None
    return study.uid


def test_every_volume_of_a_series_and_one_by_its_number(tmp_path: Path) -> None:
    voxels = np.stack([brain(number) for number in range(3)], axis=3)
    write_nifti(tmp_path / "archive" / "sub-1" / "sub-1_dwi.nii.gz", voxels)
    with spinecho.open(tmp_path / "home", create=True, device="cpu") as archive:
        archive.index(tmp_path / "archive")
        hit = archive.search(where="age>=0 or not age>=0", k=1, include_derived=True)[0]
        assert hit.study is not None
        (series,) = archive.study(hit.study.uid).series
        found = list(series.volumes())
        assert len(found) == series.volume_count == 3
        assert not np.array_equal(found[0].voxels, found[1].voxels)
        for number, one in enumerate(found):
            assert np.array_equal(series.volume(number).voxels, one.voxels)
        assert np.array_equal(series.volume().voxels, found[0].voxels)
        for wrong in (3, -1):
            with pytest.raises(spinecho.QueryError, match=f"volume {wrong} of a series that has 3"):
                series.volume(wrong)


def test_a_study_is_what_a_hit_says_of_it_and_more(archive: spinecho.Archive) -> None:
    summary = archive.search("brain", k=1)[0].study
    assert summary is not None
    study = archive.study(summary.uid)
    assert isinstance(study, spinecho.StudySummary)
    for name in ("uid", "accession_number", "date", "description", "sex", "age_years"):
        assert getattr(study, name) == getattr(summary, name)


def test_networks_are_loaded_once_and_only_for_what_needs_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = spinecho.answering.connection.open_engine
    monkeypatch.setattr(
        "spinecho.answering.connection.open_engine", lambda *one, **more: opened.append("") or real(*one, **more)
    )
    with spinecho.open(home, device="cpu") as archive:
        archive.facets("sex", where="sequence=FLAIR")
        assert archive.cohorts() == ()
        assert archive.verdicts("brain") == {}
        assert archive.builds.list()
        assert not opened
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda words: len(archive.search(words, k=2)), ["brain", "mass", "lesion", "T2"]))
    assert all(found)
    assert len(opened) == 1


def test_the_slices_that_speak_for_words(archive: spinecho.Archive) -> None:
    found = archive.why(uid_of(archive), "lesion", slices=2, pictures=True)
    assert found
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True)
    for one in found:
        assert one.plane in {"axial", "coronal", "sagittal"}
        assert one.stands_out == (one.score >= one.floor) == bool(one.slices) == bool(one.picture)
        assert len(one.slices) <= 2
        assert [score for _, score in one.slices] == sorted((score for _, score in one.slices), reverse=True)
    drawn = [one.picture for one in found if one.picture]
    assert drawn
    assert all(picture.startswith(b"\x89PNG") for picture in drawn)
    assert archive.why(uid_of(archive), "lesion", slices=1)[0].picture is None
    with pytest.raises(spinecho.QueryError, match=r"1\.2\.3"):
        archive.why("1.2.3", "lesion")


def test_how_series_were_acquired_and_by_which_rule(archive: spinecho.Archive) -> None:
    uid = uid_of(archive)
    found = archive.acquired(uid)
    study = archive.study(uid)
    assert [one.uid for one in found] == [one.uid for one in study.series]
    for one, series in zip(found, study.series, strict=True):
        assert (one.facts["sequence"], one.facts["plane"]) == (series.sequence, series.plane)
        assert one.why["plane"] == {"rule": "slice orientation", "confidence": 0.99}
        assert "why" not in one.facts
    with pytest.raises(spinecho.QueryError, match=r"1\.2\.3"):
        archive.acquired("1.2.3")


@pytest.mark.parametrize("where", ["", "sequence=FLAIR", "derived=yes or derived=no", "sequence=localizer"])
def test_no_more_are_shown_than_there_are(archive: spinecho.Archive, where: str) -> None:
    found = archive.facets("sequence", "sex", "derived", where=where)
    assert list(found) == ["sequence", "sex", "derived"]
    assert all(one.shown <= one.total for some in found.values() for one in some)
    assert isinstance(found.studies, int)


def test_how_far_a_run_is_never_exceeds_what_is_known(home: Path, indexed: Indexed) -> None:
    told: list[tuple[str, int, int]] = []
    with spinecho.open(home, device="cpu") as archive:
        archive.index(indexed.files, again=True, on_progress=lambda *one: told.append(one))
    known = {stage for stage, _, most in told if most}
    assert {"scan", "self-test"} <= known
    for stage in known:
        mine = [(done, most) for at, done, most in told if at == stage and most]
        assert all(done <= most for done, most in mine), stage
        assert mine == sorted(mine), stage


def test_a_cohort_by_its_name(home: Path, tmp_path: Path) -> None:
    (tmp_path / "flair.toml").write_text(FLAIR)
    with spinecho.open(home, device="cpu") as archive:
        with pytest.raises(spinecho.QueryError, match="name="):
            archive.cohort()
        kept = archive.cohort(tmp_path / "flair.toml").freeze()
        cohort = archive.cohort(name="flair")
        with pytest.raises(CohortError, match="rules"):
            cohort.count()
        assert cohort.version() == cohort.version(1)
        assert cohort.version().members == kept.members
        again = cohort.rerun(freeze=True)
        assert (again.version, again.changes.any) == (1, False)
        assert again.frozen is not None
        assert again.frozen.version == 2
        assert [(one.name, one.version, one.members) for one in archive.cohorts()] == [
            ("flair", 1, ()),
            ("flair", 2, ()),
        ]
        written = cohort.write(tmp_path / "out", version=1, formats=["csv"])
        assert written.studies == kept.studies
        assert (tmp_path / "out" / "studies.csv").is_file()
        head, *rows = cohort.codes(1)
        assert head[-1] == "study_uid"
        assert {row[-1] for row in rows} == {one.study_uid for one in kept.members}
        shown: list[str] = []
        assert cohort.delete(2, confirm=lambda one: bool(shown.append(one.name))).versions == 0
        assert shown == ["flair"]
        assert len(cohort.versions()) == 2
        gone = cohort.delete()
        assert (gone.versions, gone.latest.version) == (2, 2)
        assert gone.latest.definition
        assert archive.cohorts() == ()


def test_a_rule_may_be_like_a_scan_of_this_machine(home: Path, indexed: Indexed, tmp_path: Path) -> None:
    folders = sorted(path for path in (indexed.files / "dicom").rglob("*") if path.is_dir() and any(path.glob("*.dcm")))
    (tmp_path / "like.toml").write_text(f'name = "like"\n[[include]]\nlike = "{folders[0]}"\nat_least = 0.99\n')
    with spinecho.open(home, device="cpu") as archive:
        assert archive.cohort(tmp_path / "like.toml").count().studies == 1


def test_few_people_are_hidden_in_every_count(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "5")
    (tmp_path / "flair.toml").write_text(FLAIR)
    with spinecho.open(home, device="cpu") as archive:
        cohort = archive.cohort(tmp_path / "flair.toml")
        counted, kept = cohort.count(), cohort.freeze()
        listed = (*archive.cohorts(), *cohort.versions(), cohort.version())
        for one in (counted, kept, *listed):
            assert (one.studies, one.patients) == ("<5", "<5"), one
        assert {size for step in counted.steps for size in step[1:]} == {"<5"}
        assert {row[size] for one in listed for row in one.attrition for size in ("studies", "patients")} == {"<5"}
        assert archive.facets("sex").studies == "<5"


def test_thumbs_become_judgements(home: Path) -> None:
    with spinecho.open(home, device="cpu") as archive:
        uid = uid_of(archive)
        with pytest.raises(spinecho.QueryError, match=r"no study '1\.2\.3'"):
            archive.rate("brain", {"1.2.3": 1, uid: 1})
        assert archive.thumbs() == ()
        archive.rate("brain", {uid: 1})
        (thumb,) = archive.thumbs()
        assert (thumb.words, thumb.study_uid, thumb.verdict) == ("brain", uid, 1)
        for everybody in (True, False):
            assert archive.judgements(everybody=everybody) == (spinecho.Judgement("brain", uid, 1),)
        assert archive.forget_thumbs("brain") == 1
        assert archive.verdicts("brain") == {}


def test_builds_are_listed_and_made(home: Path) -> None:
    with spinecho.open(home, device="cpu") as archive:
        before = archive.builds.list()
        assert {one.space for one in before} == {"image", "text"}
        (made,) = archive.builds.make(space="text")
        assert made.serves
        assert [one.build for one in archive.builds.list() if one.space == "text" and one.serves] == [made.build]
        with pytest.raises(spinecho.QueryError, match="none of"):
            archive.builds.make(space="sound")
        with pytest.raises(spinecho.QueryError, match="none of"):
            archive.builds.make(kind="annoy")
        with pytest.raises(StoreError, match="flat fp16"):
            archive.builds.tune(space="image", kinds=["annoy"])


def test_the_record_is_read_and_held_against_an_earlier_head(home: Path) -> None:
    with spinecho.open(home, device="cpu") as archive:
        archive.search("brain", k=1)
        found = archive.record.check()
        assert not found.broken
        assert not archive.record.check(since=(found.rows, found.head)).broken
        assert archive.record.check(since=(found.rows, "0" * 64)).broken
        assert "search" in {one.action for one in archive.record.entries()}
        assert {one.user for one in archive.record.walk()} == {archive.user}


def test_what_looks_after_a_home(home: Path, tmp_path: Path) -> None:
    done = spinecho.upgrade(home)
    assert (done.before, done.copy, done.warning) == (done.after, None, "")
    assert copies(home) == ()
    with spinecho.open(home, device="cpu") as archive:
        assert archive.check() == ()
        assert "why" in archive.self_test()
    spinecho.write_demo(tmp_path / "demo", studies=1)
    assert list((tmp_path / "demo" / "dicom").rglob("*.dcm"))
    with spinecho.open(tmp_path / "empty", create=True) as empty, pytest.raises(StoreError, match="nothing is indexed"):
        empty.self_test()


def test_a_training_stage_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(spinecho.QueryError, match="pretrain, align, head"):
        spinecho.train("tune", tmp_path / "x.toml")


@pytest.mark.parametrize("name", ["~nobody-of-this-name", "~", "~root"])
def test_a_folder_that_begins_as_a_home_does(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nifti(tmp_path / name / "sub-1" / "sub-1_T1w.nii.gz", brain(0))
    monkeypatch.chdir(tmp_path)
    with spinecho.open(tmp_path / "home", create=True, device="cpu") as archive:
        assert archive.index(name).counts["volumes"] == 1
        with pytest.raises(StoreError, match="~none-of-this-name"):
            archive.index("~none-of-this-name")


def test_who_may_not_index_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "secrets.toml").touch(mode=0o600)
    (home / "secrets.toml").write_text('[auth]\nclient_id = "spinecho"\n')
    monkeypatch.setattr("spinecho.access.people._account", lambda: "svc")
    with spinecho.open(home, create=True, device="cpu") as archive, pytest.raises(Refused, match="manager"):
        archive.index(tmp_path)
    assert not (home / "spinecho.sqlite").exists()
    assert [act.action for act in acts(home)] == ["refused"]
