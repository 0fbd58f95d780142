"""Typed acquisition facts from tags and texts, by written rules. Unknown is allowed, and better than wrong.

Order of evidence for the sequence: (1) what the object itself declares (Image Type, Acquisition Contrast), then the
BIDS suffix, which a curator gave, (2) names
that say what the images are (ADC, DWI, localizer, ...) in the series description, then the protocol name, (3) a
b-value, (4) plain weightings in the texts, checked against TR, TE and TI, (5) the vendor's pulse sequence name,
(6) TR, TE, TI and flip angle alone, (7) words of the file's name, then of its folder, then of the folder around that: the nearest that says anything
decides. Folders that name people or places (`patient1`, `heart_clinic`) say nothing, and neither does a word that is
plain language in names (`merge`, `rest`, `main`).

Each fact keeps the name of its rule, how sure that rule is, and what other sources said against it (`grounds`).
"""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Acquisition, BodyRegion, Contrast, Sequence, Vendor
from spinecho.encoders.acquisition.grounds import Claim, Found, why
from spinecho.encoders.acquisition.image_kinds import HIDDEN, KindOfImages, b_value_found, kind_of_images
from spinecho.encoders.acquisition.planes import plane_found
from spinecho.encoders.acquisition.region_rules import region_found
from spinecho.encoders.acquisition.rule_tables import DERIVED_TYPES, VENDORS, whole
from spinecho.encoders.acquisition.sequence_rules import sequence_found
from spinecho.encoders.acquisition.sides import side_found
from spinecho.encoders.acquisition.whole_words import words

RULES = 4
"""Goes up whenever a rule changes: then facts of stored volumes are worked out anew from their headers."""

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
_NO_AGENT = whole(r"^(?:no|none|non|not|nothing|n a|without|nil|0|kein~|nein|nicht|aucun)")
_STUDY_WITHOUT = whole(r"without (?:iv )?(?:con|contr|cont|contrast|gad|gado|gadol~|gd)")
_STUDY_WITH = whole(r"with|w (?:con|cont|contr|contras|contrast|and)|followed")
_PHASE_CONTRAST = whole(r"phase ?contrast~")
_NO_VENDOR = whole(r"unknown|anon~|\d+")
_MAPS = 0.98


def describe(evidence: Evidence) -> Acquisition:
    """The acquisition facts that the evidence supports, each with the rule that gave it."""
    sequence, region = sequence_found(evidence), region_found(evidence)
    plane, contrast, fat = plane_found(evidence), _contrast_found(evidence), _fat_found(evidence)
    side = side_found(evidence, region.value)
    kind = kind_of_images(evidence, sequence)
    derived = _derived_found(evidence, sequence.value, kind)
    b_value = b_value_found(evidence, sequence)
    return Acquisition(
        sequence=sequence.value,
        plane=plane.value,
        body_region=region.value,
        contrast=contrast.value,
        field_strength_t=field_of(evidence.field),
        vendor=vendor_of(evidence.manufacturer),
        model=evidence.model,
        tr_ms=evidence.tr_ms,
        te_ms=evidence.te_ms,
        ti_ms=evidence.ti_ms,
        flip_deg=evidence.flip_deg,
        b_value=b_value.value,
        fat_suppressed=fat.value,
        dimensions="3D" if evidence.acquisition_type == "3D" else "2D" if evidence.acquisition_type == "2D" else None,
        spacing_mm=evidence.spacing_mm,
        derived=derived.value,
        side=side.value,
        technique=kind.technique.value,
        component=kind.component.value,
        dixon=kind.dixon.value,
        computed=kind.computed.value,
        rules=RULES,
        why=why(
            [
                ("sequence", sequence),
                ("plane", plane),
                ("body_region", region),
                ("side", side),
                ("contrast", contrast),
                ("b_value", b_value),
                ("fat_suppressed", fat),
                ("technique", kind.technique),
                ("component", kind.component),
                ("dixon", kind.dixon),
                ("computed", kind.computed),
                ("derived", derived if derived.value else None),
            ]
        ),
    )


def sequence_of(evidence: Evidence) -> Sequence:
    """The kind of images; see `sequence_rules`."""
    return sequence_found(evidence).value


def region_of(evidence: Evidence) -> BodyRegion:
    """The body region; see `region_rules`."""
    return region_found(evidence).value


def contrast_of(evidence: Evidence) -> Contrast:
    """Whether there was contrast agent when the series was made."""
    return _contrast_found(evidence).value


def _contrast_found(evidence: Evidence) -> Found[Contrast]:
    """Series-level words beat the agent tag, which protocols keep from an earlier series; study words count last."""
    agent = words(evidence.agent)
    tagged: Contrast = "unknown" if not agent else "no" if _NO_AGENT.search(agent) else "yes"
    for text, rule in ((evidence.series_text, "series description"), (evidence.protocol, "protocol name")):
        contrast = _contrast_in(words(text))
        if contrast != "unknown":
            is_disputed = tagged not in ("unknown", contrast)
            return Found(contrast, rule, (Claim(tagged, "contrast agent"),) if is_disputed else ())
    if tagged != "unknown":
        return Found(tagged, "contrast agent")
    study = words(evidence.study_text)
    if "withandwithout" not in study and _STUDY_WITHOUT.search(study):
        return Found("no" if not _STUDY_WITH.search(study) else "unknown", "study description")
    return Found(_contrast_in(words(evidence.file_text.rpartition("|")[2])), "file name")


def _contrast_in(text: str) -> Contrast:
    if not text or "withandwithout" in text or "contrast agent map" in text or _BOTH.search(text):
        return "unknown"
    text = _PHASE_CONTRAST.sub(" ", text)
    is_without, is_with = _WITHOUT.search(text) is not None, _WITH.search(re.sub(_WITHOUT, " ", text)) is not None
    if is_without:
        return "unknown" if _MIXED.search(text) else "no"
    return "yes" if is_with else "unknown"


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


def _fat_found(evidence: Evidence) -> Found[bool | None]:
    """By the scanner's own tags, then by words; None where nothing is said."""
    if evidence.suppression:
        return Found(evidence.suppression not in ("NONE", "NO"), "fat suppression")
    if evidence.options & {"FS", "FATSAT", "SPIR", "SPAIR"}:
        return Found(True, "fat suppression")
    for text, rule in (
        (evidence.series_text, "series description"),
        (evidence.protocol, "protocol name"),
        (evidence.file_text.rpartition("|")[2], "file name"),
    ):
        plain = words(text)
        if _NO_FAT.search(plain):
            return Found(False, rule)
        if _FAT.search(plain):
            return Found(True, rule)
    return Found(None, "")


def _derived_found(evidence: Evidence, sequence: Sequence, kind: KindOfImages) -> Found[bool]:
    """A computed image. Trace-weighted diffusion is not one here: readers look at it as at an acquired image.

    SECONDARY alone says that the object was made after the examination (PS3.3 C.7.6.1.1.2), as any export is. Where
    there is no Image Type at all, the name of what was computed has to do.
    """
    codes = set(evidence.image_type)
    if evidence.is_capture:
        return Found(True, "secondary capture")
    if evidence.is_computed:
        return Found(True, "file name")
    if sequence in ("ADC", "DTI map"):
        return Found(True, "kind of sequence", confidence=_MAPS)
    if "TRACEW" in codes:
        return Found(False, "image type")
    if not codes and kind.computed.value in HIDDEN and kind.computed.rule == "series description":
        return Found(True, "series description")
    return Found("DERIVED" in codes and bool(codes & (DERIVED_TYPES | {"SECONDARY"})), "image type")
