"""What can go wrong between a file and a vector, as one small tree and one list of reason codes."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a file is not in the index. `remedy` says what would mend it, `ignorable` that nothing needs mending."""

    # Nothing is wrong with the file; it is simply nothing to embed.
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    NOT_MR = "NOT_MR"
    NO_PIXELS = "NO_PIXELS"
    LABEL_MAP = "LABEL_MAP"
    DUPLICATE = "DUPLICATE"
    COLOUR_IMAGE = "COLOUR_IMAGE"
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
    BAD_REPORT = "BAD_REPORT"

    @property
    def ignorable(self) -> bool:
        """True where the file is merely nothing to embed, so a run that met it still counts as clean."""
        return self in _IGNORABLE

    @property
    def remedy(self) -> str:
        """One sentence: what a data manager can do about it."""
        return _REMEDIES[self]


_IGNORABLE = frozenset(
    {Reason.UNSUPPORTED_TYPE, Reason.NOT_MR, Reason.NO_PIXELS, Reason.LABEL_MAP, Reason.DUPLICATE, Reason.COLOUR_IMAGE}
)

_REMEDIES: dict[Reason, str] = {
    Reason.UNSUPPORTED_TYPE: "Nothing to do: Spinecho reads DICOM, NIfTI, and reports as .txt, .csv and .jsonl.",
    Reason.NOT_MR: "Nothing to do: another modality or object class than MR images.",
    Reason.NO_PIXELS: "Nothing to do: the object holds no image.",
    Reason.LABEL_MAP: "Nothing to do: a segmentation mask, not a scan.",
    Reason.DUPLICATE: "Nothing to do: the same object, byte for byte, is indexed from another path.",
    Reason.COLOUR_IMAGE: "Nothing to do: a colour picture (a screenshot or colour map), not MR intensities.",
    Reason.NOT_DICOM: "Check where the file came from: its name says DICOM, its bytes do not.",
    Reason.MISSING_TAGS: "Export the file again with its SOP class, UIDs, Rows and Columns.",
    Reason.NEEDS_CODEC: "Install the codec that the message names, then run 'spinecho index' again.",
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
    Reason.TOO_LARGE: "Raise the size limit if this object is genuine.",
    Reason.UNREADABLE: "Give this account the right to read the path, then run 'spinecho index --retry'.",
    Reason.READ_TIMEOUT: "Reading took too long: run 'spinecho index --retry' on a quieter machine.",
    Reason.READ_MEMORY: "Raise the memory limit if this object is genuine.",
    Reason.READ_CRASHED: "The file crashed its reader; the rest went on. Export it again.",
    Reason.BAD_REPORT: "Mend the report file as the message says.",
}


class EncoderError(Exception):
    """Base of every error of this package. The message names the value and the remedy."""


class ReadError(EncoderError):
    """A file could not be turned into a volume: carries the `Reason` and a sentence about this very file."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SpaceMismatch(EncoderError):
    """Vectors of two spaces were about to meet."""


class EncoderUnavailable(EncoderError):
    """The encoder's weights or libraries are not at hand; the message says how to get them."""
