"""One file of an archive as a copy without its patient, made in a reading process.

Nothing is written here: the copy's bytes go back as a frame, and whoever asked puts them in place.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.opening import open_dicom
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.indexer.deidentifying import burnt_in, profile
from spinecho.indexer.deidentifying.comments import strip_comments
from spinecho.indexer.deidentifying.keyed import Keyed
from spinecho.indexer.deidentifying.nifti import clean_nifti
from spinecho.indexer.deidentifying.profile import Options

LETTERS = "LETTERS"
"""The picture has what looks like letters near its border."""
UNSEEN = "UNSEEN"
"""Its pixels could not be decoded, so that nothing is known of them."""
MOST_BYTES = 1 << 31
_META = (0x00020002, 0x00020010)
_NIFTI = (".nii", ".nii.gz")
_STANDARD = re.compile(r"1\.2\.840\.10008(?:\.\d+){2,}|1\.2\.840\.113619\.5\.2")
"""UIDs of DICOM's own classes and transfer syntaxes, and the one syntax of GE's."""
_DOCUMENTS = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.")


def copy_task(path: str, *, key: bytes, options: Options, study: str, series: str, seconds: float = 300.0) -> Task:
    """Copy one file. study, series: the pseudonyms of the UIDs, for a file that brings none."""
    arguments = {
        "path": path, "key": key.hex(), "dates": options.dates, "descriptors": options.descriptors, "study": study,
        "series": series,
    }  # fmt: skip
    return Task("spinecho.indexer.deidentifying.copying:copy", arguments, seconds)


def copy(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message: {"ending", "pixels": reasons to look at its picture} with the copy, or {"reason", "message"}."""
    path = Path(arguments["path"])
    keyed = Keyed(bytes.fromhex(arguments["key"]))
    options = Options(arguments["dates"], arguments["descriptors"])
    try:
        if path.name.lower().endswith(_NIFTI):
            yield {"ending": ".nii.gz", "pixels": []}, (clean_nifti(path),)
            return
        data, pixels = clean_dicom(path, keyed, options, study=arguments["study"], series=arguments["series"])
        yield {"ending": ".dcm", "pixels": pixels}, (data,)
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()
    except OSError as error:
        yield {"reason": Reason.UNREADABLE, "message": f"the file could not be opened: {error.strerror}"}, ()


def clean_dicom(path: Path, keyed: Keyed, options: Options, *, study: str, series: str) -> tuple[bytes, list[str]]:
    """(the copy's bytes, reasons why words may stand in its pixels). Raises `ReadError`, OSError."""
    import pydicom  # noqa: PLC0415  (slow to import)
    from pydicom.dataset import FileMetaDataset  # noqa: PLC0415
    from pydicom.uid import UID  # noqa: PLC0415

    with lenient(), open_dicom(path) as file:
        try:
            dataset = pydicom.dcmread(file, force=True)
            list(dataset)  # parsed now, while the file is open
        except MemoryError:
            raise
        except Exception:  # whatever a parser does on hostile bytes; its text may hold patient data
            raise ReadError(Reason.NOT_DICOM, "the file cannot be read as DICOM") from None
        kind = str(dataset.get("SOPClassUID", "") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))
        if not len(dataset) or not kind or kind.startswith(_DOCUMENTS):
            raise ReadError(Reason.NO_PIXELS, "only images are copied; this is none")
        pixels = _pixels(dataset)
        syntax = str(dataset.file_meta.get("TransferSyntaxUID") or _syntax(dataset))
        try:
            profile.deidentify(dataset, keyed, options, salt=study)
            strip_comments(dataset, _frames(dataset))
            for name, uid in (("StudyInstanceUID", study), ("SeriesInstanceUID", series)):
                if not dataset.get(name):
                    setattr(dataset, name, uid)
            told = str(dataset.get("SOPClassUID", "") or "")  # what stays of it, for it may hold anything
            kind = told or (kind if _STANDARD.fullmatch(kind) else "")
            if not kind or not _STANDARD.fullmatch(syntax):
                raise ReadError(Reason.NO_PIXELS, "what class of image it is, or how it is coded, is not told by a UID")
            meta = FileMetaDataset()
            meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = UID(kind), UID(syntax)
            meta.MediaStorageSOPInstanceUID = UID(str(dataset.get("SOPInstanceUID") or keyed.uid(str(path))))
            dataset.file_meta, dataset.preamble = meta, b"\0" * 128
            out = io.BytesIO()
            dataset.save_as(out, enforce_file_format=True)
        except (MemoryError, ReadError):
            raise
        except (profile.Deep, RecursionError):
            raise ReadError(Reason.NOT_DICOM, "its sequences are nested too deep") from None
        except Exception:  # pydicom raises whatever a value leads it to, and names it: no text of it may go on
            raise ReadError(Reason.NOT_DICOM, "the file cannot be written anew: a value breaks its own rules") from None
    return out.getvalue(), pixels


def _pixels(dataset: Any) -> list[str]:
    from pydicom.pixels.utils import pixel_array  # noqa: PLC0415

    reasons = list(burnt_in.declared(dataset))
    try:
        for number in burnt_in.frames_to_look_at(_frames(dataset)):
            if burnt_in.has_letters(pixel_array(dataset, index=number, raw=True)):
                return [*reasons, LETTERS]
    except MemoryError:
        raise
    except Exception:  # codecs raise whatever their libraries do: pixels that were not seen may hold words
        reasons.append(UNSEEN)
    return reasons


def _frames(dataset: Any) -> int:
    try:
        return max(1, int(dataset.get("NumberOfFrames", 1) or 1))
    except (TypeError, ValueError):
        return 1


def _syntax(dataset: Any) -> str:
    implicit, little = dataset.original_encoding
    return "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"


@contextlib.contextmanager
def lenient() -> Iterator[None]:
    """What files hold against the rules of their VRs is neither said nor refused while it lasts."""
    import warnings  # noqa: PLC0415

    from pydicom import config  # noqa: PLC0415

    before = config.settings.reading_validation_mode, config.settings.writing_validation_mode
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        config.settings.reading_validation_mode, config.settings.writing_validation_mode = before
