"""What is stored is what the files say now, whatever happened to them before."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest
from changing import Clock, full_text_words, home, nifti, slices, stored, traces, uid

from spinecho.db.errors import PruneRefused, RootMissing
from spinecho.db.files import not_indexed
from spinecho.db.people.feedback import put_thumbs
from spinecho.db.schema.database import Database

FACTS = "SELECT uid, patient_id, accession_number, CAST(date AS VARCHAR), sex, age_years, description FROM studies"


def test_a_corrected_header_replaces_what_was_stored(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine, "a", PatientID="PWRONG", AccessionNumber="WRONG1", PatientSex="M", PatientAge="070Y")
    at.index(mine)
    right = {"PatientID": "PRIGHT", "AccessionNumber": "RIGHT2", "PatientSex": "F", "PatientAge": None}
    slices(mine, "a", **right, StudyDate="20240202", StudyDescription="MRI knee")
    at.index(mine)
    assert at.query(FACTS) == [(uid("a"), "PRIGHT", "RIGHT2", "2024-02-02", "F", None, "MRI knee")]
    assert any("MRI knee" in text for (text,) in at.query("SELECT text FROM passages"))
    fresh = home(tmp_path / "fresh")
    fresh.index(mine)
    assert stored(at) == stored(fresh)


def test_an_object_with_another_uid_at_the_same_path_replaces_it(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine, "a")
    at.index(mine)
    slices(mine, "b", seed=3)  # the same paths
    summary = at.index(mine)
    assert summary.reasons == {}
    assert [row[0] for row in at.query(FACTS)] == [uid("b")]
    assert at.query("SELECT count(*) FROM patients") == [(1,)]


def test_series_that_disagree_are_weighed_in_whatever_order_they_come(tmp_path: Path) -> None:
    folders = {
        "one": {"PatientID": "P1", "PatientSex": "F", "PatientAge": "040Y"},
        "two": {"PatientID": " p1 ", "PatientSex": None, "PatientAge": "041Y"},
        "three": {"PatientID": "P2", "PatientSex": "M", "PatientAge": "030Y"},
    }
    told = []
    for order in (["one", "two", "three"], ["three", "one", "two"]):
        at, mine = home(tmp_path / "-".join(order)), tmp_path / f"archive-{'-'.join(order)}"
        for name in order:
            slices(mine / name, "a", series=name, **folders[name])
            summary = at.index(mine)
        told.append(at.query("SELECT patient_id, sex, age_years, disagreeing FROM studies"))
        assert any("1 studies have series that disagree" in warning for warning in summary.warnings)
    assert told == [[("P1", "F", 40.0, "patient_id,sex,age_years")]] * 2


def test_a_sidecar_alone_changes_the_facts(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    scan = nifti(mine / "sub-01" / "anat" / "sub-01_run.nii.gz", MagneticFieldStrength=3, SeriesDescription="t1 mprage")
    sidecar = scan.with_name("sub-01_run.json")
    at.index(mine)
    facts = "SELECT v.field_strength_t, s.description FROM volumes v JOIN series s ON s.id = v.series_id"
    assert at.query(facts) == [(3.0, "t1 mprage")]
    sidecar.write_text(json.dumps({"MagneticFieldStrength": 1.5, "SeriesDescription": "t2 tse"}))
    at.index(mine)
    assert at.query(facts) == [(1.5, "t2 tse")]
    os.utime(sidecar, (1, 1))  # touched, and says the same
    assert at.index(mine).counts["series"] == 0
    sidecar.unlink()
    at.index(mine)
    assert at.query(facts) == [(None, "sub-01_run")]
    assert at.index(mine).counts["series"] == 0  # and not again and again


@pytest.mark.parametrize("kind", ["dicom", "nifti"])
def test_a_moved_folder_keeps_its_vectors(tmp_path: Path, kind: str) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    if kind == "dicom":
        slices(mine / "a", "a", n=3)
    else:
        nifti(mine / "a" / "sub-01" / "anat" / "sub-01_T1w.nii.gz", EchoTime=0.01)
        nifti(mine / "a" / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz", seed=2)
    (mine / "a" / "report.txt").write_text("Accession: A-a\nFINDINGS: A cavernoma.\n")
    at.index(mine)
    vectors = at.query("SELECT id, data FROM vectors ORDER BY id")
    study = at.query("SELECT min(uid) FROM studies")[0][0]
    database = Database.open(at.database)
    put_thumbs(database, user="ada", query_key="x", query={"words": "x"}, verdicts={study: 1})
    database.close()
    (mine / "a").rename(mine / "renamed")
    summary = at.index(mine)
    assert (summary.counts["series"], summary.counts["reports"], summary.reasons.get("CONFLICT")) == (0, 0, None)
    assert summary.counts["missing"] == 0
    assert at.query("SELECT id, data FROM vectors ORDER BY id") == vectors
    fresh = home(tmp_path / "fresh")
    fresh.index(mine)
    assert stored(at) == stored(fresh)
    assert at.query("SELECT count(*) FROM feedback f JOIN studies t ON t.uid = f.study_uid") == [(1,)]
    moved = tmp_path / "elsewhere"
    mine.rename(moved)
    summary = at.index(moved)
    assert (summary.counts["series"], summary.counts["files"], summary.counts["missing"]) == (
        0, fresh.query("SELECT count(*) FROM files")[0][0], 0,
    )  # fmt: skip
    assert not [path for (path,) in at.query("SELECT path FROM folders") if path.startswith(f"{mine}/")]


def test_a_moved_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine / "a", "a")
    at.index(mine)
    shutil.rmtree(mine / "a")
    slices(mine / "b", "a", seed=9)
    summary = at.index(mine)
    assert (summary.reasons, summary.counts["series"], summary.counts["missing"]) == ({}, 1, 0)
    fresh = home(tmp_path / "fresh")
    fresh.index(mine)
    assert stored(at) == stored(fresh)


def test_of_two_that_claim_one_uid_the_other_is_in_once_the_first_is_gone(tmp_path: Path) -> None:
    """As the remedy says: decide which one is right, take the other away, run it again."""
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine / "a", "a")
    slices(mine / "b", "a", PatientID="CORRECTED")
    assert at.index(mine).reasons == {"CONFLICT": 2}
    database = Database.open(at.database)
    said = not_indexed.failures(database)
    database.close()
    assert all(str(mine / "b") in one.path and str(mine / "a") in one.message for one in said)
    (mine / "a").rename(tmp_path / "put aside")
    assert at.index(mine).reasons == {}
    assert at.query("SELECT patient_id FROM studies") == [("CORRECTED",)]


def test_a_copy_turns_into_a_conflict_when_its_original_changes(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    first, *_ = slices(mine / "a", "a", n=1)
    (mine / "b").mkdir()
    shutil.copy(first, mine / "b" / "copy.dcm")
    assert at.index(mine).reasons == {"DUPLICATE": 1}
    slices(mine / "a", "a", n=1, PatientID="OTHER")
    assert at.index(mine).reasons == {"CONFLICT": 1}
    slices(mine / "a", "a", n=1)
    assert at.index(mine).reasons == {"DUPLICATE": 1}


def test_two_roots_with_the_same_names_are_two_sets_of_studies(tmp_path: Path) -> None:
    for number, site in enumerate(("siteA", "siteB")):
        for subject in ("sub-01", "sub-02"):
            nifti(
                tmp_path / "in" / site / subject / "anat" / f"{subject}_T1w.nii.gz", seed=10 * number + int(subject[-1])
            )
    together, apart = home(tmp_path / "together"), home(tmp_path / "apart")
    sites = [tmp_path / "in" / site for site in ("siteA", "siteB")]
    assert together.index(*sites).reasons == {}
    apart.index(sites[0])
    assert apart.index(sites[1]).reasons == {}
    assert together.query("SELECT count(*) FROM studies") == apart.query("SELECT count(*) FROM studies") == [(4,)]
    assert stored(together) == stored(apart)
    before = stored(together)
    for options in ({}, {"again": True}):  # the parent later: no second copy
        assert together.index(tmp_path / "in", **options).reasons == {}
        assert stored(together) == before


def test_pruning_asks_before_it_empties_an_index(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    for number in range(4):
        slices(mine / str(number), f"a{number}")
    at.index(mine)
    before = stored(at)
    mine.rename(tmp_path / "away")
    with pytest.raises(RootMissing, match="is it mounted"):
        at.index(mine)
    mine.mkdir()
    with pytest.raises(PruneRefused, match="knows 8 below it: is it mounted"):
        at.index(mine, prune=True)
    assert stored(at) == before
    assert at.query("SELECT count(*) FROM runs WHERE finished_at IS NULL") == [(0,)]
    mine.rmdir()
    (tmp_path / "away").rename(mine)
    (mine / "1").rename(tmp_path / "one")
    slices(mine / "new", "new")[0].unlink()
    with pytest.raises(PruneRefused, match="2 of the 9 files known"):
        at.index(mine, prune=True)
    assert at.query("SELECT count(*) FROM studies") == [(5,)]  # all that is there is indexed, nothing is forgotten
    assert at.query("SELECT count(*) FROM files WHERE state = 'pending'") == [(0,)]
    assert at.index(mine, prune=True, yes=True).counts["pruned"] == 2
    assert at.query("SELECT count(*) FROM studies") == [(4,)]
    (mine / "0" / "1.dcm").unlink()
    assert at.index(mine, prune=True).counts["pruned"] == 1  # one of seven: nobody is asked


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_keeps_what_is_below_it(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine / "closed" / "deep", "a")
    slices(mine / "open", "b")
    at.index(mine)
    before = stored(at)["volumes"]
    (mine / "closed").chmod(0)
    try:
        assert at.index(mine, prune=True, yes=True).counts["pruned"] == 0
    finally:
        (mine / "closed").chmod(0o755)
    assert stored(at)["volumes"] == before


def test_what_is_below_a_folder_that_is_not_listed_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the tests run as root."""
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine / "closed" / "deep", "a")
    slices(mine / "open", "b")
    at.index(mine)
    before = stored(at)["volumes"]
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed" and access(path, mode))
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: _refused(path) if Path(path).name == "closed" else scandir(path))
    assert at.index(mine, prune=True, yes=True).counts["pruned"] == 0
    assert stored(at)["volumes"] == before


def _refused(path: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_series_of_which_a_file_was_torn_stays_when_its_folder_is_gone(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    torn = slices(mine / "a", "a", n=3)[0]
    slices(mine / "b", "b")
    torn.write_bytes(torn.read_bytes()[:-100])
    at.index(mine)
    before = stored(at)["volumes"]
    (mine / "a").rename(tmp_path / "elsewhere")
    for _ in range(2):
        summary = at.index(mine)
        assert (summary.counts["missing"], summary.counts["series"], summary.reasons) == (2, 0, {})
        assert stored(at)["volumes"] == before
    (tmp_path / "elsewhere").rename(mine / "a")
    assert at.index(mine).reasons == {"TRUNCATED": 1}
    assert stored(at)["volumes"] == before
    shutil.rmtree(mine / "a")
    assert at.index(mine, prune=True, yes=True).counts["pruned"] == 2
    assert at.query("SELECT count(*) FROM studies") == [(1,)]


def test_verify_finds_a_file_that_changed_with_its_size_and_time(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    first, *_ = slices(mine, "a")
    at.index(mine)
    before, stat = stored(at)["volumes"], first.stat()
    content = bytearray(first.read_bytes())
    content[-300:] = bytes(300)
    first.write_bytes(content)
    os.utime(first, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert at.index(mine).counts["series"] == 0
    summary = at.index(mine, verify=True)
    assert (summary.counts["changed_unseen"], summary.counts["series"]) == (1, 1)
    assert stored(at)["volumes"] != before
    assert at.index(mine, verify=True).counts["changed_unseen"] == 0


def test_nothing_is_left_of_what_was_replaced_or_removed(tmp_path: Path) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    slices(mine / "a", "a", PatientID="OLDPATIENT77", AccessionNumber="OLDACC77", StudyDescription="Oldquux brain")
    slices(mine / "b", "b", PatientID="STAYS", StudyDescription="Oldflarp brain", SeriesDescription="oldseries77")
    report = mine / "report.txt"
    report.write_text("Accession: A-b\nFINDINGS: Zebrafishoma in the left insula of Jabberwocky.\n")
    kept = mine / "kept.txt"
    kept.write_text("Accession: A-b\nFINDINGS: Nothing of note.\n")
    at.index(mine)
    words = ("OLDPATIENT77", "OLDACC77", "Oldquux", "Oldflarp", "oldseries77", "Zebrafishoma", "Jabberwocky")
    assert {line.split(": ")[1] for line in traces(at, *words)} == set(words)
    old = {row[0] for row in at.query("SELECT data FROM vectors")}
    slices(mine / "a", "a", PatientID="NEW", AccessionNumber="NEWACC", StudyDescription="MRI")
    shutil.rmtree(mine / "b")
    report.unlink()
    at.index(mine, prune=True, yes=True)
    assert traces(at, *words) == []
    assert not {"oldquux", "oldflarp", "zebrafishoma", "jabberwocki"} & full_text_words(at)
    gone = old - {row[0] for row in at.query("SELECT data FROM vectors")}
    assert gone
    for path in (at.folder / "builds").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(vector in content for vector in gone), path


def test_a_stopped_run_leaves_the_erasing_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, at = tmp_path / "archive", home(tmp_path / "home")
    report = mine / "report.txt"
    slices(mine / "a", "a")
    report.write_text("Accession: A-a\nFINDINGS: Zebrafishoma.\n")
    at.index(mine)
    report.write_text("Accession: A-a\nFINDINGS: Nothing.\n")
    with monkeypatch.context() as patch:
        patch.setattr(
            "spinecho.indexer.pipeline.refresh_builds", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            at.index(mine)
    at.index(mine)
    assert traces(at, "Zebrafishoma") == []


STEPS = (
    "header",
    "pixels",
    "move",
    "rename",
    "remove",
    "add",
    "copy",
    "sidecar",
    "nifti",
    "move nifti",
    "swap",
    "report",
)


@pytest.mark.parametrize("seed", [0, 1, 2, "postgresql"])
def test_after_any_changes_a_home_says_what_a_fresh_one_says(
    tmp_path: Path, seed: int | str, request: pytest.FixtureRequest
) -> None:
    dice, clock = random.Random(seed), Clock()
    server = request.getfixturevalue("postgresql").new() if seed == "postgresql" else ""
    mine, at = tmp_path / "archive", home(tmp_path / "home", server)
    for study in "abc":
        slices(mine / study / "s1", study)
        slices(mine / study / "s2", study, series="s2", PatientSex=dice.choice(["F", "M"]))
    nifti(mine / "sub-01" / "anat" / "sub-01_T1w.nii.gz", EchoTime=0.01)
    nifti(mine / "sub-01" / "anat" / "sub-01_T2w.nii.gz", seed=1)
    (mine / "r.txt").write_text("Accession: A-a\nFINDINGS: First.\n")
    clock.tick(mine)
    at.index(mine)
    for _ in range(3):
        for _ in range(dice.randint(1, 3)):
            change(mine, dice)
        clock.tick(mine)
        at.index(mine, prune=True, yes=True)
    fresh = home(tmp_path / "fresh")
    fresh.index(mine)
    assert stored(at) == stored(fresh)
    assert at.index(mine).counts["series"] == 0


def change(mine: Path, dice: random.Random) -> None:
    """One thing that people do to archives."""
    dicom, scans = sorted(mine.rglob("*.dcm")), sorted(mine.rglob("*.nii.gz"))
    folders = sorted({path.parent for path in dicom})
    name = f"n{dice.randrange(10**6)}"
    match dice.choice(STEPS):
        case "header":
            folder, study, series = dice.choice(folders), dice.choice("abc"), dice.choice(["s1", "s2"])
            if not any(
                uid(study, series) in path.read_bytes().decode("latin-1") for path in dicom if path.parent != folder
            ):
                shutil.rmtree(folder)
                slices(folder, study, series=series, PatientID=name, PatientAge=dice.choice(["030Y", "050Y", None]))
        case "pixels":
            path = dice.choice(dicom)
            content = bytearray(path.read_bytes())
            content[-40:] = bytes(dice.randrange(8) for _ in range(20) for _ in range(2))
            twins = [one for one in dicom if one.read_bytes() == path.read_bytes()]
            for twin in twins:
                twin.write_bytes(content)
        case "move":
            folder = dice.choice(folders)
            (mine / name).mkdir()
            folder.rename(mine / name / "moved")
        case "remove" if len(dicom) > 4:
            dice.choice(dicom).unlink()
        case "add":
            slices(mine / name, name, n=dice.randint(1, 2))
        case "copy":
            path = dice.choice(dicom)
            shutil.copy(path, path.with_name(f"z{name}.dcm"))
        case "sidecar":
            scan = dice.choice(scans)
            told = {"EchoTime": dice.choice([0.01, 0.1]), "SeriesDescription": dice.choice(["t1", "flair", name])}
            scan.with_name(scan.name.split(".")[0] + ".json").write_text(json.dumps(told))
        case "nifti":
            nifti(dice.choice(scans), seed=dice.randrange(100))
        case "move nifti":
            scan = dice.choice(scans)
            (mine / name).mkdir()
            for path in sorted(scan.parent.glob(scan.name.split(".")[0] + ".*")):
                path.rename(mine / name / path.name)
        case "swap" if len(dicom) > 1:
            one, other = dice.sample(dicom, 2)
            one.rename(mine / "between")
            other.rename(one)
            (mine / "between").rename(other)
        case "report":
            (mine / dice.choice(["r.txt", "q.txt"])).write_text(f"Accession: A-a\nFINDINGS: {name}.\n")
