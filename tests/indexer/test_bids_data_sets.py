"""Data sets laid out as the public bids-examples are: inheritance, tables of subjects, entities, derivatives."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from archives import Home
from hypothesis import given
from hypothesis import strategies as st
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import ALL, parse_filter, visible, write_filter
from spinecho.db.queries.selection import Selection
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.files import read_path, scan_file
from spinecho.encoders.reading.headers import Header, VolumeRead
from spinecho.encoders.reading.nifti.bids import parts_of_name
from spinecho.encoders.reading.nifti.series import nifti_study_facts
from spinecho.encoders.reading.nifti.subject_tables import Subject, age_of, subject_of
from spinecho.search.query import TextQuery

_SCANS = (
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-01/func/sub-01_task-rest_acq-fullbrain_run-1_bold.nii.gz",  # 7t_trt
    "sub-02/ses-1/anat/sub-02_ses-1_acq-highres_ce-gadolinium_T1w.nii.gz",
    "sub-02/ses-1/fmap/sub-02_ses-1_dir-AP_epi.nii.gz",
    "sub-03/anat/sub-03_part-mag_echo-1_MEGRE.nii.gz",  # qmri_megre
    "derivatives/pipe/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bids") / "ds"
    for number, name in enumerate(_SCANS):
        write_nifti(root / name, brain(number))
    _write(root / "dataset_description.json", {"Name": "x", "BIDSVersion": "1.9.0", "DatasetType": "raw"})
    _write(root / "T1w.json", {"MagneticFieldStrength": 7, "RepetitionTime": 2.3, "EchoTime": 0.003})
    _write(root / "task-rest_acq-fullbrain_bold.json", {"RepetitionTime": 3.0})
    _write(root / "task-other_bold.json", {"RepetitionTime": 9.0})
    _write(root / "sub-02/ses-1/sub-02_ses-1_T1w.json", {"EchoTime": 0.005})
    _write(root / "sub-02/ses-1/anat/sub-02_ses-1_acq-highres_ce-gadolinium_T1w.json", {"RepetitionTime": 1.9})
    table = "participant_id\tage\tsex\tgroup\tbirth_date\thandedness\nsub-01\t34\tF\tpatient\t1990-01-01\tn/a\n"
    _write(root / "participants.tsv", table + "sub-02\t89+\tmale\tcontrol\t\tright\n")
    _write(root / "sub-02/sub-02_sessions.tsv", "session_id\tage\tupdrs\nses-1\t61.5\t12\n")
    return root


def _header(root: Path, number: int) -> Header:
    return scan_file(root / _SCANS[number], root=root)


def test_sidecars_are_inherited_and_the_nearer_outweighs(data_set: Path) -> None:
    first, bold, highres = (_header(data_set, n).detail["sidecar"] for n in (0, 1, 2))
    assert first == {"MagneticFieldStrength": 7.0, "RepetitionTime": 2.3, "EchoTime": 0.003}
    assert bold == {"RepetitionTime": 3.0}
    assert highres == {"MagneticFieldStrength": 7.0, "RepetitionTime": 1.9, "EchoTime": 0.005}
    assert "sidecar" not in _header(data_set, 3).detail


def test_tables_give_sex_age_and_labels_and_no_identifier(data_set: Path) -> None:
    one, two = _header(data_set, 0), _header(data_set, 2)
    facts = nifti_study_facts(one)
    assert (facts.sex, facts.age_years, facts.patient_id) == ("F", 34.0, "01")
    assert one.detail["subject"]["labels"] == {"group": "patient"}
    assert nifti_study_facts(two).age_years == 61.5
    assert nifti_study_facts(two).sex == "M"
    assert two.detail["subject"]["labels"] == {"group": "control", "handedness": "right", "updrs": "12"}
    assert "1990" not in one.to_json()


def test_entities_suffixes_and_derivatives(data_set: Path) -> None:
    found = {Path(item.paths[0]).name: item for item in read_path(data_set) if isinstance(item, VolumeRead)}
    highres = found["sub-02_ses-1_acq-highres_ce-gadolinium_T1w.nii.gz"]
    assert highres.notes["entities"] == {"acq": "highres", "ce": "gadolinium"}
    assert highres.acquisition.contrast
    assert found["sub-03_part-mag_echo-1_MEGRE.nii.gz"].notes["entities"] == {"part": "mag", "echo": "1"}
    assert found["sub-03_part-mag_echo-1_MEGRE.nii.gz"].acquisition.sequence == "T2*"
    assert found["sub-01_task-rest_acq-fullbrain_run-1_bold.nii.gz"].acquisition.sequence == "BOLD"
    derived = {name for name, item in found.items() if item.acquisition.derived}
    assert derived == {"sub-01_desc-preproc_T1w.nii.gz"}


@pytest.mark.parametrize("name", ["pet/sub-01_trc-FDG_pet.nii.gz", "ct/sub-01_ct.nii.gz", "mrs/sub-01_svs.nii.gz"])
def test_what_is_no_mr_image_is_refused(tmp_path: Path, name: str) -> None:
    write_nifti(tmp_path / "sub-01" / name, brain(1))
    with pytest.raises(ReadError) as error:
        scan_file(tmp_path / "sub-01" / name, root=tmp_path)
    assert error.value.reason is Reason.NOT_MR


def test_a_change_above_is_read_and_the_same_holds_in_a_zip(data_set: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with zipfile.ZipFile(root / "ds.zip", "w") as archive:
        for path in sorted(data_set.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(data_set.parent))
    plain, zipped = Home(tmp_path / "a", parts_dual), Home(tmp_path / "b", parts_dual)
    told = plain.index(data_set)
    assert not {*told.reasons} - {"UNSUPPORTED_TYPE"}
    zipped.index(root)
    facts = "SELECT sex, age_years FROM studies ORDER BY 1, 2"
    assert plain.query(facts) == zipped.query(facts)
    assert ("F", 34.0) in plain.query(facts)
    before = (data_set / "participants.tsv").read_text()
    try:
        (data_set / "participants.tsv").write_text(before.replace("\t34\t", "\t43\t"))
        plain.index(data_set)
    finally:
        (data_set / "participants.tsv").write_text(before)
    assert ("F", 43.0) in plain.query(facts)
    assert plain.index(data_set).counts["series"] > 0
    assert ("F", 34.0) in plain.query(facts)


TABLE = (
    ("participant_id", "age", "sex", "Diagnosis Group", "MMSE", "Last Name", "date_of_birth", "scan date", "site"),
    ("sub-01", "34", "1", "1", "24,5", "Doe", "1990-01-01", "2020-01-02", "Köln"),
    ("sub-02", "n/a", "2", "2", "30", "Roe", "n/a", "n/a", "N/A"),
)
SUBJECT = Subject("M", 34.0, {"diagnosis_group": "patient", "mmse": "24,5", "site": "Köln"},
                  {"diagnosis_group": 1.0, "mmse": 24.5})  # fmt: skip
LEVELS = {"sex": {"Levels": {"1": "male", "2": "female"}},
          "Diagnosis Group": {"Levels": {"1": {"Description": "patient"}, "2": "control"}}}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("quote", ["{}", '"{}"', " {} "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_table_however_it_is_written_says_the_same(
    tmp_path: Path, encoding: str, quote: str, end: str, order: int
) -> None:
    rows = [list(row)[::order] for row in TABLE]
    lines = ["\t".join(quote.format(value) for value in row) for row in rows]
    (tmp_path / "participants.tsv").write_bytes((end.join(lines) + end).encode(encoding))
    _write(tmp_path / "participants.json", LEVELS)
    assert subject_of(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz") == SUBJECT
    other = subject_of(tmp_path / "sub-02/anat/sub-02_T1w.nii.gz")
    assert (other.sex, other.age_years, other.labels) == ("F", None, {"diagnosis_group": "control", "mmse": "30"})


@pytest.mark.parametrize(
    "column",
    ["name", "first_name", "Nachname", "patient name", "birth_date", "DOB", "Geburtsdatum", "address", "MRN", "Pat ID",
     "patient_id", "Initials", "e-mail", "phone number", "zip", "hospital_number"],
)  # fmt: skip
def test_a_column_that_tells_who_somebody_is_becomes_no_label(tmp_path: Path, column: str) -> None:
    _write(tmp_path / "participants.tsv", f"participant_id\t{column}\thandedness\nsub-01\tDoe 17\tright\n")
    assert subject_of(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz").labels == {"handedness": "right"}


def test_an_age_has_the_unit_that_the_table_is_described_with(tmp_path: Path) -> None:
    _write(tmp_path / "participants.tsv", "participant_id\tage\nsub-01\t18\n")
    _write(tmp_path / "participants.json", {"age": {"Units": "months"}})
    assert subject_of(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz").age_years == 1.5


@pytest.fixture(scope="module")
def indexed(data_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("labels"), parts_dual)
    home.index(data_set)
    return home


@pytest.mark.parametrize(
    ("condition", "subjects"),
    [
        ("label.group=patient", {"01"}), ("label.group=Patient", {"01"}), ("label.group=control,patient", {"01", "02"}),
        ("not label.group=patient", {"02", "03"}), ("label.group!=patient", {"02", "03"}), ('label.group=""', {"03"}),
        ("label.updrs>=12", {"02"}), ("label.updrs>12", set()), ("label.updrs=12.0", {"02"}), ("label.group>=1", set()),
        ("label.group~trol", {"02"}), ("label.group=patient and sex=F or label.updrs<20", {"01", "02"}),
    ],
)  # fmt: skip
def test_labels_are_filtered_by_as_by_any_fact(indexed: Home, condition: str, subjects: set[str]) -> None:
    where = parse_filter(condition)
    assert parse_filter(write_filter(where)) == where
    engine = indexed.engine()
    found = {hit.study.patient_id for hit in engine.search(TextQuery("brain"), k=10, where=where).hits if hit.study}
    assert found == subjects


def test_labels_are_searched_by_in_words_counted_and_checked(indexed: Home) -> None:
    engine = indexed.engine()
    for typed in ("brain label.group:patient", "brain label:group=patient", 'brain label.group:"patient"'):
        assert {hit.study.patient_id for hit in engine.search(TextQuery(typed), k=10).hits if hit.study} == {"01"}
    selection = Selection(engine._database, indexed.folder / "builds")
    counts = selection.facets(fields=["label.group", "sex"], base=visible(ALL))["label.group"]
    assert [(one.value, one.total) for one in counts] == [("control", 1), ("patient", 1), ("", 1)]
    for wrong, hint in (("label.gruop=patient", "did you mean 'label.group'"), ("label.group=none", "control, patient"),
                        ("label.birth_date=1990", "labels here: group, handedness, updrs")):  # fmt: skip
        with pytest.raises(FilterError, match=hint):
            engine.search(TextQuery("brain"), where=parse_filter(wrong))


@given(st.text(max_size=30))
def test_names_and_ages_of_any_text(text: str) -> None:
    named = parts_of_name(text)
    assert named is None or named[1]
    age = age_of(text)
    assert age is None or 0 <= age <= 130
