"""Series of one study that belong together, and the other studies of a patient, from files to what is told of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from archives import Home
from hypothesis import given
from hypothesis import strategies as st
from parts_encoder import parts_dual
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from servers import Server
from serving import open_served

from spinecho.answering.studies import Study
from spinecho.archive import Archive
from spinecho.db.values import SeriesCard, StudyCard
from spinecho.remote.studies import study_of
from spinecho.search.linking import of_study
from spinecho.search.linking.groups import SeriesGroup, groups_of
from spinecho.search.linking.others import others_in_order
from spinecho.search.linking.scans import Grid, Scan
from spinecho.setup.private import tighten
from spinecho.setup.settings import read_settings
from spinecho.ui.server.api.around.service import Door

STUDY = "1.2.826.0.1.3680043.10.2.1"
DIXON = "t1_vibe_dixon_tra"


def series(number: int, description: str, clock: str, **tags: Any) -> dict[str, Any]:
    return {"SeriesNumber": number, "SeriesDescription": description, "AcquisitionTime": clock, **tags}


def image(*codes: str) -> dict[str, Any]:
    return {"ImageType": ["ORIGINAL" if "ADC" not in codes else "DERIVED", "PRIMARY", *codes]}


SERIES = [
    series(1, "localizer", "080000", RepetitionTime=20, ImagePositionPatient=[-50.0, -50.0, 0.0]),
    *(
        series(number, f"{DIXON}_{name}", clock, ProtocolName=DIXON, RepetitionTime=6.0, **image("M", "DIXON", code))
        for first, clock in ((2, "080100.5"), (40, "090000"))
        for number, (name, code) in enumerate(
            (("W", "WATER"), ("F", "FAT"), ("in", "IN_PHASE"), ("opp", "OPP_PHASE")), first
        )
    ),
    series(6, "gre_field_mapping", "080200", RepetitionTime=400, EchoTime=4.9, **image("M", "ND")),
    series(7, "gre_field_mapping", "080200", RepetitionTime=400, EchoTime=7.4, **image("M", "ND")),
    series(8, "gre_field_mapping", "080200", RepetitionTime=400, EchoTime=7.4, **image("P", "ND")),
    series(9, "ep2d_diff", "080300", ProtocolName="diff", RepetitionTime=5000, DiffusionBValue=[0.0, 1000.0]),
    series(10, "ep2d_diff_ADC", "081500", ProtocolName="diff", **image("DIFFUSION", "ADC")),
    series(20, "t1_tse_tra", "080500", RepetitionTime=600, ContrastBolusAgent="NONE"),
    series(21, "t1_tse_tra_KM", "083000", RepetitionTime=600, ContrastBolusAgent="Gadovist"),
    series(22, "t1_tse_cor_KM", "083500", RepetitionTime=600, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
    *(
        series(30 + n, f"dyn_vibe_{n}", f"08200{n * 2}", ProtocolName="dyn DCE", RepetitionTime=4.0, FlipAngle=12)
        for n in range(3)
    ),
]  # fmt: skip
EXPECTED = {
    ("one acquisition", ("Dixon images",), ("frame of reference", "geometry", "acquisition time", "protocol name")): [
        {2: "water", 3: "fat", 4: "in phase", 5: "opposed phase"},
        {40: "water", 41: "fat", 42: "in phase", 43: "opposed phase"},
    ],
    ("one acquisition", ("parts of the signal", "echoes"), ("frame of reference", "geometry", "acquisition time")): [
        {6: "magnitude, TE 4.9 ms", 7: "magnitude, TE 7.4 ms", 8: "phase, TE 7.4 ms"}
    ],
    (
        "one acquisition",
        ("b-values", "computed images"),
        ("frame of reference", "geometry", "protocol name", "acquisition number"),
    ): [{9: "b 0, 1000", 10: "ADC map"}],
    ("dynamic phases", ("phases",), ("frame of reference", "geometry", "protocol name", "timing")): [
        {30: "phase 1 of 3", 31: "phase 2 of 3", 32: "phase 3 of 3"}
    ],
    ("before and after contrast", ("contrast agent",), ("frame of reference", "geometry", "timing")): [
        {20: "before contrast", 21: "after contrast"}
    ],
}


def write_series(folder: Path, tags: Mapping[str, Any], *, study: Mapping[str, Any], draw: random.Random) -> None:
    """Two slices of every volume, in files whose names and sub-folder say nothing of their order."""
    number, b_values = tags["SeriesNumber"], tags.get("DiffusionBValue", [None])
    for at, b in enumerate(b_values):
        for slice_number in range(2):
            data = Dataset()
            data.SOPClassUID, data.Modality, data.StudyInstanceUID = MRImageStorage, "MR", study["StudyInstanceUID"]
            data.SeriesInstanceUID = f"{data.StudyInstanceUID}.{number}"
            data.SOPInstanceUID = f"{data.SeriesInstanceUID}.{at}.{slice_number}"
            data.ImagePositionPatient, data.ImageOrientationPatient = [-10.0, -20.0, 0.0], [1, 0, 0, 0, 1, 0]
            data.ImageType, data.FrameOfReferenceUID = ["ORIGINAL", "PRIMARY", "M"], f"{data.StudyInstanceUID}.0"
            data.EchoTime, data.FlipAngle, data.AcquisitionNumber = 2.0, 90, 1
            for name, value in {**tags, **study}.items():
                setattr(data, name, value)
            if b is not None:
                data.DiffusionBValue = b
            corner, axes = np.array(data.ImagePositionPatient, float), np.array(data.ImageOrientationPatient, float)
            data.ImagePositionPatient = (corner + 3.0 * slice_number * np.cross(axes[:3], axes[3:])).tolist()
            data.AcquisitionTime = f"{float(tags['AcquisitionTime']) + 0.3 * slice_number:013.6f}"
            data.Rows, data.Columns, data.PixelSpacing, data.SliceThickness = 12, 12, [2.0, 2.0], 3.0
            data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
            data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
            data.PixelData = np.arange(144, dtype="<u2").tobytes()
            meta = FileMetaDataset()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            path = folder / str(draw.randint(0, 3)) / f"{draw.getrandbits(60):x}"
            path.parent.mkdir(parents=True, exist_ok=True)
            pydicom.dcmwrite(path, FileDataset(str(path), data, file_meta=meta, preamble=b"\0" * 128))


def of_patient(uid: str, day: str, **tags: Any) -> dict[str, Any]:
    return {"StudyInstanceUID": uid, "PatientID": "SECRET-7", "StudyDate": day, "BodyPartExamined": "ABDOMEN", **tags}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The study, and others of its patient."""
    folder = tmp_path_factory.mktemp("linked")
    draw = random.Random(3)
    for tags in SERIES:
        write_series(folder / "files", tags, study=of_patient(STUDY, "20200301"), draw=draw)
    for number, (day, part) in enumerate((("20190301", "ABDOMEN"), ("20200305", "KNEE"), ("", "ABDOMEN")), 1):
        study = of_patient(f"{STUDY}00{number}", day, BodyPartExamined=part)
        write_series(folder / "files", series(1, "t2_tse", "100000"), study=study, draw=draw)
    made = Home(folder / "home")  # with the encoder that a server expects
    made.index(folder / "files")
    return made


def numbered(study: Study) -> dict[Any, list[dict[int | None, str]]]:
    numbers = {one.uid: one.number for one in study.series}
    found: dict[Any, list[dict[int | None, str]]] = {}
    for group in study.groups:
        parts = {numbers[member.series_uid]: member.part for member in group.members}
        found.setdefault((group.kind, group.what, group.by), []).append(parts)
    return found


def opened(home: Home) -> Study:
    tighten(home.folder)  # else it is told, once, that others could read it
    environment = {"SPINECHO_DATABASE": home.server} if home.server else {}
    with Archive(read_settings(home=home.folder, device="cpu", environment=environment)) as archive:
        return archive.study(STUDY)


def test_series_of_a_study_are_grouped_with_what_they_are_and_why(home: Home) -> None:
    assert numbered(opened(home)) == EXPECTED


def test_other_names_and_another_order_on_a_server_change_nothing(postgresql: Server, tmp_path: Path) -> None:
    draw = random.Random(11)
    shuffled = draw.sample(SERIES, len(SERIES))
    made = Home(tmp_path / "home", parts_dual, server=postgresql.new())
    for half in (shuffled[:9], shuffled[9:]):  # in two runs: rows have other numbers too
        for tags in half:
            write_series(tmp_path / "files", tags, study=of_patient(STUDY, "20200301"), draw=draw)
        made.index(tmp_path / "files")
    assert numbered(opened(made)) == EXPECTED


def test_of_a_study_of_many_files_groups_are_found_without_times(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_study, "MOST_FILES", 5)
    of_study._known.clear()
    found = numbered(opened(home))
    of_study._known.clear()
    dixon = [parts for (_, what, _), some in found.items() if what == ("Dixon images",) for parts in some]
    assert dixon == EXPECTED[next(key for key in EXPECTED if key[1] == ("Dixon images",))]
    assert not any("acquisition time" in by for _, _, by in found)


def test_other_studies_tell_how_far_they_lie_apart_and_name_nobody(home: Home) -> None:
    found = opened(home).others
    assert [(one.study.uid[-1], one.days, one.body_regions, one.same_region) for one in found] == [
        ("1", -366, ("abdomen",), True), ("3", None, ("abdomen",), True), ("2", 4, ("knee",), False),
    ]  # fmt: skip
    assert "SECRET" not in repr(found)


def test_a_server_tells_the_same_and_names_nobody(home: Home) -> None:
    here = opened(home)
    with open_served(home, Door(alone=True, secret="s")) as served:
        told = served.get(f"/studies/{STUDY}", headers={"Authorization": "Bearer s"})
    afar = study_of(told.json(), {}, lambda *_: pytest.fail("no voxel is asked for"))
    assert (afar.groups, afar.others) == (here.groups, here.others)
    assert "SECRET" not in told.text


GRID = Grid((8, 8, 8), (1.0, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0))
MOVED = Grid((8, 8, 8), (1.0, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (30.0, 0.0))


def scan(number: int, *, uid: str = "", **facts: Any) -> Scan:
    part = ("", "magnitude", 2.0, -1.0, -1.0, "", "")
    usual: dict[str, Any] = {
        "description": "scan", "protocol": "p", "sequence": frozenset({"T1"}), "contrast": "unknown",
        "technique": frozenset(), "parts": frozenset({part}), "tr_ms": frozenset({6.0}), "flip_deg": frozenset({9.0}),
        "fat_suppressed": None, "frame": "f", "begun": None, "acquisitions": frozenset({1}), "grids": (GRID,),
    }  # fmt: skip
    return Scan(uid=uid or f"1.{number}", number=number, **{**usual, **facts})


def dixon(name: str) -> frozenset[Any]:
    return frozenset({(name, "", 2.0, -1.0, -1.0, "", "")})


def b(value: float) -> dict[str, Any]:
    return {"sequence": frozenset({"DWI"}), "parts": frozenset({("", "magnitude", 60.0, -1.0, value, "", "")})}


ADC = {"sequence": frozenset({"ADC"}), "parts": frozenset({("", "", 60.0, -1.0, -1.0, "ADC map", "")})}
W, F = dixon("water"), dixon("fat")
CASES: dict[str, tuple[list[Scan], list[set[int]]]] = {
    "the same again, at another time": ([scan(1, begun=0.0), scan(2, begun=90.0)], []),
    "the same again, at no time": ([scan(1), scan(2)], []),
    "one second, two repetition times": ([scan(1, begun=0.0), scan(2, begun=0.0, tr_ms=frozenset({9.0}))], []),
    "two frames of reference": ([scan(1, begun=0.0, parts=W), scan(2, begun=0.0, parts=F, frame="g")], []),
    "two grids": ([scan(1, begun=0.0, parts=W), scan(2, begun=0.0, parts=F, grids=(MOVED,))], []),
    "a clock that stands still tells nothing": (
        [
            scan(1, begun=0.0, parts=W), scan(2, begun=0.0, parts=F), scan(3, begun=0.0, parts=W),
            scan(4, begun=0.0, parts=F), scan(9, begun=0.0, tr_ms=frozenset({900.0}), protocol="q"),
        ],
        [{1, 2}, {3, 4}],
    ),
    "without times, by what comes again": (
        [scan(1, parts=W), scan(2, parts=F), scan(3, parts=W), scan(4, parts=F)], [{1, 2}, {3, 4}],
    ),
    "without times and numbers, what comes again is of nobody": (
        [scan(1, parts=W), scan(2, parts=F), replace(scan(3, parts=W), number=None)], [],
    ),
    "without times, by acquisition number": (
        [scan(1, parts=W, acquisitions=frozenset({1})), scan(2, parts=F, acquisitions=frozenset({2}))], [],
    ),
    "without times and a protocol, nothing": ([scan(1, parts=W, protocol=""), scan(2, parts=F, protocol="")], []),
    "another protocol, without times": ([scan(1, parts=W), scan(2, parts=F, protocol="q")], []),
    "an ADC map of the only diffusion": (
        [scan(1, begun=0.0, **b(800)), scan(2, begun=0.0, **b(0)), scan(7, begun=70.0, protocol="", **ADC)],
        [{1, 2, 7}],
    ),
    "an ADC map of the diffusion before it": (
        [
            scan(1, begun=0.0, **b(800)), scan(2, begun=9.0, **ADC), scan(3, begun=50.0, **b(800)),
            scan(4, begun=59.0, **ADC),
        ],
        [{1, 2}, {3, 4}],
    ),
    "an ADC map of no diffusion": ([scan(1, begun=0.0), scan(2, begun=9.0, **ADC)], []),
    "contrast on another grid": ([scan(1, contrast="no"), scan(2, contrast="yes", grids=(MOVED,))], []),
    "contrast with and without fat": (
        [scan(1, contrast="no", fat_suppressed=False), scan(2, contrast="yes", fat_suppressed=True)], [],
    ),
    "contrast that is not known": ([scan(1, contrast="no"), scan(2, begun=5.0)], []),
    "contrast that is not known of the earlier": ([scan(1, begun=1.0), scan(2, begun=99.0, contrast="yes")], [{1, 2}]),
    "contrast that is not known of the later": ([scan(1, begun=99.0), scan(2, begun=1.0, contrast="yes")], []),
    "contrast that is not known of one at no time": ([scan(1), scan(2, begun=1.0, contrast="yes")], []),
    "contrast of one Dixon image": (
        [scan(1, contrast="no", parts=W), scan(2, contrast="yes", parts=W), scan(3, contrast="yes", parts=F)],
        [{2, 3}, {1, 2}],
    ),
    "two runs of a dynamic that differ in timing": (
        [scan(n, begun=60.0 * n, technique=frozenset({"DCE"}), flip_deg=frozenset({9.0 + n})) for n in (1, 2)], [],
    ),
}  # fmt: skip


def found_of(scans: Sequence[Scan]) -> list[set[int | None]]:
    numbers = {one.uid: one.number for one in scans}
    return [{numbers[member.series_uid] for member in group.members} for group in groups_of(scans)]


@pytest.mark.parametrize("case", CASES)
def test_what_belongs_together_and_what_does_not(case: str) -> None:
    scans, expected = CASES[case]
    assert found_of(scans) == expected


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(sorted(CASES)), min_size=1, max_size=4, unique=True))
def test_order_and_uids_of_series_change_nothing(draw: random.Random, names: list[str]) -> None:
    """Several cases in one study: whatever their groups are, they are the same for other UIDs in another order."""
    scans = [
        Scan(**{**fields(one), "uid": f"1.{at}.{place}", "number": one.number and 100 * at + one.number})
        for at, name in enumerate(names)
        for place, one in enumerate(CASES[name][0])
    ]
    uids = draw.sample([one.uid for one in scans], len(scans))
    other = [Scan(**{**fields(one), "uid": uid}) for one, uid in zip(scans, uids, strict=True)]
    draw.shuffle(other)

    def told(some: list[Scan]) -> list[Any]:
        numbers = {one.uid: one.number for one in some}
        return sorted(_told(group, numbers) for group in groups_of(some))

    assert told(other) == told(scans)


def _told(group: SeriesGroup, numbers: Mapping[str, int | None]) -> tuple[Any, ...]:
    members = sorted((numbers[one.series_uid] or 0, one.part) for one in group.members)
    return group.kind, group.what, group.by, tuple(members)


def fields(one: Scan) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Scan.__dataclass_fields__}


def card(number: int, day: date | None) -> StudyCard:
    return StudyCard(number, f"1.{number}", "", "P", day, "", None, None)


def shown(region: str, sequence: str = "T1") -> SeriesCard:
    return SeriesCard(1, 1, "1.1", 1, "", sequence, "axial", region, "no", 3.0, "GE", False, (), 1, 1)


def test_other_studies_of_the_same_region_come_first_then_the_nearest() -> None:
    others = [
        (card(2, date(2020, 1, 2)), [shown("knee")]),
        (card(3, date(2021, 1, 1)), [shown("brain"), shown("knee", "localizer")]),
        (card(4, None), [shown("brain")]),
        (card(5, date(2019, 12, 1)), [shown("unknown"), shown("brain")]),
        (card(6, date(2020, 1, 1)), []),
    ]
    found = others_in_order(card(1, date(2020, 1, 1)), [shown("brain"), shown("unknown")], others)
    assert [(one.card.id, one.days) for one in found] == [(5, -31), (3, 366), (4, None), (6, 0), (2, 1)]
    assert [one.regions for one in found] == [("brain",), ("brain",), ("brain",), (), ("knee",)]
    assert {one.days for one in others_in_order(card(1, None), [], others)} == {None}
