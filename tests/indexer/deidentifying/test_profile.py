"""No value that names a patient is left in the bytes of a copy, wherever a data set holds it; and what stays is the
same in every run.
"""

from __future__ import annotations

import datetime
import re
import sys
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydicom.datadict import DicomDictionary, dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from small_studies import small_study

from spinecho.encoders.errors import ReadError
from spinecho.errors import SettingsError
from spinecho.indexer.deidentifying import profile
from spinecho.indexer.deidentifying.copying import clean_dicom, lenient
from spinecho.indexer.deidentifying.keyed import Keyed, moved
from spinecho.indexer.deidentifying.known import DAY, NAME, NUMBER, Known
from spinecho.indexer.deidentifying.profile import Options

KEY = Keyed(bytes(range(32)))
STUDY, SERIES = "2.25.1", "2.25.2"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAMES = some.text(_LETTERS, min_size=5, max_size=12).map(lambda word: f"Q{word}q".title())
IDS = some.text("0123456789", min_size=6, max_size=9).map(lambda digits: f"QX{digits}")
DAYS = some.dates(min_value=datetime.date(1911, 1, 1), max_value=datetime.date(2019, 12, 28))


def copied(dataset: Dataset, folder: Path, options: Options | None = None, keyed: Keyed = KEY) -> bytes:
    path = folder / "one.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return clean_dicom(path, keyed, options or Options(), study=STUDY, series=SERIES)[0]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_study(tmp_path_factory.mktemp("plain"), 1, series=1, slices=1)[0]


def fresh(plain: Path) -> Dataset:
    return pydicom.dcmread(plain)


@some.composite
def identified(draw: Any) -> tuple[list[tuple[str, str]], list[str]]:
    """(where, value) of what is put into a data set, and what must not be found again."""
    family, given_name, doctor, number, exam = (draw(one) for one in (NAMES, NAMES, NAMES, IDS, IDS))
    born = draw(DAYS)
    phrase = draw(
        some.sampled_from(
            ["MRI {f} {g}", "t2 {n} tra", "{f}^{g} knee", "head {d:%d.%m.%Y}", "Dr {o} asks", "{n}_{e}", "x{d:%Y%m%d}x"]
        )
    )
    text = phrase.format(f=family.upper(), g=given_name, n=number, e=exam, d=born, o=doctor)
    put = [
        ("PatientName", f"{family}^{given_name}"), ("PatientID", number), ("AccessionNumber", exam),
        ("PatientBirthDate", f"{born:%Y%m%d}"), ("ReferringPhysicianName", doctor),
        (draw(some.sampled_from(["SeriesDescription", "StudyDescription", "ProtocolName"])), text),
        (draw(some.sampled_from(["BodyPartExamined", "SequenceName", "Manufacturer", "ReceiveCoilName"])), text[:16]),
        (draw(some.sampled_from(["ImageComments", "PatientComments", "AdditionalPatientHistory"])), text),
    ]  # fmt: skip
    return put, [family, given_name, doctor, number, exam, f"{born:%Y%m%d}"]


@settings(max_examples=20)
@given(found=identified(), depth=some.integers(0, 3), private=some.booleans())
def test_nothing_that_names_the_patient_is_left_in_the_bytes(
    found: tuple[list[tuple[str, str]], list[str]], depth: int, private: bool, plain: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    put, secret = found
    dataset = fresh(plain)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in put:
            setattr(dataset, name, value)
            inner = Dataset()
            setattr(inner, name, value)
            for keyword in ("ReferencedImageSequence", "RequestAttributesSequence", "AnatomicRegionSequence")[:depth]:
                outer = Dataset()
                setattr(outer, keyword, [inner])
                inner = outer
            if depth:
                dataset.update(inner)
        if private:
            block = dataset.private_block(0x0019, "SOMEBODY", create=True)
            block.add_new(1, "LO", put[0][1])
            block.add_new(2, "UN", put[1][1].encode())
        dataset.add_new(0x00090011, "LO", "a private creator of nobody")
        dataset.preamble = put[1][1].encode().ljust(128, b"\0")
        dataset.file_meta.SourceApplicationEntityTitle = put[1][1]
        data = copied(dataset, tmp_path_factory.mktemp("copy"))
    header = data[: data.index(dataset.PixelData)].decode("latin-1").casefold()
    for value in secret:
        assert value.casefold() not in header, value
    for uid in (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID):
        assert f"{uid}" not in re.findall(r"[0-9.]{10,}", header)


def test_every_attribute_of_the_table_goes_or_changes(plain: Path, tmp_path: Path) -> None:
    """Table E.1-1 of PS3.15, attribute by attribute, each at the top and within an item."""
    canary: dict[str, Any] = {
        "PN": "Qzcanary^Q", "LO": "Qzcanary", "SH": "Qzcanary", "LT": "Qzcanary", "ST": "Qzcanary", "UT": "Qzcanary",
        "UC": "Qzcanary", "UR": "http://Qzcanary", "AE": "QZCANARY", "CS": "QZCANARY", "AS": "097Y", "DA": "19010203",
        "DT": "19010203040506.77", "TM": "040506.77", "UI": "1.2.3.19010203", "OB": b"Qzcanary", "UN": b"Qzcanary",
        "IS": "19010203", "DS": "19010203", "OW": b"Qzcanary",
    }  # fmt: skip
    kept = {"PatientSex", "PatientAge", "PatientSize", "PatientWeight", *map(dictionary_keyword, profile.DESCRIPTORS)}
    dataset, inner = fresh(plain), Dataset()
    planted = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        actions, _ = profile._table()
        for tag in actions:
            vr = dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "LO"  # newer than the dictionary
            if vr not in canary or (dictionary_has_tag(tag) and dictionary_keyword(tag) in kept) or tag >> 16 < 8:
                continue
            for where in (dataset, inner):
                where.add_new(tag, vr, canary[vr])
            planted += 1
        outer = Dataset()
        outer.ReferencedImageSequence = [inner]
        dataset.AnatomicRegionSequence = [outer]
        for options in (Options(), Options("removed", "removed")):
            data = copied(dataset, tmp_path, options)
            header = data[: data.index(dataset.PixelData)].lower()
            assert b"qzcanary" not in header
            assert b"19010203" not in header
            assert b"040506" not in header or options.dates == "shifted"  # the time of day stays with the days' order
    assert planted > 500


OWN_UID = "1.2.826.0.1.99999.20190304.55"
FOREIGN_UID = "1.2.840.113619.2.5.1762583153.2019030455"
WHOSE = ["20190304", "2019-03-04", "04.03.2019", "04032019", "2019/03/04", "04MAR2019", "20190304_brain",
         "20190304-20190405", "20190304101112", OWN_UID, f"{OWN_UID}.7", FOREIGN_UID,
         "QUILLAN^Quo", "QUILLANQUO", "QX778899", "778899", "x_778899"]  # fmt: skip


@pytest.mark.parametrize("options", [Options(), Options("removed", "removed")], ids=["shifted", "removed"])
@pytest.mark.parametrize("turn", [0, 5, 10])
def test_no_text_of_any_attribute_tells_whose_it_is_whatever_its_vr_says_it_holds(
    plain: Path, tmp_path: Path, options: Options, turn: int
) -> None:
    """Every text, number, time, day and UID of the dictionary but those of which names are learnt; values break their
    own rules as those of scanners do: a name in a time, a range in a day, a day in a number.
    """
    dataset = fresh(plain)
    dataset.PatientName, dataset.PatientID, dataset.StudyDate = "Quillan^Quo", "QX778899", "20190304"
    dataset.StudyInstanceUID = OWN_UID
    whose = {*profile._PN_TEXTS, *profile._NUMBERS, *profile._PLACES, *profile._PHONES, *profile._BIRTH}
    needed = {"StudyInstanceUID", "StudyDate", "SOPClassUID", "SpecificCharacterSet", "NumberOfFrames"}
    planted: dict[int, str] = {}
    for tag in (tag for tag in DicomDictionary if tag >> 16 >= 8 and tag not in whose):
        vr = dictionary_VR(tag)
        if vr in profile._TEXT | {"TM", "DA", "DT", "UI"} and dictionary_keyword(tag) not in needed:
            value = WHOSE[(tag + len(planted) + turn) % len(WHOSE)]
            data = value.encode().ljust(len(value) + len(value) % 2)
            dataset[tag] = RawDataElement(Tag(tag), vr, len(data), data, 0, False, True)
            planted[tag] = value
    assert len(planted) > 2000
    with lenient():
        data = copied(dataset, tmp_path, options)
        read = pydicom.dcmread(BytesIO(data))
        found = {one.keyword: str(one.value) for one in read.iterall() if one.VR != "OW"}
    left = re.compile(r"20.?19.?0?3.?0?4|0?4.?(0?3|MAR).?2019|20190405|99999|quillan|778899", re.IGNORECASE)
    foreign = {name for name, value in found.items() if FOREIGN_UID in value}
    classes = {dictionary_keyword(tag) for tag in profile._CLASSES}
    assert not {name: value for name, value in found.items() if left.search(value) and name not in foreign}
    assert not foreign - classes  # a private class has a UID of such a form


def test_digits_within_a_coordinate_are_no_patients(plain: Path, tmp_path: Path) -> None:
    """Of a number of six digits that is a patient's, one slice in a few thousand holds the digits by chance."""
    dataset = fresh(plain)
    dataset.PatientID, dataset.StudyDate = "123456", "20190304"
    dataset.ImagePositionPatient = ["-118.12345678", "123456.5", "0.20190304"]
    dataset.EchoTime, dataset.FlipAngle = "123456", "20190304.0"
    read = pydicom.dcmread(BytesIO(copied(dataset, tmp_path)))
    assert read.ImagePositionPatient == dataset.ImagePositionPatient
    assert read.EchoTime is read.FlipAngle is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [("20200301", True), ("2020-03-01", True), ("2020.03.01", True), ("20200301101112.123456+0100", True),
     ("2020-03-01T10:11:12Z", True), ("202003011011", True), ("20200301-20200401", False), ("20200301 Meyer", False),
     ("20200301/20200401", False), ("20200301\n20200401", False), ("x20200301", False)],
)  # fmt: skip
def test_behind_a_day_stands_a_time_of_day_or_it_is_none(value: str, kept: bool) -> None:
    assert bool(moved(value, -1)) is kept
    if kept:
        assert moved(value, -1).replace("-", "").replace(".", "")[:8] == "20200229"


def test_an_object_under_the_root_of_the_standard_is_an_object() -> None:
    mine = "1.2.840.10008.5.1.4.1.1.4.20190304.7"
    assert KEY.uid(mine).startswith("2.25.")
    assert KEY.uid("1.2.840.10008.1.4.1.1") == "1.2.840.10008.1.4.1.1"  # a frame of reference of the standard's own


def test_the_same_key_gives_the_same_bytes_and_another_gives_others(plain: Path, tmp_path: Path) -> None:
    first, again = (copied(fresh(plain), tmp_path) for _ in range(2))
    other = copied(fresh(plain), tmp_path, keyed=Keyed(bytes(32)))
    assert first == again
    read, unlike = (pydicom.dcmread(BytesIO(data)) for data in (first, other))
    for name in ("PatientID", "AccessionNumber", "StudyInstanceUID", "SOPInstanceUID", "StudyDate"):
        assert read[name].value != unlike[name].value, name
    assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert read.PixelData == unlike.PixelData == fresh(plain).PixelData
    assert read.PatientIdentityRemoved == "YES"
    assert {item.CodeValue for item in read.DeidentificationMethodCodeSequence} >= {"113100", "113107", "113105"}
    assert read.LongitudinalTemporalInformationModified == "MODIFIED"


@settings(max_examples=20)
@given(one=DAYS, other=DAYS, patient=IDS)
def test_days_between_two_dates_of_a_patient_stay(one: datetime.date, other: datetime.date, patient: str) -> None:
    days = KEY.days(KEY.patient(patient))
    there = [datetime.datetime.strptime(moved(f"{day:%Y%m%d}", days), "%Y%m%d").date() for day in (one, other)]
    assert there[1] - there[0] == other - one
    assert there[0] != one


def test_what_a_scan_is_stays_and_words_go_out_of_descriptions(plain: Path, tmp_path: Path) -> None:
    dataset = fresh(plain)
    dataset.PatientName, dataset.PatientAge, dataset.PatientSex = "Head^Anna", "093Y", "F"
    dataset.SeriesDescription = "t2 tse tra Anna Head 1"
    before = pydicom.dcmread(plain)
    read = pydicom.dcmread(BytesIO(copied(dataset, tmp_path)))
    assert read.SeriesDescription == "t2 tse tra 1"
    assert (read.PatientAge, read.PatientSex) == ("090Y", "F")
    for name in ("Modality", "EchoTime", "RepetitionTime", "ImagePositionPatient", "BodyPartExamined", "Rows"):
        assert read[name].value == before[name].value, name
    kept = pydicom.dcmread(BytesIO(copied(dataset, tmp_path, Options(descriptors="kept"))))
    assert kept.SeriesDescription == "t2 tse tra Anna Head 1"


def test_uids_of_the_standard_stay_and_spellings_of_a_number_are_one() -> None:
    assert KEY.uid("1.2.840.10008.5.1.4.1.1.4") == "1.2.840.10008.5.1.4.1.1.4"
    assert re.fullmatch(r"2\.25\.(0|[1-9]\d{0,38})", KEY.uid("1.2.3.4"))
    assert KEY.accession(" ab12 ") == KEY.accession("AB12") != KEY.accession("AB13")
    assert len(KEY.accession("AB12")) == 16
    assert KEY.patient("UNKNOWN") == KEY.accession("0000") == KEY.uid("") == ""


def test_options_that_there_are_not() -> None:
    with pytest.raises(SettingsError, match="'moved' is none of: shifted, removed"):
        Options(dates="moved")  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["Müller", "MULLER", "Mu\u0308ller", "mueller,müller"])
def test_a_name_is_found_however_its_accents_are_written(said: str) -> None:
    known = Known(frozenset([(NAME, "Müller^Jörg"), (NUMBER, "QX12345"), (DAY, "19560312")]))
    cleaned = known.without(f"{said} has id QX12345, born 12.3.56 or 1956-03-12.", "~")
    assert not known.found_in(cleaned)
    assert "12345" not in cleaned
    assert "1956" not in cleaned
    assert "3.56" not in cleaned
    assert "has id" in cleaned


def test_real_files_keep_their_pixels_and_lose_their_patients(testdata: Path) -> None:
    folders = sorted(path for path in (testdata / "dicom").iterdir() if path.is_dir() and path.name != "broken")
    copies = 0
    for folder in folders:
        path = next((path for path in sorted(folder.rglob("*.dcm")) if path.stat().st_size < 1 << 19), None)
        if path is None or copies > 5:
            continue
        data, _ = clean_dicom(path, KEY, Options(), study=STUDY, series=SERIES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before, after = pydicom.dcmread(path, force=True), pydicom.dcmread(BytesIO(data))
            if after.PixelData != before.PixelData:  # comments within compressed frames went
                assert before.file_meta.TransferSyntaxUID.is_compressed
                assert np.array_equal(after.pixel_array, before.pixel_array), path
            known = profile.named_in(before)
            numbers = ("SQ", "UI", "DS", "IS", "FD", "US", "OW", "OB", "DA", "TM")
            left = [one.keyword for one in after.iterall() if one.VR not in numbers and known.found_in(str(one.value))]
            assert not left, path
            assert not any(one.tag.is_private for one in after.iterall())
        copies += 1
    assert copies > 4


def test_without_the_table_nothing_is_copied(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile._table.cache_clear()
    monkeypatch.setitem(sys.modules, "dicomanonymizer.dicom_anonymization_databases", None)
    with pytest.raises(ModuleNotFoundError):
        profile.deidentify(fresh(plain), KEY, Options())
    profile._table.cache_clear()


def test_a_short_number_of_a_picture_stays_though_it_is_the_patients(plain: Path, tmp_path: Path) -> None:
    dataset = fresh(plain)
    dataset.PatientID, dataset.RepetitionTime, dataset.InstanceNumber = "2000", "2000.0", 2000
    dataset.ImagePositionPatient, dataset.AcquisitionNumber = ["2000", "-118.5", "3"], 2000
    read = pydicom.dcmread(BytesIO(copied(dataset, tmp_path)))
    assert (read.RepetitionTime, read.InstanceNumber) == (2000, 2000)
    assert read.ImagePositionPatient == [2000, -118.5, 3]
    assert read.AcquisitionNumber is None


@pytest.mark.parametrize("value", ["MUSTERMANN", "778899", "1.2.3"])
def test_what_stands_in_the_place_of_a_class_goes_into_no_header(plain: Path, tmp_path: Path, value: str) -> None:
    dataset = fresh(plain)
    dataset.PatientID = "778899"
    dataset[0x00080016] = pydicom.DataElement(0x00080016, "UI", value, validation_mode=0)
    try:
        with lenient():
            made = copied(dataset, tmp_path)
    except ReadError:
        return
    assert value.encode() not in made
