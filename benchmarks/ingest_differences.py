"""Why Spinecho and dcm2niix give other volumes of one input: by its name where it needs a word, else by what both say."""

from __future__ import annotations

from typing import Any

_BY_NAME = {
    "dce_two_slices_missing": "two slices are missing of one of five times: dcm2niix stacks all in one volume; here each "
    "time is a volume, and the one that is short is flagged",
    "deflated": "dcm2niix does not inflate this transfer syntax",
    "dicomanon_series_uid_per_file": "each slice has a series UID of its own, by which dcm2niix goes; they are one stack",
    "enhanced_mixed_complex": "dcm2niix stacks magnitude and phase of one object; here they are two volumes",
    "enhanced_split_over_two_files": "one volume over two objects of one concatenation: dcm2niix keeps them apart",
    "enhanced_t1map_inversions": "frames at one place that differ in inversion time: dcm2niix stacks them",
    "gz_dicom": "dcm2niix does not open a DICOM file that gzip has compressed",
    "iop_jitter_many": "the orientation drifts by rounding (0.4 degrees in all): dcm2niix parts every slice",
    "mgz_nrrd_mha_parrec": "one whole MGZ among stubs of other formats: dcm2niix reads none of these but PAR",
    "mosaic_without_csa": "how many slices the mosaic holds is not told: dcm2niix writes it as one flat picture, here it is "
    "refused, and the message says how to export it",
    "partial_rerun": "some slices were taken again: dcm2niix stacks them on the others; here the whole run is the volume",
    "symlinked_study_folder": "a link leads to the folder beside it: its slices are read at their own place alone",
    "truncated_slice": "one slice is cut short: dcm2niix gives up the series; here the others are a volume with a gap",
}


def why(name: str, one: Any) -> str:
    """A sentence, '' where there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if not one.theirs and "Unable to find any DICOM" in one.said:
        return "dcm2niix reads DICOM alone"
    if not one.shapes and "NOT_MR" in one.refused:
        return "not MR: dcm2niix converts every modality"
    if not one.shapes and "COLOUR_IMAGE" in one.refused:
        return "a colour picture holds no MR intensities, and is not embedded"
    gaps = {"SLICES_MISSING", "SLICES_UNEVEN"} & set(one.flags)
    if gaps and not one.shapes - one.theirs:
        return (
            "dcm2niix writes, beside the slices as they are, a copy that is interpolated to even gaps; here nothing is"
        )
    return ""
