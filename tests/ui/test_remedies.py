"""Each remedy that a message names exists, and the ones for files mend what they are for."""

from __future__ import annotations

import ast
import gzip
import io
import re
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from typer.main import get_command

from spinecho.encoders.errors import EncoderError, Reason
from spinecho.encoders.sandbox.processes import reading_memory
from spinecho.ui.cli.app import app
from spinecho.ui.cli.named import UNSAID, NamedGroup

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"'(spinecho [^']*)'")
BARE = re.compile(r"(?<![-\w])(--[a-z][a-z-]+)")


def messages() -> list[tuple[str, str]]:
    """(where, text) of every text in the product's sources that names a command or an option."""
    found = []
    for package in ("db", "encoders", "indexer", "search", "ui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                text = ""
                if isinstance(node, ast.JoinedStr):
                    parts = [one.value if isinstance(one, ast.Constant) else "X" for one in node.values]
                    text = "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    text = node.value
                if NAMED.search(text):
                    found.append((f"{path.relative_to(ROOT)}:{node.lineno}", text))
    return found


def options_of(command: Any) -> set[str]:
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and what is left of them."""
    command: Any = get_command(app)
    rest = words
    while hasattr(command, "commands"):
        assert rest, words
        if isinstance(command, NamedGroup) and rest[0] not in command.commands:
            return command.commands[UNSAID], rest
        assert rest[0] in command.commands, f"there is no command {rest[0]!r} in {words}"
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize(("where", "text"), messages(), ids=lambda value: str(value)[:60])
def test_commands_that_messages_name_exist(where: str, text: str) -> None:
    for said in NAMED.findall(text):
        command, rest = resolve(shlex.split(said.replace("...", ""))[1:])
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in options_of(command), f"{where}: {said}"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_remedy_of_options_that_exist(reason: Reason) -> None:
    assert len(reason.remedy) > 20
    index = options_of(resolve(["index"])[0])
    assert set(BARE.findall(reason.remedy)) <= index
    for said in NAMED.findall(reason.remedy):
        resolve(said.split()[1:])


def write_slice(path: Path, description: str) -> None:
    """One slice, always with the same SOP Instance UID."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = MRImageStorage, "2.25.3", "MR"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.SeriesDescription = "2.25.1", "2.25.2", description
    made.ImageOrientationPatient, made.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
    made.PixelSpacing, made.SliceThickness = [1, 1], 5
    made.Rows = made.Columns = 16
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.PixelData = np.arange(256, dtype=np.uint16).tobytes()
    made["PixelData"].VR = "OW"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(exist_ok=True)
    made.save_as(path, enforce_file_format=True)


def test_following_the_remedies_mends(tmp_path: Path) -> None:
    """What is broken in every way is listed; then each file is mended as its remedy says, with the options it names."""
    root, outside = tmp_path / "archive", tmp_path / "outside"
    good = gzip.decompress(write_nifti(tmp_path / "good.nii.gz", brain(1)).read_bytes())
    write_nifti(root / "fine_T1w.nii.gz", brain(2))
    write_nifti(outside / "out.nii.gz", brain(3))
    (root / "cut.nii").write_bytes(good[:2000])
    (root / "empty.nii.gz").write_bytes(b"")
    (root / "named.nii.gz").write_bytes(b"not gzip at all" * 100)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive_file:
        archive_file.writestr("inside.nii", good)
    (root / "study.pack").write_bytes(packed.getvalue())
    (root / "ACC9.txt").write_bytes(b"")
    (root / "r.csv").write_text("numero,texte\n1,normal\n", encoding="utf-8")
    (root / "out.nii.gz").symlink_to(outside / "out.nii.gz")
    (root / "gone.nii.gz").symlink_to(outside / "gone.nii.gz")
    write_slice(root / "one" / "a.dcm", "first")
    write_slice(root / "one" / "b.dcm", "other")
    home = Home(tmp_path / "home", parts_dual)
    expected = {Reason.TRUNCATED, Reason.EMPTY_FILE, Reason.NOT_GZIP, Reason.NOT_READ, Reason.BAD_REPORT,
                Reason.LINK_OUTSIDE, Reason.LINK_BROKEN, Reason.CONFLICT}  # fmt: skip
    assert set(home.index(root).reasons) == expected
    assert home.index(root).mendable >= len(expected)  # nothing mends itself

    (root / "cut.nii").write_bytes(good)  # copy again
    shutil.copy(tmp_path / "good.nii.gz", root / "empty.nii.gz")
    shutil.copy(tmp_path / "good.nii.gz", root / "named.nii.gz")
    with zipfile.ZipFile(root / "study.pack") as archive_file:
        archive_file.extractall(root / "study")
    (root / "study.pack").unlink()  # unpack, and take it out
    (root / "ACC9.txt").write_text("FINDINGS: normal.\n", encoding="utf-8")
    (root / "r.csv").write_text("accession_number,report\nA1,normal brain\n", encoding="utf-8")
    shutil.copy(tmp_path / "good.nii.gz", outside / "gone.nii.gz")  # bring back what the link leads to
    (root / "one" / "b.dcm").unlink()  # take the wrong one out
    options: dict[str, Any] = {"follow_links": True, "prune": True, "retry": True}
    mended = home.index(root, **options)
    assert {reason for reason in mended.reasons if not Reason(reason).ignorable} == set()


def test_more_memory_reads_what_was_too_big(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    voxels = np.zeros((320, 320, 360), np.int16)
    voxels[100:200, 100:200, 100:200] = np.random.default_rng(0).integers(300, 900, (100, 100, 100))
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([0.2, 0.2, 0.2, 1])), root / "exvivo.nii")
    home = Home(tmp_path / "home", parts_dual)
    assert home.index(root, memory_mb=512, workers=1).reasons == {"READ_MEMORY": 1}
    assert home.index(root, memory_mb=512, workers=1).reasons == {"READ_MEMORY": 1}
    found = home.index(root, memory_mb=8192, retry=True, workers=1)
    assert found.reasons == {}
    assert found.counts["volumes"] == 1


@pytest.mark.parametrize("value", ["lots", "12", "-1", "1e9", "9" * 30, "4096.5"])
def test_memory_that_cannot_be(value: str) -> None:
    with pytest.raises(EncoderError, match="SPINECHO_READING_MEMORY_MB"):
        reading_memory({"SPINECHO_READING_MEMORY_MB": value})
    assert reading_memory({"SPINECHO_READING_MEMORY_MB": "16384"}) == 16384
    assert reading_memory({}) == 4096
