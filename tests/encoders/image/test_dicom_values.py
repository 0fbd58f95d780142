"""What single values of DICOM files mean: texts, UIDs, ages, spare bits, colour tables, b-values, localizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.rules import sequence_of
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.dicom.charsets import decode_text
from spinecho.encoders.reading.files import read_path, scan_file
from spinecho.encoders.reading.headers import FileFailure, Flag, VolumeRead

CHARACTERS = [
    # bytes, declared, text, guessed
    (b"\x1b-LT1 \xdc\xde\xd7\xd3", "ISO 2022 IR 100\\ISO 2022 IR 144", "T1 мозг", False),
    (b"\x1b-FK\xe9\x1b-A \xe4", "ISO 2022 IR 100\\ISO 2022 IR 126", "Kι ä", False),
    ("ｶﾝｿﾞｳ".encode("shift_jis") + b' \x1b$B$"\x1b(J', "ISO 2022 IR 13\\ISO 2022 IR 87", "ｶﾝｿﾞｳ あ", False),
    ("頭部 T2".encode("iso2022_jp"), "\\ISO 2022 IR 87", "頭部 T2", False),
    ("頭部 T2".encode("iso2022_jp"), "ISO 2022 IR 13\\ISO 2022 IR 87", "頭部 T2", False),
    ("頭部 T2".encode("iso2022_jp"), "ISO_IR 100", "頭部 T2", True),
    ("頭部 T2".encode("iso2022_jp"), "", "頭部 T2", True),
    (b"\x1b$)C" + "뇌 MRI".encode("euc_kr"), "\\ISO 2022 IR 149", "뇌 MRI", False),
    ("뇌 MRI".encode("euc_kr"), "\\ISO 2022 IR 149", "뇌 MRI", True),
    (b"\x1b$)A" + "头部".encode("gb2312"), "\\ISO 2022 IR 58", "头部", False),
    (b"\x1b-LT1 \xdc\xde\xd7\xd3", "ISO_IR 100", "T1 мозг", True),
    (b"\x1b-LA\xdc\r\nA\xdc", "ISO 2022 IR 100\\ISO 2022 IR 144", "Aм  \nAÜ", False),
    (b"\x1b-LA\xdc\\A\xdc", "ISO 2022 IR 100\\ISO 2022 IR 144", "Aм\\AÜ", False),
    ("頭\\頭".encode("iso2022_jp"), "\\ISO 2022 IR 87", "頭\\頭", False),
    ("頭部\r\nA".encode("iso2022_jp"), "\\ISO 2022 IR 87", "頭部 \nA", False),
    ("头部".encode("gb18030"), "GB18030", "头部", False),
    ("头部".encode(), "ISO_IR 192", "头部", False),
    ("头部".encode(), "ISO IR 192", "头部", True),
    ("头部".encode(), "ISO_IR 144", "头部", True),
    ("头部".encode(), "", "头部", True),
    ("ศีรษะ".encode("tis_620"), "ISO_IR 166", "ศีรษะ", False),
    ("Schädel".encode("latin_1"), "ISO_IR 100", "Schädel", False),
    ("Schädel".encode("latin_1"), "", "Schädel", True),
    ("Schädel".encode("latin_1"), "ISO_IR 192", "Schädel", True),
    ("séquelles – tête".encode("cp1252"), "ISO_IR 100", "séquelles – tête", True),
    ("頭部".encode("shift_jis"), "ISO_IR 13", "頭部", True),
    (b"plain T2", "ISO_IR 999", "plain T2", False),
]


@pytest.mark.parametrize(("raw", "declared", "text", "guessed"), CHARACTERS)
def test_texts_by_their_character_set(raw: bytes, declared: str, text: str, guessed: bool) -> None:
    assert decode_text(raw, declared) == (text.replace("  \n", " \n"), guessed)


@pytest.mark.parametrize("text", ["头部平扫 T2加权像序列", "左", "腰椎平扫矢状位"])
@pytest.mark.parametrize("declared", ["ISO_IR 100", "ISO_IR 148", "ISO_IR 203", ""])
@pytest.mark.parametrize("codec", ["gbk", "shift_jis", "euc_kr"])
def test_two_byte_text_declared_as_latin_is_flagged(text: str, declared: str, codec: str) -> None:
    raw = text.encode(codec, "ignore")
    assert decode_text(raw, declared)[1] == (not raw.isascii())


@pytest.mark.parametrize(
    ("text", "codec", "declared"),
    [
        ("Größe ÜBERSICHT «été» ½ 25°C ±3 µm ¿Qué? créée", "latin_1", "ISO_IR 100"),
        ("drogi żółciowe, źdźbło, są", "iso8859_2", "ISO_IR 101"),
        ("göğüs, üç boyut", "iso8859_9", "ISO_IR 148"),
        ("Голова МРТ", "iso8859_5", "ISO_IR 144"),
        ("Κεφαλή", "iso8859_7", "ISO_IR 126"),
    ],
)
def test_what_people_write_is_no_guess(text: str, codec: str, declared: str) -> None:
    assert decode_text(text.encode(codec), declared) == (text, False)


def only(results: list[Any]) -> VolumeRead:
    assert len(results) == 1, results
    assert isinstance(results[0], VolumeRead), results[0]
    return results[0]


def smooth(number: int, top: int) -> np.ndarray[Any, Any]:
    """A picture of 24 x 20 with a dark background and a bright, sloping middle."""
    y, x = np.mgrid[0:24, 0:20]
    inside = (abs(y - 12) < 8) & (abs(x - 10) < 7)
    return np.where(inside, top * (0.4 + 0.02 * x + 0.01 * y + 0.01 * number), top * 0.01 + x).astype(np.int64)


def of_pixels(kit: Any, number: int, values: np.ndarray[Any, Any], *, signed: bool = False) -> Any:
    data = kit.slice_dataset(number)
    data.Rows, data.Columns = values.shape[-2:]
    data.PixelRepresentation = int(signed)
    data.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
    return data


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [0x1000, 0x5000, 0x8000])
def test_an_overlay_in_the_spare_bits_never_reaches_the_volume(
    kit: Any, series_of: Any, bits: int, *, signed: bool
) -> None:
    clean = [smooth(n, 1500) - (700 if signed else 0) for n in range(3)]
    burnt = [values & 0xFFF if signed else values.copy() for values in clean]
    for values in burnt:
        values[3:6, 2:18] |= bits
        values[14, 3:17] |= bits
    if signed:
        burnt = [np.where(v >= 0x8000, v - 0x10000, v) for v in burnt]
    found = only(series_of([of_pixels(kit, n, v, signed=signed) for n, v in enumerate(burnt)]))
    assert Flag.PIXEL_RANGE not in found.flags
    assert sorted(found.volume.voxels.ravel()) == sorted(np.concatenate([v.ravel() for v in clean]))


@pytest.mark.parametrize("top", [6000, 9000, 20000])
def test_values_that_prove_the_stored_bits_wrong_are_kept(kit: Any, series_of: Any, top: int) -> None:
    pictures = [smooth(n, top) for n in range(3)]
    found = only(series_of([of_pixels(kit, n, v) for n, v in enumerate(pictures)]))
    assert found.volume.voxels.max() == max(v.max() for v in pictures)
    assert (Flag.PIXEL_RANGE in found.flags) == (found.volume.voxels.max() > 4095)


def test_spare_bits_are_judged_by_the_whole_object(kit: Any, series_of: Any) -> None:
    """One frame has so little above the stored bits that by itself it would pass for an overlay."""
    data = kit.enhanced_dataset([0.0, 3.0])
    frames = np.stack([smooth(0, 9000), smooth(0, 900)])
    frames[1, 12, 10] = 5000
    data.Rows, data.Columns, data.PixelData = 24, 20, frames.astype("<u2").tobytes()
    found = only(series_of([data]))
    assert found.volume.voxels.max() == frames.max() + 5
    assert 5005 in found.volume.voxels[..., 1]


def test_indices_of_a_colour_table_are_no_intensities(kit: Any, series_of: Any) -> None:
    data = kit.slice_dataset()
    data.PhotometricInterpretation = "PALETTE COLOR"
    (failure,) = series_of([data])
    assert isinstance(failure, FileFailure)
    assert failure.reason is Reason.COLOUR_IMAGE


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1.2.840.ANON.77", "1.2.840.ANON.77"),
        ("study-0001_a", "study-0001_a"),
        ("1.2.3", "1.2.3"),
        ("1.2/3", None),
        ("1." * 40 + "5", None),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_odd_uids_keep_a_study_together(kit: Any, tmp_path: Path, written: str, kept: str | None) -> None:
    headers = []
    for series in ("1.2.3.2", "1.2.3.3"):
        data = kit.slice_dataset(series=series)
        (tmp_path / series).mkdir()
        placeholder = "9" * len(written)
        data.StudyInstanceUID = placeholder
        path = kit.write(tmp_path / series / "a.dcm", data)
        path.write_bytes(path.read_bytes().replace(placeholder.encode(), written.encode()))
        headers.append(scan_file(path, root=tmp_path))
    first, second = headers
    assert first.study_uid == second.study_uid
    assert kept is None or first.study_uid == kept
    assert len(first.study_uid) <= 64
    assert not set("/\\ \0") & set(first.study_uid)
    assert ("UID_INVALID" in first.detail.get("flags", ())) == (written != "1.2.3")


def test_words_in_place_of_a_uid_name_no_study(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.StudyInstanceUID = "9" * 9
    path = kit.write(tmp_path / "a.dcm", data)
    path.write_bytes(path.read_bytes().replace(b"9" * 9, b"ANONYMOUS"))
    header = scan_file(path, root=tmp_path)
    assert header.study_uid.startswith("2.25.")
    assert header.detail["flags"] == ["NO_STUDY_LINK"]


@pytest.mark.parametrize(
    ("born", "seen", "age", "expected"),
    [
        ("19790102", "20240102", None, 45),
        ("19790103", "20240102", None, 44),
        ("1979.01.02", "2024.01.02", None, 45),
        ("20231002", "20240102", None, 0.25),
        ("20231220", "20240102", None, 13 / 365.25),
        ("19790102", "20240102", "050Y", 50),
        ("19790102", "20240102", "000Y", 45),
        ("20250102", "20240102", None, None),
        ("19000101", "20240102", None, None),
        ("", "20240102", None, None),
        ("19790102", "", None, None),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value")
def test_age_by_birth_date_which_is_not_kept(
    kit: Any, tmp_path: Path, born: str, seen: str, age: str | None, expected: float | None
) -> None:
    data = kit.slice_dataset()
    data.add_new(0x00100030, "DA", born)
    data.add_new(0x00080020, "DA", seen)
    if age:
        data.PatientAge = age
    path = kit.write(tmp_path / "a.dcm", data)
    assert "birth" not in scan_file(path, root=tmp_path).to_json()
    assert not born or born not in scan_file(path, root=tmp_path).to_json()
    found = only(list(read_path(path)))
    assert found.study.age_years == (None if expected is None else pytest.approx(expected, abs=1e-3))


def test_b_values_of_comments(kit: Any, series_of: Any) -> None:
    sets = []
    for b, words in ((0, "b=0(0.000,0.000,0.000)"), (1000, "b=1000(0.445,0.000,0.895)")):
        for n in range(2):
            data = kit.slice_dataset(n)
            data.SOPInstanceUID = f"1.2.3.2.{b}.{n}"
            data.ImageComments = words
            sets.append(data)
    assert [(one.key, one.acquisition.b_value) for one in series_of(sets)] == [("b0", 0), ("b1000", 1000)]


def test_b_values_of_sequence_names(kit: Any, series_of: Any) -> None:
    sets = []
    for b in (0, 1000):
        for n in range(2):
            data = kit.slice_dataset(n)
            data.SOPInstanceUID = f"1.2.3.2.{b}.{n}"
            data.SequenceName = f"*ep_b{b}" + ("#3" if b else "")
            sets.append(data)
    assert [(one.key, one.acquisition.b_value) for one in series_of(sets)] == [("b0", 0), ("b1000", 1000)]


def test_nothing_else_of_a_comment_is_kept(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.ImageComments = "b=1 of Secret^Name, 555-1234"
    assert "comment" not in scan_file(kit.write(tmp_path / "a.dcm", data), root=tmp_path).to_json()


@pytest.mark.parametrize(
    "text",
    [
        "Übersicht", "Uebersicht", "UEBERSICHT_sag", "Lokalizer", "Lokalisator", "Scout", "Survey", "Vorschau",
        "Repérage", "REPERAGE", "Localizador", "Localisateur", "Localizzatore", "Overzicht", "Översikt", "Pilot",
        "Triplan-Localizer", "3-Plane Loc", "Topogramm",
    ],
)  # fmt: skip
def test_localizers_by_name_in_many_languages(text: str) -> None:
    assert sequence_of(Evidence(series_text=text)) == "localizer"


def test_a_few_slices_in_each_plane_are_a_localizer(kit: Any, series_of: Any) -> None:
    def series(count: int, name: str) -> list[Any]:
        sets = []
        for turn, orientation in enumerate(([1, 0, 0, 0, 1, 0], kit.coronal, kit.sagittal)):
            normal = np.cross(orientation[:3], orientation[3:])
            for n in range(count):
                data = kit.slice_dataset(n, position=(normal * 5 * n).tolist())
                data.SOPInstanceUID = f"1.2.3.2.{turn}.{n}"
                data.ImageOrientationPatient = orientation
                data.SeriesDescription = name
                sets.append(data)
        return sets

    assert {one.acquisition.sequence for one in series_of(series(3, "plan"))} == {"localizer"}
    assert {one.acquisition.sequence for one in series_of(series(3, "SWI"))} == {"SWI"}
    assert {one.acquisition.sequence for one in series_of(series(16, "plan"))} == {"unknown"}


def test_a_series_uid_for_every_slice_is_one_series(kit: Any, tmp_path: Path) -> None:
    for n in range(5):
        data = kit.slice_dataset(n, series=f"1.2.3.{n + 10}")
        data.SeriesNumber, data.SeriesDescription, data.InstanceNumber = 4, "t1", n + 1
        kit.write(tmp_path / f"{n}.dcm", data)
    found = only(list(read_path(tmp_path)))
    assert found.volume.voxels.shape == (5, 6, 5)
    assert found.flags == (Flag.SERIES_JOINED,)


def test_torn_echoes_are_joined_and_parted_by_echo_time(kit: Any, tmp_path: Path) -> None:
    for n in range(3):
        for te in (10, 80):
            data = kit.slice_dataset(n, series=f"1.2.3.{n + te}")
            data.SeriesNumber, data.SeriesDescription, data.EchoTime = 4, "t2", te
            kit.write(tmp_path / f"{n}-{te}.dcm", data)
    assert [(one.key, one.volume.voxels.shape[2]) for one in read_path(tmp_path)] == [("te10", 3), ("te80", 3)]


def test_single_slices_with_numbers_of_their_own_stay_apart(kit: Any, tmp_path: Path) -> None:
    for n in range(4):
        data = kit.slice_dataset(n, series=f"1.2.3.{n + 10}")
        data.SeriesNumber, data.SeriesDescription, data.InstanceNumber = n, "screen", 1
        kit.write(tmp_path / f"{n}.dcm", data)
    assert len(list(read_path(tmp_path))) == 4


@pytest.mark.parametrize("vr", ["IS", "UN", "OB"])
def test_a_private_b_value_is_read_however_its_kind_was_kept(kit: Any, series_of: Any, vr: str) -> None:
    sets = []
    for number in range(4):
        data = kit.slice_dataset(number % 2)
        data.SOPInstanceUID = f"1.2.9.{number}"
        value = ("50", "800 ")[number // 2]
        data.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
        data.add_new(0x0019100C, vr, value if vr == "IS" else value.encode())
        sets.append(data)
    assert [(one.key, one.acquisition.b_value) for one in series_of(sets)] == [("b50", 50), ("b800", 800)]
