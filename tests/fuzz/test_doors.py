"""Odd and mutated bytes at every door, in real reading processes: no reader may crash, hang, or let go of an error
that has no type.

Short by default. `SPINECHO_FUZZ=2000` gives each file so many examples, and takes files of $SPINECHO_TESTDATA in.
"""

from __future__ import annotations

import gzip
import io
import itertools
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzz_seeds import Files, archives, images, reports
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import Reason
from spinecho.encoders.preparing.preparation import SlicePreparation
from spinecho.encoders.reading.formats.known import FORMATS as VOLUMES
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.tasks.archive_tasks import archive_task, unpack_members
from spinecho.encoders.tasks.image_tasks import digest_task, query_task, unpack_read
from spinecho.indexer.reports.parsing.formats.every import FORMATS as REPORTS
from spinecho.indexer.reports.parsing.reading_task import report_task, unpack_reports

EXAMPLES = int(os.environ.get("SPINECHO_FUZZ", "2"))
SPEC = SlicePreparation().spec
KINDS = {"image": images(), "report": reports(), "archive": archives()}
WHOLE = [(door, name) for door, seeds in KINDS.items() for name, files in seeds.items() if files]
_NUMBERS = itertools.count()
_FEW = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=EXAMPLES < 100, database=None,
)  # fmt: skip
_ODD = [
    b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"-1", b"99999999999", b"nan", b"1e999",
    b"\xfe\xff\xdd\xe0", b"{" * 3000, b"[" * 3000, b"<a>" * 3000, b"((" * 1500, b"\xed\xa0\x80", b"\r\n\x0b\x1c",
    b"..\\..\\", b"&x;", b"NULL", b"\xe2\x80\xae",
]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=2048) as made:
        yield made


def asked(sandbox: Sandbox, door: str, path: Path) -> Outcome:
    """What a door makes of a file, held to be typed."""
    match door:
        case "image":
            outcome = held(sandbox, query_task(str(path), spec=SPEC, seconds=20))
            unpack_read(outcome.messages)
        case "report":
            outcome = held(sandbox, report_task(str(path)))
            unpack_reports(outcome.messages)
        case _:
            outcome = held(sandbox, archive_task(str(path)))
            files, _, _ = unpack_members(outcome)
            held(sandbox, digest_task([f"{path}!/{one.path}" for one in files], seconds=20))
    return outcome


def held(sandbox: Sandbox, task: Task) -> Outcome:
    outcome = sandbox.run(Task(task.call, task.arguments, 20.0))
    assert outcome.failure is None, (outcome.failure, outcome.detail)
    return outcome


def put(folder: Path, files: Files) -> Path:
    """The files in a new place: a folder for images of several, else the file that is asked for."""
    place = folder / str(next(_NUMBERS))
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    return place if len(files) > 1 else place / next(iter(files))


def zipped(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@st.composite
def mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes as a torn, a foreign or a malicious writer leaves them; what lies in gzip or zip is mutated there too."""
    inside = draw(st.booleans())
    if inside and raw[:2] == b"\x1f\x8b":
        return gzip.compress(draw(_damaged(gzip.decompress(raw))))
    if inside and raw[:4] == b"PK\x03\x04":
        return draw(_member_damaged(raw))
    return draw(_damaged(raw))


@st.composite
def _damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    out = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        reach = min(len(out), draw(st.sampled_from([64, 600, 4000, 1 << 30])))
        at = draw(st.integers(0, max(0, reach)))
        match draw(st.integers(0, 5)):
            case 0:
                out[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                some = draw(st.sampled_from(_ODD))
                out[at : at + len(some)] = some
            case 2:
                out[at:at] = draw(st.sampled_from(_ODD))
            case 3:
                del out[at : at + draw(st.integers(1, 200))]
            case 4:
                out[at:at] = out[at : at + draw(st.integers(1, 300))] * draw(st.integers(1, 20))
            case _:
                del out[at:]
    return bytes(out)


@st.composite
def _member_damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    one = draw(st.sampled_from(sorted(files)))
    return zipped(files | {one: draw(_damaged(files[one]))})


@pytest.mark.parametrize(("door", "name"), WHOLE, ids=[f"{door}-{name}" for door, name in WHOLE])
def test_a_whole_file_is_read(sandbox: Sandbox, tmp_path: Path, door: str, name: str) -> None:
    """Else the mutations of it would be tried on nothing."""
    outcome = asked(sandbox, door, put(tmp_path, KINDS[door][name]))
    values = [value for value, _ in outcome.messages if "columns" not in value]
    assert values
    refused = [value for value in values if "reason" in value or "message" in value]
    assert len(refused) < len(values) or name == "par", "its header tells of more voxels than lie beside it"
    assert {value.get("reason") for value in refused} <= {Reason.UNSUPPORTED_TYPE, Reason.TRUNCATED, Reason.NOT_READ}, (
        refused
    )


@pytest.mark.parametrize("name", KINDS["report"])
def test_a_report_in_an_archive_is_the_one_on_the_disk(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    files = KINDS["report"][name]
    place, on_disk = put(tmp_path, {"a.zip": zipped(files)}), put(tmp_path, files)
    there, here = (asked(sandbox, "report", path) for path in (Path(f"{place}!", on_disk.name), on_disk))
    assert there.messages == here.messages


@pytest.mark.parametrize(("door", "name"), WHOLE, ids=[f"{door}-{name}" for door, name in WHOLE])
@_FEW
@given(data=st.data())
def test_only_typed_errors_leave_a_mutated_file(
    sandbox: Sandbox, tmp_path: Path, door: str, name: str, data: st.DataObject
) -> None:
    files = KINDS[door][name]
    which = data.draw(st.sampled_from(sorted(files)))
    changed = {one: data.draw(mutated(raw)) if one == which else raw for one, raw in files.items()}
    asked(sandbox, door, put(tmp_path, changed))


_STARTS = [
    b"", b"\x1f\x8b", b"PK\x03\x04", b"%PDF-1.7", b"{\\rtf1", b"<?xml ", b"MSH|^~\\&|", b"NRRD0005\n", b"PAR1", b"[{",
    b"\0" * 128 + b"DICM", b"\xff\xfe", b"<html>", b"ObjectType = Image\n",
]  # fmt: skip
NAMES = sorted({name for seeds in KINDS.values() for files in seeds.values() for name in files} | {"a", "DICOMDIR"})


@settings(_FEW, max_examples=10 * EXAMPLES)
@given(
    door=st.sampled_from(sorted(KINDS)),
    name=st.sampled_from(NAMES),
    start=st.sampled_from(_STARTS),
    rest=st.binary(max_size=600),
)  # fmt: skip
def test_only_typed_errors_leave_any_bytes(
    sandbox: Sandbox, tmp_path: Path, door: str, name: str, start: bytes, rest: bytes
) -> None:
    asked(sandbox, door, put(tmp_path, {name: start + rest}))


@pytest.mark.skipif(EXAMPLES < 100, reason="real files are mutated on demand: SPINECHO_FUZZ=2000")
@_FEW
@given(data=st.data())
def test_only_typed_errors_leave_mutated_real_files(
    sandbox: Sandbox, tmp_path: Path, testdata: Path, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(_real(testdata)))
    asked(sandbox, "image", put(tmp_path, {path.name: data.draw(mutated(path.read_bytes()))}))


def _real(testdata: Path, kept: dict[Path, list[Path]] = {}) -> list[Path]:  # noqa: B006  (found once)
    """One file a folder, none of them large."""
    if testdata not in kept:
        folders: dict[Path, Path] = {}
        for path in sorted([*(testdata / "dicom").rglob("*"), *(testdata / "nifti").rglob("*")]):
            if path.is_file() and path.suffix != ".md" and path.stat().st_size < 3 << 20:
                folders.setdefault(path.parent, path)
        kept[testdata] = list(folders.values())
    return kept[testdata]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.json", b"[" * 200_000),
        ("deep.xml", b"<?xml version='1.0'?>" + b"<a>" * 200_000),
        ("deep.html", b"<html>" + b"<div>" * 200_000 + b"FINDINGS: none"),
        ("deep.rtf", b"{\\rtf1" + b"{" * 200_000 + b"FINDINGS: none"),
        ("deep.jsonl", b'{"report": ' + b"[" * 200_000),
        ("deep.hl7", b"MSH|^~\\&|" + b"A&B^" * 200_000),
    ],
)
def test_no_nesting_is_too_deep_to_be_refused(sandbox: Sandbox, tmp_path: Path, name: str, content: bytes) -> None:
    outcome = asked(sandbox, "report", put(tmp_path, {name: content}))
    reasons = {value.get("reason") for value, _ in outcome.messages if "message" in value}
    assert reasons <= {None, *map(str, Reason)}


@pytest.mark.parametrize("format_of", [*VOLUMES, *REPORTS], ids=lambda one: type(one).__name__ + one.name)
def test_every_format_has_a_seed(tmp_path: Path, format_of: Any) -> None:
    recognises = getattr(format_of, "claims", None) or format_of.recognises
    kind = "image" if hasattr(format_of, "claims") else "report"
    whole = (next(iter(files.items())) for files in KINDS[kind].values() if files)
    assert any(recognises(Path(name), data[: 540 if kind == "image" else 1 << 16]) for name, data in whole)
