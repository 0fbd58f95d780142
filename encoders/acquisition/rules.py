"""Typed acquisition facts from tags and texts, by written rules. Unknown is allowed, and better than wrong.

Order of evidence for the sequence: (1) what the object itself declares (Image Type, Acquisition Contrast), then the
BIDS suffix, which a curator gave, (2) names
that say what the images are (ADC, DWI, localizer, ...) in the series description, then the protocol name, (3) a
b-value, (4) the vendor's pulse sequence name, (5) plain weightings in the texts, checked against TR, TE and TI,
(6) TR, TE, TI and flip angle alone, (7) words of the file's name, then of its folder, then of the folder around that: the nearest that says anything
decides. Folders that name people or places (`patient1`, `heart_clinic`) say nothing, and neither does a word that is
plain language in names (`merge`, `rest`, `main`). The thresholds in ms are those of textbooks
for 1.5 and 3 T, wide enough that what they decide is hardly ever disputed.
"""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re
from collections.abc import Iterable

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Acquisition, BodyRegion, Contrast, Plane, Sequence, Vendor
from spinecho.encoders.acquisition.rule_tables import (
    BASIC_WORDS,
    BODY_PARTS,
    BRAIN_HINTS,
    CONTRAST_KINDS,
    DERIVED_TYPES,
    IMAGE_TYPES,
    PARTS_OF,
    REGION_WORDS,
    SEQUENCE_NAMES,
    SPECIFIC_WORDS,
    VENDORS,
    whole,
)
from spinecho.encoders.acquisition.whole_words import words

_FIELD_T = (0.05, 12.0)
_GAUSS = 10_000.0
# "Without fat saturation" and the like say nothing about an agent.
_OTHER_LACK = (
    r" ?(?:fs|fat|fett|fsat|sat|sup|bh|breath|apnea|atem|pat|grappa|asset|gat|trig|mag|mt|sedat|motion|angul|flow|leak)"
)
_BOTH = whole(
    r"with(?: and| or)? without|without(?: and)? with|mit (?:und |u )?ohne|ohne (?:und |u )?mit|"
    r"avec (?:et )?sans|sans (?:et )?avec|con (?:y |e )?(?:sin|senza)|(?:sin|senza) (?:y |e )?con|"
    r"nativ (?:und|u|mit|nach)|nativ \+"
)
_AFTER_SOMETHING_ELSE = (
    r"fossa|op~|surg~|resect~|ictal|processing|label~|treat~|therap~|thx|tx|rt|radi~|chemo~|nac|nact|biops~|traum~|"
    r"partum|void|mict~|flair"
)
_BEFORE_SOMETHING_ELSE = (
    r"op~|surg~|resect~|treat~|therap~|thx|tx|rt|radi~|chemo~|nac|nact|biops~|sat~|scan|pulse|void|mict~|natal"
)
_AGENT = r"con|contr|contrast|contraste|gd|gad|gado|gadol~|cm|km|c"
_WITH = whole(
    rf"post\b(?! ?(?:{_AFTER_SOMETHING_ELSE})(?!\w))|post ?\d+~|post ?(?:{_AGENT}|t1)|gd|gado?|gadol~|gad[ao]vist|gadot~|gadobu~|gadobe~|gadox~|gad \\d+|"
    rf"\+ c|c \+|ce|km|w(?:ith)? (?:iv )?(?:con|cont|contr|contras|contrast|contraste|gd|gad|gado|gadol~)|(?:contrast ?)?enhanced|nach ?km|dotarem~|gadovist|magnevist~|multihance|prohance|eovist|primovist|"
    r"t1 ?(?:c|ce|gd)|contraste?|contrastee|kontrast|kontrastmittel"
)
_WITHOUT = whole(
    rf"pre\b(?! ?(?:{_BEFORE_SOMETHING_ELSE})(?!\w))|"
    rf"pre ?(?:{_AGENT})|no ?(?:gd|gad|gado|gadol~|con|contrast|km|iv)|non ?con(?:trast)?|native?|"
    rf"(?:without|ohne|sans|sin|wo)\b(?!{_OTHER_LACK})|unenh~|non ?enh~|fase basal"
)
_MIXED = whole(r"post~|\+ c")
_FAT = whole(
    r"[tsxq]?fs|fat ?sat(?:post)?|s?fat ?sup~|f? ?fatsat|stir|tirm|spair|spir|chess|water|sat|thrive|e ?thrive|vibrant~|fat$|fsat~|proset|we"
)
_NO_FAT = whole(r"(?:no|non|without) ?(?:fs|fat|fatsat)(?: ?sat)?~|nofs")
_DENSITY = whole(r"pd(?:w|wi|fs|tse|fse)?|proton~|dp")
_T2 = whole(r"t2(?:w|wi)?")
_SPIN_ECHOES = whole(r"haste~|(?:fr|ss)?fse|tse|trufi~|fiesta|b?ssfp|grase")
_NO_AGENT = whole(r"^(?:no|none|non|not|nothing|n a|without|nil|0|kein~|nein|nicht|aucun)")
_STUDY_WITHOUT = whole(r"without (?:iv )?(?:con|contr|cont|contrast|gad|gado|gadol~|gd)")
_STUDY_WITH = whole(r"with|w (?:con|cont|contr|contras|contrast|and)|followed")
_PHASE_CONTRAST = whole(r"phase ?contrast~")
_NO_VENDOR = whole(r"unknown|anon~|\d+")
_PLANES: tuple[tuple[Plane, re.Pattern[str]], ...] = (
    ("axial", whole(r"ax|axi|axl|axials?|axiale[nrs]?|tra|trans|transvers~|transv|transax(?:ial)?")),
    ("coronal", whole(r"cor|coronal~|koronar~")),
    ("sagittal", whole(r"sag|sagit|sagitt?al~")),
    ("oblique", whole(r"obl|obliques?")),
)


def describe(evidence: Evidence) -> Acquisition:
    """The acquisition facts that the evidence supports."""
    sequence = sequence_of(evidence)
    return Acquisition(
        sequence=sequence,
        plane=plane_from(evidence),
        body_region=region_of(evidence, sequence),
        contrast=contrast_of(evidence),
        field_strength_t=field_of(evidence.field),
        vendor=vendor_of(evidence.manufacturer),
        model=evidence.model,
        tr_ms=evidence.tr_ms,
        te_ms=evidence.te_ms,
        ti_ms=evidence.ti_ms,
        flip_deg=evidence.flip_deg,
        b_value=evidence.b_value,
        fat_suppressed=fat_suppression_of(evidence),
        dimensions="3D" if evidence.acquisition_type == "3D" else "2D" if evidence.acquisition_type == "2D" else None,
        spacing_mm=evidence.spacing_mm,
        derived=is_derived(evidence, sequence),
    )


def sequence_of(evidence: Evidence) -> Sequence:
    """The kind of images, by the order of evidence that this module's description gives."""
    declared = _declared(evidence)
    texts = [words(evidence.series_text), words(evidence.protocol)]
    named = _first(SPECIFIC_WORDS, texts)
    if declared == "DWI" and named in ("ADC", "DTI map"):
        return named
    if declared != "unknown":
        return declared
    if evidence.suffix_sequence != "unknown":
        return evidence.suffix_sequence
    if named == "DCE" and _first(BASIC_WORDS, texts) in ("T2", "FLAIR", "PD"):
        named = "unknown"  # "arterial", "delayed" and the like, of something that is no dynamic T1
    if named != "unknown":
        return named
    if evidence.is_three_plane:
        return "localizer"
    if evidence.b_value is not None and evidence.b_value > 50:
        return "DWI"
    by_name = _first(SEQUENCE_NAMES, [evidence.sequence_name.lower()])
    spoken = _first(BASIC_WORDS, texts)
    physical = _by_timing(evidence)
    if spoken != "unknown":
        return _checked(spoken, physical, evidence, texts)
    kind = CONTRAST_KINDS.get(evidence.contrast_kind, "unknown")
    for found in (kind, by_name, physical):
        if found != "unknown":
            return found
    weak = [words(part) for part in reversed(evidence.file_text.split("|"))]
    for text in weak:
        for table in (SPECIFIC_WORDS, BASIC_WORDS):
            found = _first(table, [text])
            if found != "unknown":
                return found
    return "unknown"


def _declared(evidence: Evidence) -> Sequence:
    codes = set(evidence.image_type)
    for name, values in IMAGE_TYPES:
        if codes & values:
            return name
    if evidence.contrast_kind in ("DIFFUSION", "FLOW_ENCODED", "STIR", "FLUID_ATTENUATED"):
        return CONTRAST_KINDS[evidence.contrast_kind]
    return "unknown"


def _first(table: Iterable[tuple[Sequence, re.Pattern[str]]], texts: Iterable[str]) -> Sequence:
    """The first row of the table that matches, in the first text in which any does."""
    rows = tuple(table)
    for text in texts:
        if text:
            for name, pattern in rows:
                if pattern.search(text):
                    return name
    return "unknown"


def _checked(spoken: Sequence, physical: Sequence, evidence: Evidence, texts: Iterable[str]) -> Sequence:
    """What the text says, unless the timing says plainly that the text was inherited or lists several echoes."""
    te, tr, ti = evidence.te_ms, evidence.tr_ms, evidence.ti_ms
    joined = " ".join(texts)
    if spoken in ("T2", "PD") and _DENSITY.search(joined) and _T2.search(joined) and te is not None:
        return "PD" if te < 50 else "T2"
    is_spin = "SE" in evidence.scanning_sequence and "GR" not in evidence.scanning_sequence
    if spoken == "T1" and is_spin and te is not None and tr is not None and te > 70 and tr > 1800:
        return "FLAIR" if ti is not None and ti > 1400 else "T2"
    if spoken == "T2" and physical == "FLAIR":
        return "FLAIR"
    if spoken == "T2" and physical == "T1" and is_spin:
        return "T1"
    if spoken == "T2" and physical == "T2*" and not _SPIN_ECHOES.search(joined):
        return "T2*"
    return spoken


def _by_timing(evidence: Evidence) -> Sequence:
    """TR, TE, TI and flip angle alone (ms, degrees)."""
    kinds, te, tr, ti = evidence.scanning_sequence, evidence.te_ms, evidence.tr_ms, evidence.ti_ms
    flip = evidence.flip_deg
    if te is None or tr is None or not kinds:
        return "unknown"
    if "EP" in kinds and "SE" not in kinds and te >= 15 and (tr >= 200 or "GR" in kinds):
        return "T2*"
    if "EP" in kinds:
        return "unknown"
    if "GR" in kinds and "SE" not in kinds:
        return _gradient_by_timing(te, tr, ti, flip, "IR" in kinds or "MP" in evidence.variant)
    if "SE" in kinds or "IR" in kinds:
        if ti is not None and "IR" in kinds:
            if 1400 <= ti <= 3200 and tr >= 4000:
                return "FLAIR"
            if 80 <= ti <= 300 and tr >= 1500:
                return "STIR"
            if 300 < ti < 1300:
                return "T1" if te < 50 else "unknown"
        if te <= 35 and tr <= 1200:
            return "T1"
        if te >= 60 and tr >= 1800:
            return "T2"
        if te <= 50 and tr >= 1800:
            return "PD"
    return "unknown"


def _gradient_by_timing(te: float, tr: float, ti: float | None, flip: float | None, is_prepared: bool) -> Sequence:
    if is_prepared and ti is not None and 300 <= ti <= 1500 and te <= 10:
        return "T1"
    if te >= 14 and tr >= 20:
        return "T2*"
    if te <= 10 and flip is not None:
        if tr <= 15 and 8 <= flip <= 35:
            return "T1"
        if 60 <= tr <= 600 and flip >= 50:
            return "T1"
        if 15 < tr < 60 and flip >= 20:
            return "T1"
    return "unknown"


def region_of(evidence: Evidence, sequence: Sequence = "unknown") -> BodyRegion:
    """By votes: series text 3, body part 3 (phantom 5), anatomy code 3, study text 3.2, protocol 2, coil 1.

    A vote for a wide region counts for its parts too where these have a vote of their own. File and folder names,
    then sequence families that belong to one region, are asked only when nothing else spoke.
    """
    votes: list[tuple[BodyRegion, float]] = []
    part = BODY_PARTS.get(re.sub(r"[^A-Z]", "", evidence.body_part.upper()))
    if part is None:
        part = _region_in(words(evidence.body_part))
    for region, weight in (
        (_region_in(words(evidence.series_text)), 3.0),
        (part, 5.0 if part == "phantom" else 3.0),
        (_region_in(words(evidence.anatomy)), 3.0),
        (_region_in(words(evidence.protocol)), 2.0),
        (_region_in(words(evidence.study_text)), 3.2),
        (_region_in(words(evidence.coil)), 1.0),
    ):
        if region is not None:
            votes.append((region, weight))
    if votes:
        scores = {
            region: sum(w for r, w in votes if r == region or region in PARTS_OF.get(r, frozenset()))
            for region, _ in votes
        }
        return max(scores, key=lambda region: scores[region])  # ties: the earlier source
    for text in reversed(evidence.file_text.split("|")):
        weak = _region_in(words(text))
        if weak is not None:
            return weak
    texts = " ".join(words(t) for t in (evidence.series_text, evidence.protocol, evidence.file_text))
    return "brain" if BRAIN_HINTS.search(texts) else "unknown"


def _region_in(text: str) -> BodyRegion | None:
    if not text:
        return None
    for region, pattern in REGION_WORDS:
        if pattern.search(text):
            return region
    return None


def contrast_of(evidence: Evidence) -> Contrast:
    """Series-level words beat the agent tag, which protocols keep from an earlier series; study words count last."""
    for text in (words(evidence.series_text), words(evidence.protocol)):
        contrast = _contrast_in(text)
        if contrast != "unknown":
            return contrast
    agent = words(evidence.agent)
    if agent:
        return "no" if _NO_AGENT.search(agent) else "yes"
    study = words(evidence.study_text)
    if "withandwithout" not in study and _STUDY_WITHOUT.search(study):
        return "no" if not _STUDY_WITH.search(study) else "unknown"
    return _contrast_in(words(evidence.file_text.rpartition("|")[2]))


def _contrast_in(text: str) -> Contrast:
    if not text or "withandwithout" in text or "contrast agent map" in text or _BOTH.search(text):
        return "unknown"
    text = _PHASE_CONTRAST.sub(" ", text)
    is_without, is_with = _WITHOUT.search(text) is not None, _WITH.search(re.sub(_WITHOUT, " ", text)) is not None
    if is_without:
        return "unknown" if _MIXED.search(text) else "no"
    return "yes" if is_with else "unknown"


def plane_from(evidence: Evidence) -> Plane:
    """The geometry's plane; the texts' only where the grid does not tell (isotropic NIfTI)."""
    if evidence.plane != "unknown":
        return evidence.plane
    for text in (evidence.series_text, evidence.protocol, evidence.file_text.rpartition("|")[2]):
        found = [name for name, pattern in _PLANES if pattern.search(words(text))]
        if len(found) == 1:
            return found[0]
    return "unknown"


def field_of(value: float | None) -> float | None:
    """Tesla; values in gauss (15000) are converted, values that no magnet has are dropped."""
    if value is None:
        return None
    tesla = value / _GAUSS if value > 500 else value
    return round(tesla, 4) if _FIELD_T[0] <= tesla <= _FIELD_T[1] else None


def vendor_of(manufacturer: str) -> Vendor:
    """The vendor's usual name; 'other' for one that is not in the table."""
    text = words(manufacturer)
    for name, pattern in VENDORS:
        if pattern.search(text):
            return name
    return "other" if text and not _NO_VENDOR.search(text) else "unknown"


def fat_suppression_of(evidence: Evidence) -> bool | None:
    """By the scanner's own tags, then by words; None where nothing is said."""
    if evidence.suppression:
        return evidence.suppression not in ("NONE", "NO")
    if evidence.options & {"FS", "FATSAT", "SPIR", "SPAIR"}:
        return True
    for text in (evidence.series_text, evidence.protocol, evidence.file_text.rpartition("|")[2]):
        plain = words(text)
        if _NO_FAT.search(plain):
            return False
        if _FAT.search(plain):
            return True
    return None


def is_derived(evidence: Evidence, sequence: Sequence) -> bool:
    """A computed image. Trace-weighted diffusion is not one here: readers look at it as at an acquired image.

    SECONDARY alone says that the object was made after the examination (PS3.3 C.7.6.1.1.2), as any export is.
    """
    codes = set(evidence.image_type)
    if evidence.is_capture or evidence.is_computed or sequence in ("ADC", "DTI map"):
        return True
    if "TRACEW" in codes:
        return False
    return "DERIVED" in codes and bool(codes & (DERIVED_TYPES | {"SECONDARY"}))
