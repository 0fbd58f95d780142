"""Files that are neither DICOM nor NIfTI: what could hold a study or a report and is not read, and what is mere noise.

The bytes decide before the name: an archive renames what it likes. What is of no known kind could hold anything, so
it counts as not read. Light on purpose: every such file of an archive passes through, in a reading process.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import NoReturn

from spinecho.encoders.errors import HoldsReport, ReadError, Reason
from spinecho.encoders.reading.nifti.bids import in_data_set
from spinecho.encoders.reading.office import office_kind
from spinecho.encoders.reading.opening import is_file, neighbour

READER = 6
"""Goes up whenever something is read that was not before, or otherwise: then what was not read is looked at again, and
so are reports whose text changes."""
NOT_READ_BEFORE = (
    Reason.NOT_READ, Reason.UNSUPPORTED_TYPE, Reason.NO_PIXELS, Reason.EMPTY_FILE, Reason.ARCHIVE, Reason.BAD_REPORT,
)  # fmt: skip
"""Reasons that a later reader may judge otherwise."""

_SPREADSHEET = "save it as CSV with a column for the accession number and one for the report"
_DOCUMENT = "save it as plain text (.txt), one report a file"
_UNPACK = "unpack it into the archive"
_CONVERT = "convert it to NIfTI (.nii.gz) or DICOM"

_NOISE_NAMES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"thumbs\.db|ehthumbs.*\.db|desktop\.ini|icon\r?|autorun\.inf|\._.*|\.ds_store|__macosx", "a system file"),
        (r"(md5|sha\d*)sums?(\.txt)?|checksums?([-_.].*)?|manifest([-_.](md5|sha\d+))?(\.txt)?", "a checksum"),
        (r"(read[-_ ]?me|licen[cs]e|copying|notice|authors|citation|changes|change[-_ ]?log|contributing)([-_. ].*)?",
         "a note about the data"),
        (r"dataset_description\.json|participants\.json|.*_(events|scans|sessions|channels|electrodes|coordsystem|"
         r"physio|stim|regressors|timeseries)\.json|.*_(events|channels|electrodes|physio|stim|regressors|timeseries)"
         r"\.tsv(\.gz)?", "a table of the experiment"),
        (r"makefile|dockerfile|__init__\.py|cmakelists\.txt|requirements.*\.txt", "code"),
    )
)  # fmt: skip
_NOISE_SUFFIXES: dict[str, str] = {
    **dict.fromkeys((".md5", ".sha1", ".sha256", ".sha512", ".sfv", ".crc"), "a checksum"),
    **dict.fromkeys(
        (
            ".py", ".pyc", ".m", ".r", ".sh", ".bash", ".bat", ".cmd", ".ps1", ".c", ".h", ".cpp", ".hpp", ".java",
            ".js", ".css", ".ts", ".ipynb", ".jl", ".pl", ".rb", ".go", ".rs", ".ini", ".cfg", ".conf", ".toml",
            ".yaml", ".yml", ".lock", ".exe", ".dll", ".so", ".jar", ".class", ".msi", ".lnk", ".url", ".ico", ".woff",
        ),
        "code",
    ),
    **dict.fromkeys((".bval", ".bvec", ".bvals", ".bvecs"), "a gradient table"),
    **dict.fromkeys((".log", ".out", ".err", ".tmp", ".pid"), "a log"),
}  # fmt: skip

# Magic bytes at the start -> kind and what would help; the first that fits.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", f"a PDF document: {_DOCUMENT}"),
    (b"{\\rtf", f"a rich text document: {_DOCUMENT}"),
    (b"\xd0\xcf\x11\xe0", "an Office document (.doc, .xls): save it as plain text (.txt) or CSV"),
    (b"BZh", f"a compressed file: {_UNPACK}"),
    (b"\xfd7zXZ", f"a compressed file: {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"a compressed file: {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7z archive: {_UNPACK}"),
    (b"Rar!", f"a RAR archive: {_UNPACK}"),
    (b"MSCF", f"a cabinet archive: {_UNPACK}"),
    (b"PAR1", f"a Parquet table: {_SPREADSHEET}"),
    (b"ARROW1", f"an Arrow table: {_SPREADSHEET}"),
    (b"SQLite format 3", f"a database: {_SPREADSHEET}"),
    (b"NRRD", f"an NRRD image: {_CONVERT}"),
    (b"CDF\x01", f"a MINC image: {_CONVERT}"),
    (b"CDF\x02", f"a MINC image: {_CONVERT}"),
    (b"\x89HDF", f"an HDF5 file (MINC, ISMRMRD): {_CONVERT}"),
    (b"MATLAB 5.0", f"a MATLAB file: {_CONVERT}"),
    (b"ObjectType", f"a MetaImage: {_CONVERT}"),
    (b"NDims", f"a MetaImage: {_CONVERT}"),
    (b"mrtrix image", f"an MRtrix image: {_CONVERT}"),
    (b"# === DATA DESCRIPTION FILE", f"a Philips PAR/REC image: {_CONVERT}"),
    (b"\x89PNG", "a picture: export the scan as DICOM"),
    (b"\xff\xd8\xff", "a picture: export the scan as DICOM"),
    (b"GIF8", "a picture: export the scan as DICOM"),
    (b"II*\0", "a picture: export the scan as DICOM"),
    (b"MM\0*", "a picture: export the scan as DICOM"),
    (b"RIFF", "a picture or film: export the scan as DICOM"),
    (b"\0\0\0\x0cjP", "a picture: export the scan as DICOM"),
    (b"\xff\x4f\xff\x51", "a picture: export the scan as DICOM"),
)
_NOISE_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x00\x05\x16\x07", "a system file"), (b"\x7fELF", "code"), (b"MZ", "code"), (b"#!", "code"),
)  # fmt: skip
_SUFFIXES: dict[str, str] = {
    **dict.fromkeys((".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".cab", ".iso", ".dmg"),
                    f"an archive: {_UNPACK}"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".parquet", ".feather", ".sav", ".dta", ".mdb", ".accdb"),
                    f"a table in a format that is not read: {_SPREADSHEET}"),
    **dict.fromkeys((".doc", ".docx", ".odt", ".rtf", ".pdf", ".pages", ".htm", ".html", ".md", ".eml"),
                    f"a document: {_DOCUMENT}"),
    **dict.fromkeys((".mgz", ".mgh"), f"a FreeSurfer image: {_CONVERT}"),
    **dict.fromkeys((".nrrd", ".nhdr"), f"an NRRD image: {_CONVERT}"),
    **dict.fromkeys((".mha", ".mhd"), f"a MetaImage: {_CONVERT}"),
    **dict.fromkeys((".mnc", ".mif", ".mih", ".head", ".brik", ".gipl", ".vtk", ".v", ".nia", ".fid", ".fdf", ".2dseq",
                     ".h5", ".hdf5", ".ismrmrd", ".dat", ".7", ".spar", ".sdat", ".raw", ".npy", ".npz", ".mat"),
                    f"an image or raw data in a format that is not read: {_CONVERT}"),
    **dict.fromkeys((".par", ".rec"), f"a Philips PAR/REC image: {_CONVERT}"),
    **dict.fromkeys((".hdr", ".img"), f"a NIfTI pair or Analyze image (.hdr and .img): {_CONVERT}"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".webp", ".heic"),
                    "a picture: export the scan as DICOM"),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mpg", ".mpeg", ".wmv"), "a film: export the scan as DICOM"),
    **dict.fromkeys((".part", ".partial", ".crdownload", ".filepart"), "an unfinished transfer: copy the file again"),
    **dict.fromkeys((".xml",), f"an XML document: {_DOCUMENT}"),
    **dict.fromkeys((".hl7", ".oru", ".msg"), "named like an HL7 message, which it is not"),
    **dict.fromkeys((".json",), "JSON that no image beside it uses, and in which no report was found"),
}  # fmt: skip
_OFFICE = {
    "a Word document": _DOCUMENT, "a text document": _DOCUMENT, "an Excel workbook": _SPREADSHEET,
    "a binary Excel workbook": _SPREADSHEET, "a spreadsheet": _SPREADSHEET, "a presentation": _DOCUMENT,
    "arrays of numbers": _CONVERT,
}  # fmt: skip
_REPORT_KINDS = (
    "an HL7 message", "a CDA document", "a PDF document", "a rich text document", "a Word document",
    "an Excel workbook",
)  # fmt: skip
"""What is read as a report whatever its name is."""
_SIDECAR = re.compile(
    r"(?:[a-z]+-[A-Za-z0-9]+_)*(?:T1w|T2w|FLAIR|PDw|T2star\w*|bold|dwi|asl|epi|sbref|m0scan|[a-z0-9]*map|phase\w*"
    r"|magnitude\w*|swi|UNIT1|MP2RAGE|angio)\.json"
)
"""What BIDS calls the sidecar of an image."""
_IMAGES = (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".mgz", ".mgh", ".nrrd", ".nhdr", ".mha", ".mhd", ".par", ".dcm.gz")
HL7_START = re.compile(rb"(?:\A|[\r\n\x0b])[ \t]*(?:MSH|FHS|BHS)([^\w\s])(?:(?!\1)[^\w\s]){2,5}(?:\1|[\r\n]|\Z)")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def refuse(path: Path, head: bytes) -> NoReturn:
    """Raise the `ReadError` for a file that is neither DICOM nor NIfTI; `head` holds its first 512 bytes or more."""
    noise = noise_kind(path, head)
    if noise:
        raise ReadError(Reason.UNSUPPORTED_TYPE, noise)
    if not head:
        raise ReadError(Reason.EMPTY_FILE, "the file is empty")
    kind = _kind_by_bytes(path, head)
    if kind.startswith(_REPORT_KINDS):
        raise HoldsReport(kind)
    raise ReadError(Reason.NOT_READ, kind or _kind_by_name(path))


def noise_kind(path: Path, head: bytes) -> str:
    """What of the known housekeeping a file is, '' for what could hold a study or a report."""
    name, suffix = path.name.lower(), path.suffix.lower()
    for pattern, kind in _NOISE_NAMES:
        if pattern.fullmatch(name):
            return kind
    for magic, kind in _NOISE_MAGIC:
        if head.startswith(magic):
            return kind
    if suffix in _NOISE_SUFFIXES and not _kind_by_bytes(path, head):
        return _NOISE_SUFFIXES[suffix]
    if suffix == ".json":
        return _json_noise(path, head)
    return ""


def foreign_kind(path: Path, head: bytes) -> str:
    """What a file named like a report is by its bytes where that is no text of one: a message, a document, an image."""
    if head[128:132] == b"DICM":
        return "a DICOM file that is named like a report: rename it to .dcm"
    return _kind_by_bytes(path, head)


def _json_noise(path: Path, head: bytes) -> str:
    stem = path.with_suffix("")
    if neighbour(path, [f"{stem.name}{ending}".lower() for ending in _IMAGES]) is not None:
        return "the sidecar of an image"
    if is_file(stem.with_name(f"{stem.name}.tsv")):
        return "a table of the experiment"
    if _SIDECAR.fullmatch(path.name) and in_data_set(path.parent):
        return "a sidecar that scans of its data set inherit"
    if path.name == "truth.json" and b'"seed"' in head[:64]:
        return "the truth of a demonstration archive"
    return ""


def _kind_by_bytes(path: Path, head: bytes) -> str:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        kind = office_kind(path, head)
        return f"{kind}: {_OFFICE[kind]}" if kind else f"a zip archive: {_UNPACK}"
    if head.startswith(b"\x1f\x8b"):
        return _gzip_kind(path, head)
    if head[257:262] == b"ustar":
        return f"a tar archive: {_UNPACK}"
    if head[4:8] == b"ftyp":
        return "a film: export the scan as DICOM"
    if len(head) >= 348 and head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return f"a NIfTI pair or Analyze image (.hdr and .img): {_CONVERT}"
    return _text_kind(head)


def _text_kind(head: bytes) -> str:
    start = _as_bytes_of_text(head)
    if HL7_START.search(start):
        return "an HL7 message"
    start = start.lstrip()
    if b"<ClinicalDocument" in start:
        return f"a CDA document (XML): {_DOCUMENT}"
    if start.startswith(b"<?xml"):
        return f"an XML document: {_DOCUMENT}"
    if start[:14].lower().startswith((b"<html", b"<!doctype html")):
        return f"a web page: {_DOCUMENT}"
    if start.startswith(b"{\\rtf"):
        return f"a rich text document: {_DOCUMENT}"
    return ""


def _as_bytes_of_text(head: bytes) -> bytes:
    """The start as one byte a letter: UTF-16 is told by its mark."""
    for mark in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :] if mark == _MARKS[0] else head[2:].replace(b"\0", b"")
    return head


def _gzip_kind(path: Path, head: bytes) -> str:
    try:
        inside = zlib.decompressobj(31).decompress(head, 512)
    except zlib.error:
        inside = b""
    if path.suffix.lower() == ".mgz":
        return _SUFFIXES[".mgz"]
    if inside[128:132] == b"DICM":
        return f"a compressed DICOM file: {_UNPACK}"
    return f"a tar archive: {_UNPACK}" if inside[257:262] == b"ustar" else f"a compressed file: {_UNPACK}"


def _kind_by_name(path: Path) -> str:
    suffix = path.suffix.lower()
    if _SIDECAR.fullmatch(path.name):
        return "a sidecar that no image beside it has: its facts are not used; give it the name of the image"
    return _SUFFIXES.get(suffix, f"of no kind that is known ({_plain(suffix)}): DICOM, NIfTI and reports are read")


def _plain(suffix: str) -> str:
    shown = "".join(letter if letter.isalnum() or letter == "." else "?" for letter in suffix[:12])
    return shown or "no suffix"
