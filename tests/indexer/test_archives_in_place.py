"""Zip and tar archives are read where they lie: as folders are, whatever is odd in them, and never as a whole."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Home, small_archive
from hypothesis import given, settings
from hypothesis import strategies as st
from parts_encoder import parts_dual

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.archives.members import members
from spinecho.encoders.reading.archives.opened import Entry
from spinecho.encoders.reading.archives.paths import inner_path, split
from spinecho.encoders.reading.files import read_path, read_series, scan_file
from spinecho.encoders.reading.headers import VolumeRead
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.tasks import archive_tasks


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_archive(tmp_path_factory.mktemp("plain") / "archive", studies=1, keep=2)


@pytest.fixture(scope="module")
def expected(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    home = Home(tmp_path_factory.mktemp("home"), parts_dual)
    home.index(plain)
    return _what_matters(home)


def _what_matters(home: Home) -> dict[str, object]:
    rows = home.rows()
    return {name: rows[name] for name in ("studies", "volumes", "image_vectors", "passages")}


def _zip(source: Path, target: Path, *, without: Callable[[Path], bool] = lambda _: False) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and not without(path):
                archive.write(path, path.relative_to(source.parent))


def _tar(source: Path, target: Path) -> None:
    with tarfile.open(target, "w:gz" if target.name.endswith("gz") else "w") as archive:
        archive.add(source, source.name)


def _nested(source: Path, target: Path) -> None:
    _tar(source, target.with_suffix(".tgz"))
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(target.with_suffix(".tgz"), "inner/a.tgz")
    target.with_suffix(".tgz").unlink()


_MADE: dict[str, Callable[[Path, Path], None]] = {
    "a.zip": _zip, "a.tar": _tar, "a.tar.gz": _tar, "A.TGZ": _tar, "nested.zip": _nested,
}  # fmt: skip


@pytest.mark.parametrize("name", ["nested.zip"])
def test_an_archive_is_read_as_the_folder_that_it_was_made_of(
    tmp_path: Path, plain: Path, expected: dict[str, object], name: str
) -> None:
    root = tmp_path / "exports"
    root.mkdir()
    _MADE[name](plain, root / name)
    home = Home(tmp_path / "home", parts_dual)
    first = home.index(root)
    assert _what_matters(home) == expected
    assert first.reasons.pop("ARCHIVE") == 1
    assert os.listdir(root) == [name]  # noqa: PTH208


def test_an_archive_that_is_as_it_was_is_not_opened(
    tmp_path: Path, plain: Path, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "exports"
    root.mkdir()
    _zip(plain, root / "a.zip")
    home = Home(tmp_path / "home", parts_dual)
    home.index(root)
    with monkeypatch.context() as patched:
        patched.setattr("spinecho.indexer.sources.archives.archive_task", _never)
        again = home.index(root)
    assert (again.counts.get("missing", 0), again.counts.get("series", 0)) == (0, 0)
    assert _what_matters(home) == expected

    os.rename(root / "a.zip", root / "b.zip")  # noqa: PTH104
    moved = home.index(root)
    assert moved.counts["moved"] > 0
    assert moved.counts.get("series", 0) == 0
    assert _what_matters(home) == expected
    left = home.query(
        "SELECT f.name, f.kind FROM files f JOIN folders d ON d.id = f.folder_id WHERE d.path LIKE '%a.zip!%'"
    )
    assert not [kind for _, kind in left if kind != "other"]

    series = sorted({path.parent for path in (plain / "dicom").rglob("*.dcm")})[0]
    _zip(plain, root / "b.zip", without=lambda path: path.parent == series)
    changed = home.index(root, prune=True, yes=True)
    assert changed.counts["pruned"] == len(list(series.iterdir()))
    assert len(_what_matters(home)["volumes"]) < len(expected["volumes"])  # type: ignore[arg-type]

    (root / "b.zip").write_bytes((root / "b.zip").read_bytes()[:-100])
    torn = home.index(root, prune=True, yes=True)
    assert (torn.reasons["TRUNCATED"], torn.counts.get("pruned", 0)) == (1, 0)

    (root / "b.zip").unlink()
    (root / "note.txt").write_text("Accession: 77\nFINDINGS: none")
    gone = home.index(root, prune=True, yes=True)
    assert gone.counts["pruned"] > 0
    assert home.query("SELECT count(*) FROM volumes") == [(0,)]


def _never(_path: str) -> None:
    raise AssertionError("the archive was opened")


def test_odd_entries_never_stop_the_rest(tmp_path: Path, plain: Path, expected: dict[str, object]) -> None:
    root = tmp_path / "exports"
    root.mkdir()
    _zip(plain, root / "a.zip")
    with warnings.catch_warnings(), zipfile.ZipFile(root / "a.zip", "a") as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        archive.writestr("../out.dcm", b"x" * 9)
        archive.writestr("/etc/passwd.dcm", b"x" * 9)
        archive.writestr("C:\\evil.dcm", b"x" * 9)
        archive.writestr("__MACOSX/._a", b"x")
        archive.writestr("twice.bin", b"first")
        archive.writestr("twice.bin", b"second")
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, b"/etc/passwd")
        archive.writestr("bomb.dcm", bytes(100 << 20), zipfile.ZIP_DEFLATED)
        archive.writestr("secret.dcm", b"locked")
        archive.writestr("one.zip", _zipped({"two.zip": _zipped({"IM1": b"deep"}), "torn.zip": b"PK\3\4"}))
    _encrypt(root / "a.zip", b"secret.dcm")
    home = Home(tmp_path / "home", parts_dual)
    home.index(root)
    assert _what_matters(home) == expected
    found = {name: Reason(reason) for _, name, _, reason in home.rows()["failures"]}
    assert {found.pop(name) for name in ("out.dcm", "etc_passwd.dcm", "C:_evil.dcm", "link.dcm", "twice.bin (4)")} == {
        Reason.MEMBER_REFUSED
    }
    assert (found["bomb.dcm"], found["secret.dcm"]) == (Reason.TOO_LARGE, Reason.ENCRYPTED)
    assert found["one.zip_two.zip" if "one.zip_two.zip" in found else "one.zip!_two.zip"] is Reason.NOT_READ


def _encrypt(path: Path, name: bytes) -> None:
    """Set the bit that says so, in the entry's own header and in the directory."""
    data = bytearray(path.read_bytes())
    for mark, flags, at in ((b"PK\3\4", 6, 30), (b"PK\1\2", 8, 46)):
        start = data.find(mark)
        while start >= 0:
            if data[start + at : start + at + len(name)] == name:
                data[start + flags] |= 1
            start = data.find(mark, start + 4)
    path.write_bytes(bytes(data))


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_an_archive_that_unfolds_to_too_much_is_not_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(_tarinfo("IM1", 90 << 20), io.BytesIO(bytes(90 << 20)))
    (tmp_path / "bomb.tgz").write_bytes(gzip.compress(out.getvalue()))
    (tmp_path / "bomb.zip").write_bytes(_zipped({f"{n}.dcm": bytes(30 << 20) for n in range(3)}))
    for name in ("bomb.tgz", "bomb.zip"):
        with pytest.raises(ReadError) as error:
            list(members(tmp_path / name))
        assert error.value.reason is Reason.TOO_LARGE


def _tarinfo(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def test_what_the_directory_says_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(_zipped({"IM1": b"a" * 100, "IM2": b"b" * 100}))
    at = data.find(b"PK\1\2")
    data[at + 24 : at + 28] = (50).to_bytes(4, "little")  # the size of IM1, unfolded
    (tmp_path / "a.zip").write_bytes(bytes(data))
    entries = list(members(tmp_path / "a.zip"))
    assert [one.path for one in entries if isinstance(one, Entry)] == ["IM1", "IM2"]
    with pytest.raises(ReadError):
        open_file(tmp_path / "a.zip!" / "IM1")
    assert open_file(tmp_path / "a.zip!" / "IM2").read() == b"b" * 100
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "a.zip!" / "IM3")


@given(st.text(max_size=12))
def test_a_name_in_an_archive_leads_nowhere_else(name: str) -> None:
    path = inner_path(name)
    if path is not None:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert split(f"/r/a.zip!/{path}") == ("/r/a.zip", (path,))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([".zip", ".tar", ".tgz"]), st.data())
def test_only_typed_errors_leave_a_torn_archive(ending: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        source = Path(folder) / "in"
        source.mkdir()
        (source / "IM1").write_bytes(b"a" * 3000)
        (source / "b.zip").write_bytes(_zipped({"c": b"c"}))
        (_zip if ending == ".zip" else _tar)(source, path)
        content = bytearray(path.read_bytes())
        for at, value in data.draw(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8)):
            content[at % len(content)] = value
        path.write_bytes(bytes(content[: len(content) * data.draw(st.integers(50, 100)) // 100]))
        messages = list(archive_tasks.list_members({"path": str(path)}))
        for value, _ in messages:
            for name, one, _other in value.get("entries", ()):
                if isinstance(one, int):
                    try:
                        open_file(Path(f"{path}!") / name).close()
                    except (ReadError, OSError):
                        continue
        shutil.rmtree(source)


@pytest.mark.parametrize("name", ["real.zip", "real.tgz"])
def test_a_real_series_is_the_same_in_an_archive(tmp_path: Path, testdata: Path, name: str) -> None:
    series = testdata / "dicom" / "fnndsc_sag_anon" / "anon_3y" / "sag_mprage"
    if not series.is_dir():
        pytest.skip("the real data hold no fnndsc_sag_anon")
    source = tmp_path / "in"
    source.mkdir()
    for path in sorted(series.iterdir())[:8]:
        shutil.copy(path, source)
    _MADE["a.zip" if name.endswith("zip") else "A.TGZ"](source, tmp_path / name)
    inside = [tmp_path / f"{name}!" / one.path for one in members(tmp_path / name) if isinstance(one, Entry)]
    headers = [scan_file(path, root=tmp_path) for path in inside]
    (found,) = read_series(headers)
    (plain,) = read_path(source)
    assert isinstance(found, VolumeRead)
    assert isinstance(plain, VolumeRead)
    assert (found.volume.voxels == plain.volume.voxels).all()
    assert (found.study, found.acquisition) == (plain.study, plain.acquisition)
