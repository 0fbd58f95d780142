"""Whatever stands beside a text or a picture and says whose it is, in every format that has fields for it, is known to
the door: no name of it is left in the words, though no rule would see it there.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hl7_messages import oru
from openpyxl import Workbook
from structured_reports import dicom, item

from spinecho.encoders.acquisition.whole_words import scanner_words
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.nifti.series import nifti_series_facts, nifti_study_facts
from spinecho.encoders.reading.nifti.subject_tables import subject_of
from spinecho.encoders.reading.personal_fields import kind_of_field, named_in_fields
from spinecho.indexer.deidentifying.door import PATHS, Door
from spinecho.indexer.deidentifying.keyed import Keyed
from spinecho.indexer.deidentifying.profile import Options
from spinecho.indexer.deidentifying.reports import named_report_task, read_named, scrubbed
from spinecho.indexer.deidentifying.scanning import scan
from spinecho.indexer.reports.parsing.formats.every import FORMATS
from spinecho.indexer.reports.parsing.formats.fhir_people import people_of
from spinecho.indexer.reports.parsing.people import people_of_row

SAID = "No lesion. Quorlana was restless, quillmark agreed; pondwick asks again, as the Fernhollow does."
PEOPLE = ("quorlana", "quillmark", "pondwick", "fernhollow")
"""Given and family name of the patient, a physician, a town: written as no rule knows them."""
ROW = {"Accession": "A100", "Patientenname": "Quillmark, Quorlana", "Überweiser": "Dr. Ute Pondwick",
       "City": "Fernhollow", "Report": SAID}  # fmt: skip
NESTED = {"accession": "A100", "report": SAID, "patient": {"name": {"family": "Quillmark", "given": ["Quorlana"]},
          "address": {"city": "Fernhollow"}}, "signed_by": "Ute Pondwick"}  # fmt: skip
FHIR = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p", "name": [{"family": "Quillmark", "given": ["Quorlana"]}],
                      "address": [{"line": ["Fernhollow"], "city": "Elsewhere"}]}},
        {"resource": {"resourceType": "DiagnosticReport", "status": "final", "conclusion": SAID,
                      "identifier": [{"value": "A100"}], "subject": {"reference": "Patient/p"},
                      "result": [{"reference": "Observation/1", "display": "lesion"}],
                      "resultsInterpreter": [{"display": "Ute Pondwick"}]}},
    ],
}  # fmt: skip
CDA = f"""<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id extension="4711"/>
<addr><city>Fernhollow</city></addr><patient><name><given>Quorlana</given><family>Quillmark</family></name></patient>
</patientRole></recordTarget><author><assignedAuthor><assignedPerson><name><family>Pondwick</family></name>
</assignedPerson></assignedAuthor></author><inFulfillmentOf><order><id extension="A100"/></order></inFulfillmentOf>
<component><structuredBody><component><section><text>{SAID}</text></section></component></structuredBody></component>
</ClinicalDocument>"""


def _csv(path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([list(ROW), list(ROW.values())])


def _workbook(path: Path) -> None:
    book = Workbook()
    for row in (list(ROW), list(ROW.values())):
        book.active.append(row)
    book.save(path)


def _hl7(path: Path) -> None:
    message = oru(SAID, more=("NK1|1|Pondwick^Ute|SPO",)).replace("DOE^JANE", "Quillmark^Quorlana")
    path.write_text(message.replace("19700101|F", "19700101|F|||1 Road^^Fernhollow"), encoding="utf-8")


def _dicom(path: Path) -> None:
    values = {"PatientName": "Quillmark^Quorlana", "ReferringPhysicianName": "Pondwick^Ute",
              "PatientAddress": "Fernhollow"}  # fmt: skip
    text = item("TEXT", "Finding", TextValue=SAID)
    path.write_bytes(dicom("1.2.840.10008.5.1.4.1.1.88.11", ValueType="CONTAINER", ContentSequence=[text], **values))


def _text(value: Any) -> Callable[[Path], None]:
    written = value if isinstance(value, str) else json.dumps(value)
    return lambda path: path.write_text(written, encoding="utf-8") and None


MADE: dict[str, Callable[[Path], None]] = {
    "rows.csv": _csv,
    "rows.jsonl": _text({"accession": "A100", **{name: one for name, one in ROW.items() if name != "Accession"}}),
    "nested.jsonl": _text(NESTED),
    "array.json": _text([NESTED]),
    "book.xlsx": _workbook,
    "rows.parquet": lambda path: pq.write_table(pa.Table.from_pylist([ROW]), path),
    "bundle.json": _text(FHIR),
    "document.xml": _text(CDA),
    "message.hl7": _hl7,
    "report.dcm": _dicom,
}
WITHOUT_FIELDS = {".pdf", ".rtf", ".docx", ".docm", ".html", ".htm", ".xhtml"}
"""Formats that are nothing but a text."""


@pytest.mark.parametrize("name", MADE)
def test_nobody_whom_a_file_names_beside_its_text_is_left_in_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    MADE[name](path)
    [report] = [value for value, _ in read_named(named_report_task(str(path)).arguments) if "text" in value]
    assert "Quorlana was restless" in report["text"]
    names = [list(one) for one in report.pop("people")]
    facts = {key: held for key, held in report.items() if key != "sentences"}
    [(left, _)] = scrubbed({"facts": facts, "names": names, "days": -30})
    assert not [one for one in PEOPLE if one in left["text"].lower()], left["text"]
    assert "lesion" in left["text"]
    assert "asks again" in left["text"]


def test_every_format_with_fields_is_in_the_matrix() -> None:
    held = {Path(name).suffix for name in MADE} | WITHOUT_FIELDS
    known = [one for one in FORMATS if one.suffixes]
    assert not [sorted(one.suffixes) for one in known if one.suffixes.isdisjoint(held)]


@pytest.mark.parametrize(
    "name", ["Study Name", "Procedure Name", "Exam", "Series Description", "Protocol Name", "Body Part", "Signed Date",
             "Birth weight", "status", "sex", "Age", "visit", "file name", "Accession date", "Modality", "report"]
)  # fmt: skip
def test_a_field_that_says_what_was_done_names_nobody(name: str) -> None:
    assert kind_of_field(name) is None
    assert named_in_fields({name: "MRI brain", "patient": {"sex": "F", name: "MRI brain"}}) == ()


def test_the_name_of_a_house_is_no_word_of_its_own() -> None:
    """`Brain Centre` takes no brain out of a report."""
    report: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "performer": [{"reference": "Organization/7", "display": "Brain Centre"}, {"display": "Ute Pondwick"}],
    }
    assert people_of(report, lambda *_: {}) == (("place", "Brain Centre"), ("name", "Ute Pondwick"))
    assert people_of_row({"Radiologe": "KM", "Hospital": "Brain Centre"}) == (("place", "Brain Centre"),)


def test_a_name_that_is_an_exams_is_nobodys() -> None:
    assert people_of_row({"Name": "MRT Kopf", "Patient": "Hand, Peter"}) == (("name", "Hand, Peter"),)
    for exam in (
        "Knee left",
        "Kopf nativ",
        "Brain with contrast",
        "MR Hand",
        "MRI BRAIN",
        "no name",
        "Not given",
        "not yet known",
    ):
        assert people_of_row({"Name": exam}) == (), exam
    for person in ("Mr Smith", "Mr Peter Hand", "No Hyun", "Knee, Anna", "Brain, John", "Right, Ann", "None Such"):
        assert people_of_row({"Name": person}) == (("name", person),), person


SIDECAR = {
    "PatientName": "Quillmark^Quorlana", "PatientID": "Z77XK", "PatientBirthDate": "1951-02-03",
    "ReferringPhysicianName": "Pondwick", "InstitutionName": "Fernhollow", "SeriesDescription": "t1 Quillmark sag",
    "StudyDescription": "MR of Quorlana Z77XK", "ProtocolName": "Pondwick head", "ReceiveCoilName": "Fernhollow coil",
    "ImageType": ["ORIGINAL", "QUILLMARK"], "MagneticFieldStrength": 3,
}  # fmt: skip
ROWS = ("participant_id\tname\tage\tphysician\thospital\tage_at_onset\tscanned\tgroup\tscore\n"
        "sub-Z77XK\tQuorlana Quillmark\t95\tUte Pondwick\tFernhollow\t92\t20230405\tcontrol\t17\n")  # fmt: skip


class Nobody:
    """Identities that are kept nowhere."""

    def keep(self, identities: Iterable[Any], names: Iterable[tuple[str, str, str]] = ()) -> None:
        pass

    def patient_of(self, code: str) -> str:
        return ""

    def names_of(self, patient: str) -> frozenset[tuple[str, str]]:
        return frozenset()


def through(root: Path, path: Path) -> tuple[Header, Door]:
    """The header of a file as an index that is de-identified holds it."""
    [(value, _)] = scan({"paths": [str(path)], "root": str(root)})
    door = Door(Keyed(b"k" * 32), Options(), Nobody(), "f")
    return door.header(Header.from_json(value["header"], path=str(path)), value["named"]), door


def image(path: Path, description: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = nib.Nifti1Image(np.arange(512, dtype=np.int16).reshape(8, 8, 8), np.eye(4))
    made.header["descrip"] = description
    nib.save(made, path)
    return path


def test_what_is_beside_a_nifti_file_names_nobody_in_the_index(tmp_path: Path) -> None:
    path = image(tmp_path / "sub-Z77XK/anat/sub-Z77XK_T1w.nii.gz", "TE=3 Quillmark")
    (path.parent / "sub-Z77XK_T1w.json").write_text(json.dumps(SIDECAR), encoding="utf-8")
    (tmp_path / "participants.tsv").write_text(ROWS, encoding="utf-8")
    header, door = through(tmp_path, path)
    held = header.to_json().replace(header.detail["name"], "").lower()
    assert not [one for one in (*PEOPLE, "z77xk", "1951", "20230405") if one in held], held
    assert "te=3" in held
    assert nifti_series_facts(header).description == "t1 sag"
    assert (nifti_study_facts(header).age_years, nifti_study_facts(header).description) == (90.0, "MR of")
    assert header.detail["subject"]["labels"] == {"group": "control", "score": "17", "age_at_onset": "90"}
    assert header.detail["subject"]["numbers"] == {"score": 17.0}
    assert door.counts[PATHS] == 1


def test_a_file_that_says_nothing_of_itself_is_called_by_no_ones_name(tmp_path: Path) -> None:
    for name, said in (
        ("sub-Z77XK/ses-20230405/anat/sub-Z77XK_ses-20230405_T1w.nii.gz", "t1w"),
        ("Quillmark_Quorlana_t2_flair_ax.nii.gz", "t2 flair ax"),
        ("quillmark/1951-02-03.nii", ""),
    ):
        header, _ = through(tmp_path, image(tmp_path / name))
        assert nifti_series_facts(header).description == said == scanner_words(Path(name).name.partition(".")[0])


def test_labels_of_any_archive_name_no_physician(tmp_path: Path) -> None:
    path = image(tmp_path / "sub-Z77XK/anat/sub-Z77XK_T1w.nii.gz")
    (tmp_path / "participants.tsv").write_text(ROWS, encoding="utf-8")
    assert "Pondwick" not in str(subject_of(path))


@pytest.mark.parametrize(
    ("written", "kept"), [("095Y", "090Y"), ("95", "090Y"), ("089Y", "089Y"), ("7", "7"),
                          ("018M", "018M"), ("999Y", None)],
)  # fmt: skip
def test_ages_above_89_are_one_group_in_whatever_unit(written: str, kept: str | None) -> None:
    header = Header("/a/1.dcm", "dicom", "1.2.3", "1.2.4", "1.2.5", {"facts": {"patient_id": "X7", "age": written}})
    changed = Door(Keyed(b"k" * 32), Options(), Nobody(), "f").header(header, [])
    assert changed.detail["facts"].get("age") == kept
