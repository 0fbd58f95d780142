"""What kind of data a NIfTI file holds: a scan, an image computed from one, or none of MR at all.

The format has no modality, so all evidence is heard, in this order:

1. the file's own fields: intent code, number of components, what SPM and others write into `descrip` and `aux_file`;
2. its sidecar: `Modality`, tracers, `SkullStripped`, `RawSources`;
3. a BIDS name: suffix (`_dseg`, `_pet`, `_Chimap`), entities (`desc-`, `space-`), datatype folder;
4. the words of the file name, then those of its folders, the nearest first; a name that speaks of MR outweighs a
   farther one that does not;
5. the voxel values (`kind_of_values`): two values only, few whole numbers, probabilities, Hounsfield units.

What is certainly no scan is refused with a reason; what is computed from scans is read and marked as derived.
"""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.acquisition.facts import Sequence
from spinecho.encoders.acquisition.rule_tables import whole
from spinecho.encoders.acquisition.whole_words import words
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.formats.names import image_stem

_LABELS = frozenset({1002, 1003})
_VECTORS = frozenset({1006, 1007, 2006, 2007, 2008, 2009, 2016, 2018})
_STATISTICS = range(2, 25)
_NO_IMAGE = frozenset({1004, 1005, 1008, 1009, 1010, 2002, 2003, 2004, 2005})
_ESTIMATE = 1001

_OTHER_MODALITIES = frozenset(
    {
        "CT",
        "PT",
        "PET",
        "NM",
        "SPECT",
        "US",
        "XA",
        "CR",
        "DX",
        "DR",
        "MG",
        "RF",
        "IO",
        "PX",
        "OT",
        "SC",
        "ES",
        "GM",
        "SM",
        "OP",
        "OCT",
        "IVUS",
        "BMD",
        "EEG",
        "MEG",
        "ECG",
        "RTDOSE",
        "RTSTRUCT",
    }
)
_SEGMENTATIONS = frozenset({"SEG", "RTSTRUCT"})
_TRACER = ("TracerName", "TracerRadionuclide", "Radiopharmaceutical", "InjectedRadioactivity")

_BIDS = re.compile(r"(?:sub|tpl)-[A-Za-z0-9]+(?:_[A-Za-z]+-[A-Za-z0-9+.]+)*_([A-Za-z0-9]+)")
_COMPUTED_ENTITY = re.compile(r"_(?:desc|space|res|den)-")
_BIDS_LABELS = frozenset({"mask", "dseg", "probseg", "seg", "defacemask"})
_BIDS_NOT_MR = {
    "pet": "PET", "ct": "CT", "CT": "CT", "xfm": "a transform", "warp": "a warp field", "statmap": "a statistical map",
    "svs": "MR spectroscopy", "mrsi": "MR spectroscopy", "mrsref": "MR spectroscopy", "unloc": "MR spectroscopy",
    "SPECT": "SPECT", "spect": "SPECT", "eeg": "EEG", "meg": "MEG", "ieeg": "EEG", "nirs": "NIRS", "XPCT": "CT",
}  # fmt: skip
_BIDS_SEQUENCES: dict[str, Sequence] = {
    "T1w": "T1", "UNIT1": "T1", "MP2RAGE": "T1", "inplaneT1": "T1", "T2w": "T2", "inplaneT2": "T2", "PDT2": "PD",
    "PDw": "PD", "PD": "PD", "FLAIR": "FLAIR", "T2star": "T2*", "T2starw": "T2*", "angio": "MRA", "bold": "BOLD",
    "sbref": "BOLD", "cbv": "perfusion", "dwi": "DWI", "asl": "ASL", "m0scan": "ASL", "MTR": "MT", "MTS": "MT",
    "MPM": "MT", "VFA": "T1", "IRT1": "T1", "MESE": "T2", "MEGRE": "T2*", "TB1AFI": "field map", "TB1TFL": "field map",
    "TB1DAM": "field map", "TB1EPI": "field map", "TB1RFM": "field map", "RB1COR": "field map", "m0": "ASL", "phasediff": "field map", "phase1": "field map", "phase2": "field map", "magnitude1": "field map",
    "magnitude2": "field map", "fieldmap": "field map", "epi": "field map",
    **dict.fromkeys(
        ("T1map", "T2map", "T2starmap", "R1map", "R2map", "R2starmap", "PDmap", "MTRmap", "MTsat", "MTVmap", "MWFmap",
         "S0map", "M0map", "T1rho", "Chimap", "TB1map", "RB1map", "PDT2map"), "quantitative map"
    ),
}  # fmt: skip
_PIPELINES = frozenset({"derivatives", "fmriprep", "freesurfer", "mriqc", "smriprep", "qsiprep"})

_MASK = whole(
    r"seg|segm|segs|segmentations?|segmentierung(?:en)?|segmentacion(?:es)?|segmentazion[ei]|labels?(?:tr|ts|va)?|label ?maps?|labelled|"
    r"masks?|masken?|masques?|mascaras?|maschere?|msk|rois?|[dp]seg|probseg|aseg|aparc|wmparc|parc|parcellations?|atlas|annotations?|"
    r"annot|contours?|ground ?truth|gts?|manual|brain ?mask|lesions? ?(?:mask|seg)"
)
# What a mask is often called, and a scan too: as weak as the name of a folder.
_MAYBE_MASK = whole(r"lesions?|tumou?rs?|wmh|infarcts?|ribbon|filled|thresh(?:olded)?|clusters?|binary|bin")
_MASK_ENTITY = re.compile(r"_label-[A-Za-z0-9]+")
_PROBABILITY = whole(
    r"prob|probs|probability|probabilities|probmaps?|probseg|pve|pveseg|posteriors?|softmax|likelihood"
)
_TISSUE = whole(r"tissue|[gw]m|csf")
_FIELD = whole(
    r"(?:bias|warp|displacement|deformation|def|disp|deform) ?fields?(?! ?(?:corr|removed|free))|"
    r"\d*(?:inverse)? ?warps?|warp ?coefs?|jacobians?|displacements?|deformations?|bias$"
)
_STATISTIC = whole(
    r"[ztf]f?[ _]?stats?|(?:var)? ?copes?|spm [tf]|(?:beta|con) \d{3,}|res ?ms|rpv|[zt] ?maps?|z ?scores?|t ?values?|p ?val(?:ues?)?|"
    r"tfce|stat ?maps?|sigmasquareds|dof"
)
_COMPUTED = whole(
    r"preproc|pre ?processed|skull ?strip(?:ped)?|warped|smoothed|normali[sz]ed|co ?reg|co ?registered|registered|"
    r"qsm|chi ?maps?|[tr][12](?:\*|s| ?star)? ?maps?|pdff|(?:adc|fa|md|cbf|cbv) ?maps?|resampled|denoised|bias ?corr(?:ected)?|bias ?field ?corr(?:ected)?"
)
_OTHER = whole(r"(?:nc|ce|cb|ld|hr|mdct)?ct|ct\d{2,}|cta|pet|pet ?ct|fdg|spect|suv|x ?ray|cxr|ultrasound|sonography")
_MR = whole(
    r"t[12](?:w|wi|c|ce|n|f|gd|s|star|map|rho)?|flair|stir|dwi|adc|dti|swi|qsm|bold|f?mri?|f ?mri|mrs|mrt|irm|rmn|mra|mrv|"
    r"mprage|mp2rage|p?c?asl|pdw?|tse|fse|gre|spgr|vibe|dce|dixon|tof|ciss"
)
_WROTE_STATISTIC = re.compile(r"spm_spm|SPM\{|SPM contrast|^contrast\b", re.IGNORECASE)
_WROTE_TISSUE = re.compile(r"tissue class", re.IGNORECASE)
_WROTE_FIELD = re.compile(r"deformation|jacobian|displacement|bias field", re.IGNORECASE)
_WROTE_COMPUTED = re.compile(
    r"^spm ?- |bias corrected|realigned|normali[sz]ed|conv\(|coregister|warped|smoothed|brainmask", re.IGNORECASE
)
_ATLAS_COLOURS = frozenset({"mgh-subcortical", "mgh-cortical", "random-rainbow"})  # FSL's tables for label maps

_MOST_LABELS = 256
_FOLDER_LABELS = 64
_FEW = 16
_EVEN = 0.5
_HOUNSFIELD_AIR = (-1100, -900)
_HOUNSFIELD_SOFT = (-200, 250)
_HOUNSFIELD_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Kind:
    """What name, header and sidecar say about a file.

    reason, message: why it is no scan; None where it is one. is_computed: derived from scans. sequence: what a BIDS
    suffix declares. says_mask, folder_says_mask, says_probability: what the values are to be tried for. says_mr: the
    names or the sidecar speak of MR.
    """

    reason: Reason | None = None
    message: str = ""
    is_computed: bool = False
    sequence: Sequence = "unknown"
    says_mask: bool = False
    folder_says_mask: bool = False
    says_probability: bool = False
    says_mr: bool = False


def kind_of(name: str, fields: Mapping[str, Any], sidecar: Mapping[str, Any]) -> Kind:
    """The kind of a file by its name below the archive's root, its header's fields and its sidecar's values."""
    *folders, file = name.split("/")
    stem = image_stem(file)
    bids = _BIDS.fullmatch(stem)
    suffix = bids[1] if bids else ""
    refused = (
        _refused_by_header(fields) or _refused_by_sidecar(sidecar) or _refused_by_bids(suffix, folders)
        or _refused_by_names(stem, folders, fields, sidecar, is_bids=suffix in _BIDS_SEQUENCES)
    )  # fmt: skip
    if refused is not None:
        return Kind(*refused)
    plain = words(_MASK_ENTITY.sub("", stem))
    sequence = _BIDS_SEQUENCES.get(suffix, "unknown")
    says_mask = suffix not in _BIDS_SEQUENCES and _MASK.search(plain) is not None
    return Kind(
        # The values of a BIDS name's entities are free text: `acq-t1map` is no map.
        is_computed=_is_computed("" if suffix in _BIDS_SEQUENCES else plain, stem, folders, fields, sidecar, sequence),
        sequence=sequence,
        says_mask=says_mask or fields.get("aux", "").lower() in _ATLAS_COLOURS,
        folder_says_mask=suffix not in _BIDS_SEQUENCES
        and not _speaks_of_mr(sidecar)
        and (_MAYBE_MASK.search(plain) is not None or any(_MASK.search(words(folder)) for folder in folders)),
        says_probability=sequence == "unknown"
        and (_PROBABILITY.search(plain) is not None or (_TISSUE.search(plain) is not None and not _MR.search(plain))),
        says_mr=sequence != "unknown"
        or _speaks_of_mr(sidecar)
        # "CT_T1" may be the CT of the first time point: then the values decide.
        or (_OTHER.search(plain) is None and any(_MR.search(words(part)) for part in (stem, *folders))),
    )


def _refused_by_header(fields: Mapping[str, Any]) -> tuple[Reason, str] | None:
    intent, description = fields.get("intent", 0), fields.get("description", "")
    if intent in _LABELS:
        return Reason.LABEL_MAP, "its intent code says that it holds labels"
    if intent in _STATISTICS:
        return Reason.NOT_MR, f"its intent code {intent} says that it is a statistical map"
    if intent in _VECTORS:
        return Reason.NOT_MR, f"its intent code {intent} says that it holds vectors or displacements"
    if intent in _NO_IMAGE:
        return Reason.NOT_MR, f"its intent code {intent} says that it is no image"
    if _WROTE_STATISTIC.search(description):
        return Reason.NOT_MR, "its description says that it is a statistical map"
    if _WROTE_TISSUE.search(description):
        return Reason.LABEL_MAP, "its description says that it is a tissue probability map"
    if _WROTE_FIELD.search(description):
        return Reason.NOT_MR, "its description says that it is a deformation or a bias field"
    return None


def _refused_by_sidecar(sidecar: Mapping[str, Any]) -> tuple[Reason, str] | None:
    modality = str(sidecar.get("Modality", "")).strip().upper()
    if modality in _SEGMENTATIONS:
        return Reason.LABEL_MAP, f"its sidecar says Modality {modality}"
    if modality in _OTHER_MODALITIES:
        return Reason.NOT_MR, f"its sidecar says Modality {modality}"
    if any(name in sidecar for name in _TRACER):
        return Reason.NOT_MR, "its sidecar names a radioactive tracer, as that of PET does"
    return None


def _refused_by_bids(suffix: str, folders: list[str]) -> tuple[Reason, str] | None:
    if suffix in _BIDS_LABELS:
        return Reason.LABEL_MAP, f"its BIDS suffix {suffix} says that it is a segmentation"
    if suffix in _BIDS_NOT_MR:
        return Reason.NOT_MR, f"its BIDS suffix {suffix} says that it is {_BIDS_NOT_MR[suffix]}"
    if suffix and suffix not in _BIDS_SEQUENCES and folders and folders[-1].lower() in ("pet", "ct"):
        return Reason.NOT_MR, f"its BIDS folder says {folders[-1].upper()}"
    return None


def _refused_by_names(
    stem: str, folders: list[str], fields: Mapping[str, Any], sidecar: Mapping[str, Any], *, is_bids: bool
) -> tuple[Reason, str] | None:
    """By words: fields that hold vectors, and other modalities where nothing nearer speaks of MR."""
    if is_bids:
        return None
    plain = words(stem)
    if _FIELD.search(plain) and (len(fields.get("dims", ())) >= 5 or not _MR.search(plain)):
        return Reason.NOT_MR, "its name says that it is a warp or bias field"
    if _speaks_of_mr(sidecar):
        return None
    for part in (plain, *(words(folder) for folder in reversed(folders[-3:]))):
        if _MR.search(part):
            return None
        other = _OTHER.search(part)
        if other is not None:
            return Reason.NOT_MR, f"its name or folder says {other[0].upper()}"
    return None


def _speaks_of_mr(sidecar: Mapping[str, Any]) -> bool:
    return str(sidecar.get("Modality", "")).upper() in ("MR", "MRI") or any(
        name in sidecar for name in ("MagneticFieldStrength", "RepetitionTime", "EchoTime", "ScanningSequence")
    )


def _is_computed(
    plain: str, stem: str, folders: list[str], fields: Mapping[str, Any], sidecar: Mapping[str, Any], kind: Sequence
) -> bool:
    return (
        kind == "quantitative map"
        or _COMPUTED_ENTITY.search(stem) is not None
        or any(folder.lower() in _PIPELINES for folder in folders)
        or any(sidecar.get(name) for name in ("SkullStripped", "RawSources", "Sources", "SpatialReference"))
        or fields.get("intent") == _ESTIMATE
        or _WROTE_COMPUTED.search(fields.get("description", "")) is not None
        or _STATISTIC.search(plain) is not None
        or _FIELD.search(plain) is not None
        or _COMPUTED.search(plain) is not None
    )


def kind_of_values(stored: NDArray[Any], kind: Kind, *, slope: float, intercept: float) -> tuple[Reason, str] | str:
    """What the stored voxels (i, j, k) say together with the names: why they are no scan, else '' or 'few'.

    'few' is a scan of few whole grey values over even areas, which a label map without a name would be as well.
    """
    sample = stored[:: max(1, stored.shape[0] // 64), :: max(1, stored.shape[1] // 64)]
    low, high = float(sample.min()) * slope + intercept, float(sample.max()) * slope + intercept
    if kind.says_probability and (stored.dtype.kind == "f" or slope != 1) and low >= 0 and 0.5 < high <= 1.0001:
        return Reason.LABEL_MAP, "its name says probability or tissue, and all values lie between 0 and 1"
    if not kind.says_mr and low <= _HOUNSFIELD_AIR[1] and _is_hounsfield(sample, slope, intercept):
        return Reason.NOT_MR, "its values are Hounsfield units (air about -1000), and no name says MR"
    most = _MOST_LABELS if kind.says_mask else _FOLDER_LABELS if kind.folder_says_mask else _FEW
    # Whatever has more values than that in a few lines of its middle has them in the whole.
    middle = stored[stored.shape[0] // 2]
    if np.unique(middle[:: max(1, middle.shape[0] // 16)]).size > most:
        return ""
    distinct = np.unique(sample)
    if distinct.size > most or not np.all(distinct == np.round(distinct)):
        return ""
    if kind.says_mask and (distinct.size <= _FOLDER_LABELS or _is_even(stored)):
        return Reason.LABEL_MAP, "few whole values, and a name that says labels"
    if kind.folder_says_mask and (distinct.size <= _FEW or _is_even(stored)):
        return Reason.LABEL_MAP, "few whole values, and a folder or name that speaks of labels"
    if distinct.size > _FEW:
        return ""
    if distinct.size == 2 and not kind.says_mr and bool(np.isin(stored, distinct).all()):
        return Reason.LABEL_MAP, "two values only, as a mask has, and neither name nor sidecar says MR"
    return "few" if distinct.size == 2 or _is_even(stored) else ""


def _is_even(stored: NDArray[Any]) -> bool:
    """True where most voxels that are not of the lowest value have their neighbour's value: labels, not noise.

    Neighbours along the first or the second axis, whichever are more alike; the third is often that of thick slices.
    """
    inside = stored > stored.min()
    shares = []
    for one, other, where in ((stored[1:], stored[:-1], inside[:-1]), (stored[:, 1:], stored[:, :-1], inside[:, :-1])):
        if where.any():
            shares.append(float((one == other)[where].mean()))
    return bool(shares) and max(shares) > _EVEN


def _is_hounsfield(sample: NDArray[Any], slope: float, intercept: float) -> bool:
    """Much at the value of air, much at that of soft tissue, and hardly anything far below air."""
    values = sample.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    values = values[np.isfinite(values) & (values > -1500)]  # scanners pad with -2000 or -3024
    if not values.size:
        return False
    air = ((values >= _HOUNSFIELD_AIR[0]) & (values <= _HOUNSFIELD_AIR[1])).mean()
    soft = ((values >= _HOUNSFIELD_SOFT[0]) & (values <= _HOUNSFIELD_SOFT[1])).mean()
    below = (values < _HOUNSFIELD_AIR[0]).mean()
    return bool(air > _HOUNSFIELD_SHARE and soft > _HOUNSFIELD_SHARE and below < 0.01 and air + soft > 0.4)
