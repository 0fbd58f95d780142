"""What the images of a series are beyond their weighting: technique, part of the signal, Dixon image, computed map."""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re
from dataclasses import dataclass

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Component, Dixon, Sequence
from spinecho.encoders.acquisition.grounds import CONFIDENCE, Claim, Found
from spinecho.encoders.acquisition.rule_tables import whole
from spinecho.encoders.acquisition.whole_words import words

HIDDEN = frozenset(
    {"ADC map", "exponential ADC map", "FA map", "colour FA map", "MD map", "subtraction", "maximum projection",
     "minimum projection", "projection", "reformat"}
)  # fmt: skip
"""Computed images that a reader looks at beside the scan that they were made of."""


@dataclass(frozen=True, slots=True)
class KindOfImages:
    """Each with its rule; None or () where nothing names it."""

    technique: Found[tuple[str, ...]]
    component: Found[Component | None]
    dixon: Found[Dixon | None]
    computed: Found[str | None]


# What was computed: by Image Type values, then by words. The first that fits.
_COMPUTED: tuple[tuple[str, frozenset[str], re.Pattern[str]], ...] = tuple(
    (name, frozenset(codes.split("|")) - {""}, whole(pattern))
    for name, codes, pattern in (
        ("exponential ADC map", "EADC", r"eadc|exponential (?:apparent|adc)~|exp(?:onential)? adc"),
        ("subtraction", "SUBTRACT|SUBTRACTION|SUB", r"s?subtr|s?subtract(?:ion|ions|ed|s)?|sub|gradsub\d*"),
        ("ADC map", "ADC|ADC_UNSPECIFIED|DIFFUSION_ADC", r"(?:[ed]|dyn|dist|mix|avg?|mean|r)?adcs?(?: ?maps?)?|apparent diff(?:usion)?|diffusion coeff~"),
        ("colour FA map", "COLFA", r"col ?fa|colou?r ?fa~"),
        ("FA map", "FA|DIFFUSION_ANISO", r"fa ?maps?|fa$|fractional anis~"),
        ("MD map", "MD", r"md ?maps?|mean diffusivity"),
        ("diffusion tensor", "TENSOR|TENSOR_B0", r"tensors?"),
        ("calculated b-value", "CALC_BVALUE", r"calc ?b ?val~|(?:dyndist|mix)?calc ?bvals?|dwi? synthetic|synthetic (?:dwi|b ?\d+)|calculated b~"),
        ("trace", "TRACEW|DIFFUSION_TRACE|TRACE_MAP", r"trace ?w?(?:eighted)?"),
        ("blood flow map", "CBF|RCBF|RELCBF", r"r?cbf"),
        ("blood volume map", "CBV|RCBV|RELCBV", r"r?cbv"),
        ("transit time map", "MTT|TMAX|RELMTT", r"mtt|tmax"),
        ("time-to-peak map", "TTP", r"ttp"),
        ("fat fraction map", "PDFF|FAT_FRACTION|FF", r"pdff|fat ?frac~"),
        ("B0 map", "B0|B0 MAP|FIELD_MAP|FIELDMAP", r"b0 ?maps?|field ?maps?"),
        ("B1 map", "B1|B1 MAP", r"b1 ?maps?"),
        ("T1 map", "T1 MAP|T1_MAP", r"(?<!flip )t1 ?maps?(?!.*\d ?flip)"),
        ("T2 map", "T2 MAP|T2_MAP", r"t2 ?maps?"),
        ("T2* map", "T2_STAR MAP|R2_STAR MAP|R2_MAP", r"t2 ?\* ?maps?|t2 ?star ?maps?|r2 ?\* ?(?:maps?)?|r2 ?star~"),
        ("susceptibility map", "QSM", r"qsm|chi ?maps?"),
        ("minimum projection", "MNIP|MINIP", r"min ?ip~|mnip"),
        ("maximum projection", "MIP|PROJECTION IMAGE", r"(?:mpr )?mips?|mip ?(?:series|range|collection)~|max(?:imum)? int~"),
        ("reformat", "MPR|CSA MPR|CSAPARALLEL|REFORMATTED|RESAMPLED", r"mprs?|cpr|reformat~|curved"),
        ("mask", "MASK", r"(?:dwi|voi|roi) mask|masks?$"),
    )
)  # fmt: skip
_GE_SUBTRACTION = re.compile(r"^\s*\(\d+/[\d/.]+\)\s*-\s*\(\d+/[\d/.]+\)")
"""GE names the difference of two series by their numbers: (exam/series/image)-(exam/series/image)."""
_MP_RAGE = whole(r"(?:t1 ?)?(?:sag|cor|ax|tra)? ?mpr(?: (?:sag|cor|ax|tra|t1|3d|p2|ns|iso|ge))*")
_DIXON_CODES: tuple[tuple[Dixon, frozenset[str]], ...] = (
    ("fat fraction", frozenset({"FAT_FRACTION", "FF", "PDFF"})),
    ("water", frozenset({"W", "WATER"})),
    ("fat", frozenset({"F", "FAT"})),
    ("in phase", frozenset({"IN_PHASE", "IP"})),
    ("opposed phase", frozenset({"OPP_PHASE", "OUT_PHASE", "OUT_OF_PHASE", "OP"})),
)
_DIXON = whole(r"s?m?dixons?|dix|q?ideal|lava ?flex|flex|t[12] ?water")
_DIXON_FILE = whole(r"s?m?dixons?")
"""Files are called "ideal" and "flex" for other reasons."""
_GE_PREFIX = re.compile(r"(WATER|FAT|InPhase|OutPhase|In ?Phase|Out ?Phase)\s?:", re.IGNORECASE)
_DIXON_WORDS: tuple[tuple[Dixon, re.Pattern[str]], ...] = (
    ("fat fraction", whole(r"pdff|fat ?frac~|ff")),
    ("in phase", whole(r"in ?ph(?:ase)?|in|ip")),
    ("opposed phase", whole(r"(?:opp?|opposed|out)(?: of)? ?ph(?:ase)?|opp|out|op|oop")),
    ("water", whole(r"w|water|wats?")),
    ("fat", whole(r"f|fat(?! ?(?:sat|sup|fs|frac))")),
)
_BOTH_PHASES = whole(r"in (?:and )?(?:out|opp)~|dual ?echo|in ?op~|ip op")
_PHASES: tuple[tuple[Dixon, re.Pattern[str]], ...] = (
    ("in phase", whole(r"in ?phase|t1 ?ip")),
    ("opposed phase", whole(r"(?:opp|opposed|out)(?: of)? ?phase|oop")),
)
_TECHNIQUES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("MP2RAGE", "", whole(r"mp2rage")),
    ("MP2RAGE", "inversion 1", whole(r"mp2rage\b.*inv ?1|inv ?1\b.*mp2rage")),
    ("MP2RAGE", "inversion 2", whole(r"mp2rage\b.*inv ?2|inv ?2\b.*mp2rage")),
    ("MP2RAGE", "uniform", whole(r"mp2rage\b.*uni~|uni\b.*mp2rage")),
    ("MPRAGE", "", whole(r"mp ?rage|mpr ?age|tfl3d")),
    ("multi-echo", "", whole(r"me2d|me3d|m?ulti ?echo|mecho|mese|dual ?echo|echo ?[12]|me ?(?:mp ?rage|gre|bold|epi|flash)")),
    ("ASL", "control and label", whole(r"control|label|tag")),
    ("ASL", "proton density (M0)", whole(r"m0|m zero")),
    ("single shot", "", whole(r"haste|ss ?fse|ssh|ss ?tse|single ?shot")),
    ("radial (motion-insensitive)", "", whole(r"blade|propeller~|multi ?vane|radial~|star ?vibe")),
    ("simultaneous multi-slice", "", whole(r"sms|multi ?band|mb ?\d")),
)  # fmt: skip
"""Name, the part of it that the images are, and what names it. A part never stands without its name."""
TECHNIQUES = frozenset({"ASL", "DCE", "Dixon", "EPI", *(f"{name} {part}".rstrip() for name, part, _ in _TECHNIQUES)})
"""Every technique that a volume can have."""
COMPUTED = frozenset(name for name, _, _ in _COMPUTED)
"""Every computed image that a volume can be."""
_CALCULATED = next(pattern for name, _, pattern in _COMPUTED if name == "calculated b-value")
_MAPS_OF_DIFFUSION = ("ADC", "DTI map")
_COMPONENT_FILES: tuple[tuple[Component, re.Pattern[str]], ...] = (
    ("magnitude", re.compile(r"mag|magnitude(?: [12])?|sub\b.* magnitude(?: [12])?")),
    ("phase", re.compile(r"pha|phase(?: ?diff)?|sub\b.* phase(?: ?diff| [12])?|.+ e\d+ ph")),
    ("real", re.compile(r"real|.+ e\d+ real")),
    ("imaginary", re.compile(r"imag|imaginary|.+ e\d+ imaginary")),
)
"""Whole names of files: a "phase" among other words is as often one of breathing, of an agent or of the heart."""
_ASL = whole(r"[2-4]?d? ?(?:e|p|pc|v|c|vs)?asl")
_DIFFUSION_B = re.compile(r"(?<![^\W_])b ?=? ?(\d{2,5}|0)(?!\w)")


def kind_of_images(evidence: Evidence, sequence: Found[Sequence]) -> KindOfImages:
    """All that names the images besides their weighting."""
    dixon = _dixon(evidence)
    return KindOfImages(
        _technique(evidence, sequence, dixon), _component(evidence), dixon, _computed(evidence, sequence)
    )


def b_value_found(evidence: Evidence, sequence: Found[Sequence]) -> Found[float | None]:
    """s/mm2, of the header; else of the description of a diffusion series that names one value and no more.

    Some scanners write 0 into every image, and the value of a source into the maps that are computed of several.
    """
    is_another = sequence.value not in ("DWI", "unknown") and sequence.rule != "timing"
    if sequence.value in _MAPS_OF_DIFFUSION or (evidence.b_value == 0 and is_another):
        return Found(None, "")
    if evidence.b_value is not None:
        return Found(evidence.b_value, "b-value")
    named = {int(found) for found in _DIFFUSION_B.findall(words(evidence.series_text))}
    if sequence.value == "DWI" and len(named) == 1 and (value := named.pop()) % 10 == 0:
        return Found(float(value), "series description")
    return Found(None, "")


def _computed(evidence: Evidence, sequence: Found[Sequence]) -> Found[str | None]:
    codes = set(evidence.image_type)
    for name, values, _ in _COMPUTED:
        if codes & values:
            if name == "trace" and _CALCULATED.search(words(evidence.series_text)):
                return Found("calculated b-value", "series description", (Claim(name, "image type"),))
            return Found(name, "image type")
    if "ORIGINAL" in codes:
        return Found(None, "")
    if _GE_SUBTRACTION.search(evidence.series_text):
        return Found("subtraction", "series description")
    text = words(evidence.series_text)
    for name, _, pattern in _COMPUTED:
        if pattern.search(text) and not (name == "reformat" and _MP_RAGE.fullmatch(text)):
            return Found(name, "series description")
    if sequence.rule == "file name" and (sequence.value in _MAPS_OF_DIFFUSION or evidence.is_computed):
        text = words(evidence.file_text.rpartition("|")[2])
        named = [name for name, _, pattern in _COMPUTED if pattern.search(text)]
        return Found(named[0], "file name") if named else Found(None, "")
    return Found(None, "")


def _component(evidence: Evidence) -> Found[Component | None]:
    if evidence.component is not None:
        return Found(evidence.component, "complex component")
    file = words(evidence.file_text.rpartition("|")[2])
    named = [name for name, pattern in _COMPONENT_FILES if pattern.fullmatch(file)]
    return Found(named[0], "file name") if named else Found(None, "")


def _dixon(evidence: Evidence) -> Found[Dixon | None]:
    codes = set(evidence.image_type[2:])
    for name, values in _DIXON_CODES:
        if codes & values:
            return Found(name, "image type")
    prefix = _GE_PREFIX.match(evidence.series_text)
    text = words(prefix[1] if prefix else evidence.series_text)
    if prefix or (_DIXON.search(text) and not _BOTH_PHASES.search(text)):
        named = [name for name, pattern in _DIXON_WORDS if pattern.search(text)]
        if named:
            return Found(named[0], "series description")
    named = [name for name, pattern in _PHASES if pattern.search(text)]
    if len(named) == 1 and not _BOTH_PHASES.search(text):
        return Found(named[0], "series description")
    return Found(None, "")


def _technique(evidence: Evidence, sequence: Found[Sequence], dixon: Found[Dixon | None]) -> Found[tuple[str, ...]]:
    """Every name with what it rests on; the rule that is told is that of the least sure."""
    texts = [(words(evidence.series_text), "series description"), (words(evidence.protocol), "protocol name")]
    file = words(evidence.file_text.rpartition("|")[2])
    named: dict[str, str] = {}
    if sequence.value in ("DCE", "ASL"):
        named[sequence.value] = sequence.rule
    if dixon.rule == "image type":
        named["Dixon"] = dixon.rule
    elif rule := _said_by(_DIXON, texts):
        named["Dixon"] = rule
    elif _DIXON_FILE.search(file):
        named["Dixon"] = "file name"
    if evidence.n_echoes > 1:
        named["multi-echo"] = "echo times"
    if "EP" in evidence.scanning_sequence:
        named["EPI"] = "scanning sequence"
    texts += [(file, "file name")] if file else []
    is_asl = sequence.value == "ASL" or _said_by(_ASL, texts) != ""
    for name, part, pattern in _TECHNIQUES:
        rule = _said_by(pattern, texts)
        if not rule or (name == "ASL" and not is_asl):
            continue
        named.setdefault(name, rule)
        if part:
            named.setdefault(f"{name} {part}", rule)
    if not named:
        return Found((), "")
    return Found(tuple(sorted(named, key=str.casefold)), min(named.values(), key=CONFIDENCE.__getitem__))


def _said_by(pattern: re.Pattern[str], texts: list[tuple[str, str]]) -> str:
    """The rule of the first text that the pattern is found in; of the last where only all of them hold it; '' for none."""
    for text, rule in texts:
        if pattern.search(text):
            return rule
    return texts[-1][1] if pattern.search(" ".join(text for text, _ in texts)) else ""
