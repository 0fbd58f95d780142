"""What can go wrong between a file and a vector, as one small tree and one list of reason codes."""

from __future__ import annotations

from enum import StrEnum

from spinecho.errors import SpinechoError


class Reason(StrEnum):
    """Why a file is not in the index. `remedy` says what would mend it, `ignorable` that nothing needs mending."""

    # Nothing is wrong with the file; it is simply nothing to embed.
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    NOT_MR = "NOT_MR"
    NO_PIXELS = "NO_PIXELS"
    LABEL_MAP = "LABEL_MAP"
    DUPLICATE = "DUPLICATE"
    COLOUR_IMAGE = "COLOUR_IMAGE"
    NOT_A_FILE = "NOT_A_FILE"
    LINKED_FOLDER = "LINKED_FOLDER"
    ARCHIVE = "ARCHIVE"
    # It could hold a study or a report, and is not read.
    NOT_READ = "NOT_READ"
    EMPTY_FILE = "EMPTY_FILE"
    LINK_OUTSIDE = "LINK_OUTSIDE"
    LINK_BROKEN = "LINK_BROKEN"
    ENCRYPTED = "ENCRYPTED"
    FILES_GONE = "FILES_GONE"
    AT_ITS_SOURCE = "AT_ITS_SOURCE"
    MEMBER_REFUSED = "MEMBER_REFUSED"
    # Something is wrong with the file.
    NOT_DICOM = "NOT_DICOM"
    MISSING_TAGS = "MISSING_TAGS"
    NEEDS_CODEC = "NEEDS_CODEC"
    DECODE_FAILED = "DECODE_FAILED"
    TRUNCATED = "TRUNCATED"
    AFFINE_INVALID = "AFFINE_INVALID"
    NOT_GZIP = "NOT_GZIP"
    NOT_NIFTI = "NOT_NIFTI"
    EMPTY_VOLUME = "EMPTY_VOLUME"
    MOSAIC_UNRESOLVED = "MOSAIC_UNRESOLVED"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    UNREADABLE = "UNREADABLE"
    READ_TIMEOUT = "READ_TIMEOUT"
    READ_MEMORY = "READ_MEMORY"
    READ_CRASHED = "READ_CRASHED"
    PROCESS_LOST = "PROCESS_LOST"
    BAD_REPORT = "BAD_REPORT"
    NOT_STORED = "NOT_STORED"

    @property
    def ignorable(self) -> bool:
        """True where the file is merely nothing to embed, so a run that met it still counts as clean."""
        return self in _IGNORABLE

    @property
    def remedy(self) -> str:
        """One sentence: what a data manager can do about it."""
        return _REMEDIES[self]


_IGNORABLE = frozenset(
    {
        Reason.UNSUPPORTED_TYPE,
        Reason.NOT_MR,
        Reason.NO_PIXELS,
        Reason.LABEL_MAP,
        Reason.DUPLICATE,
        Reason.COLOUR_IMAGE,
        Reason.NOT_A_FILE,
        Reason.LINKED_FOLDER,
        Reason.ARCHIVE,
    }
)

_REMEDIES: dict[Reason, str] = {
    Reason.UNSUPPORTED_TYPE: "Nothing to do: neither a scan nor a report (checksums, code, notes about the data).",
    Reason.NOT_MR: "Nothing to do: another modality or object class than MR images.",
    Reason.NO_PIXELS: "Nothing to do: the object holds no image.",
    Reason.LABEL_MAP: "Nothing to do: a segmentation mask, not a scan.",
    Reason.DUPLICATE: "Nothing to do: the same object, byte for byte, is indexed from another path.",
    Reason.COLOUR_IMAGE: "Nothing to do: a colour picture (a screenshot or colour map), not MR intensities.",
    Reason.NOT_A_FILE: "Nothing to do: a pipe, a socket or a device is never opened.",
    Reason.LINKED_FOLDER: "Nothing to do: what the link leads to is read at its own place.",
    Reason.ARCHIVE: "Nothing to do: what the archive holds is read in place.",
    Reason.FILES_GONE: "Copy the medium again, with all that its DICOMDIR names; then run 'spinecho index --retry'.",
    Reason.AT_ITS_SOURCE: (
        "Its pixels stay at the PACS that it came from, which does not give them now: 'spinecho sources test NAME' "
        "says why; then try again."
    ),
    Reason.ENCRYPTED: "Unpack it with its password into the archive, or export it without one.",
    Reason.MEMBER_REFUSED: "Unpack the archive with a tool that you trust, and look at what this entry is.",
    Reason.NOT_READ: "It could hold a study or a report: unpack or convert it as the message says, or take it out.",
    Reason.EMPTY_FILE: "Copy the file again: it holds no bytes.",
    Reason.LINK_OUTSIDE: "Index the folder that the link leads to as well, or run 'spinecho index --follow-links'.",
    Reason.LINK_BROKEN: "Bring back what the link leads to, or take the link out.",
    Reason.NOT_DICOM: "Check where the file came from: its name says DICOM, its bytes do not.",
    Reason.MISSING_TAGS: "Export the file again with its SOP class, UIDs, Rows and Columns.",
    Reason.NEEDS_CODEC: "Do as the message says: install the codec, or decompress the file with another tool.",
    Reason.DECODE_FAILED: "Export the file again, uncompressed if possible.",
    Reason.TRUNCATED: "Copy the file again: its pixel data end early.",
    Reason.AFFINE_INVALID: "Convert the scan again with a valid sform or qform.",
    Reason.NOT_GZIP: "Rename the file to .nii if it is not compressed, or copy it again.",
    Reason.NOT_NIFTI: "Check where the file came from: its name says NIfTI, its bytes do not.",
    Reason.EMPTY_VOLUME: "Check the export: every voxel has the same value.",
    Reason.MOSAIC_UNRESOLVED: "Export as single slices, or with the vendor's private header: it tells the slice count.",
    Reason.CONFLICT: (
        "Two files claim one SOP Instance UID with other contents: take the wrong one out of the archive or, where "
        "both are right, give one of them new UIDs; then run 'spinecho index' again."
    ),
    Reason.TOO_LARGE: "Crop, split or resample it: it is past the size that the message names; no option moves it.",
    Reason.UNREADABLE: "Give this account the right to read the path, then run 'spinecho index --retry'.",
    Reason.READ_TIMEOUT: "Reading took too long: run 'spinecho index --retry' on a quieter machine.",
    Reason.READ_MEMORY: "Give reading more memory, if there is any: 'spinecho index --retry --memory-mb 16384'.",
    Reason.READ_CRASHED: "The file crashed its reader; the rest went on. Export it again.",
    Reason.PROCESS_LOST: (
        "Every process of the cluster that had this series ended: look at the memory of those machines, and run "
        "'spinecho index --retry' without --ray."
    ),
    Reason.BAD_REPORT: "Mend the report file as the message says.",
    Reason.NOT_STORED: "Export the file again: a value that was read from it does not fit into a database.",
}


class EncoderError(SpinechoError):
    """Base of every error of this package. The message names the value and the remedy."""


class ReadError(EncoderError):
    """A file could not be turned into a volume: carries the `Reason` and a sentence about this very file."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HoldsReport(ReadError):
    """The file gives no volume, and is of a kind that the reports' parsers read."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.NOT_READ, message)


class SpaceMismatch(EncoderError):
    """Vectors of two spaces were about to meet."""


class EncoderUnavailable(EncoderError):
    """The encoder's weights or libraries are not at hand; the message says how to get them."""
