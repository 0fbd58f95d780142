"""A DICOMDIR names files: those that are there are read once, at their places; those that are gone are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.directory import file_names
from spinecho.encoders.reading.files import scan_file


def _real(folder: Path) -> Path:
    """The DICOMDIR that pydicom's own tests read, of a real medium."""
    found = get_testdata_file("DICOMDIR", download=False)
    if not isinstance(found, str):
        pytest.skip("pydicom's test files are not installed with it")
    target = folder / "DICOMDIR"
    target.write_bytes(Path(found).read_bytes())
    return target


def _refusal(path: Path) -> ReadError:
    with pytest.raises(ReadError) as error:
        scan_file(path, root=path.parent)
    return error.value


def test_files_that_are_gone_are_counted_and_those_that_are_there_are_not(tmp_path: Path) -> None:
    path = _real(tmp_path)
    names = file_names(path)
    assert len(names) == len({*names}) > 20
    for name in names[2:]:
        (tmp_path.joinpath(*name)).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(*name).write_bytes(b"x")
    error = _refusal(path)
    assert error.reason is Reason.FILES_GONE
    assert f"names {len(names)} files, and 2 of them" in str(error)
    for name in names[:2]:
        target = tmp_path.joinpath(*(part.lower() for part in name))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"x")
    assert _refusal(path).reason is Reason.NO_PIXELS


def test_names_that_lead_out_are_not_looked_for(tmp_path: Path) -> None:
    path = _real(tmp_path)
    first = "\\".join(file_names(path)[0]).encode()
    path.write_bytes(path.read_bytes().replace(first, b"..\\" * (len(first) // 3) + b"x" * (len(first) % 3), 1))
    assert "lead out" in str(_refusal(path))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8), st.integers(0, 100))
def test_only_typed_errors_leave_a_torn_one(tmp_path: Path, changes: list[tuple[int, int]], share: int) -> None:
    path = _real(tmp_path)
    data = bytearray(path.read_bytes())
    for at, value in changes:
        data[at % len(data)] = value
    path.write_bytes(bytes(data[: max(200, len(data) * share // 100)]))
    with pytest.raises(ReadError):
        scan_file(path, root=tmp_path)
