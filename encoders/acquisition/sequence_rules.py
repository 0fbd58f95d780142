"""The kind of images, by the order of evidence that `rules` describes, with the sources that say otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Sequence
from spinecho.encoders.acquisition.grounds import Claim, Found
from spinecho.encoders.acquisition.rule_tables import (
    BASIC_WORDS,
    CARRIED_BY,
    CONTRAST_KINDS,
    IMAGE_TYPES,
    SEQUENCE_NAMES,
    SPECIFIC_WORDS,
    whole,
)
from spinecho.encoders.acquisition.timing import by_timing, is_spoiled_t1
from spinecho.encoders.acquisition.whole_words import words

_DENSITY = whole(r"pd(?:w|wi|fs|tse|fse)?|proton~|dp")
_T2 = whole(r"t2(?:w|wi)?")
_SPIN_ECHOES = whole(r"haste~|(?:fr|ss)?fse|tse|trufi~|fiesta|b?ssfp|grase")
_PROJECTION = whole(r"(?:m|mini|min)ips?|mip ?series")
_ANGIOGRAPHY = whole(r"(?:ce)?mra|angio~|mr ?angio~")
_WEIGHTED: frozenset[Sequence] = frozenset({"T1", "T2", "PD", "FLAIR", "STIR", "T2*"})
_SHORT_ECHO_MS = 10.0


def sequence_found(evidence: Evidence) -> Found[Sequence]:
    """The kind of images and the rule that named it; 'unknown' where nothing speaks."""
    value, rule = _chosen(evidence)
    if value == "unknown":
        return Found("unknown", "")
    if rule == "series description" and value in _WEIGHTED and by_timing(evidence) == value:
        rule = "words, confirmed by timing"
    against = tuple(claim for claim in _claims(evidence) if claim.rule != rule and not _agree(value, claim.value))
    return Found(value, rule, tuple(dict.fromkeys(against)))


def _chosen(evidence: Evidence) -> tuple[Sequence, str]:
    declared, declared_by = _declared(evidence)
    texts = [words(evidence.series_text), words(evidence.protocol)]
    named, named_in = _first(SPECIFIC_WORDS, texts)
    if declared == "DWI" and named in ("ADC", "DTI map"):
        return named, named_in
    if declared != "unknown":
        return declared, declared_by
    if evidence.suffix_sequence != "unknown":
        return evidence.suffix_sequence, "BIDS suffix"
    spoken, spoken_in = _first(BASIC_WORDS, texts)
    physical = by_timing(evidence)
    if named == "DCE" and spoken in ("T2", "FLAIR", "PD"):
        named = "unknown"  # "arterial", "delayed" and the like, of something that is no dynamic T1
    if named == "DCE" and physical in ("T2", "FLAIR", "STIR"):
        return physical, "timing over words"
    if named == "perfusion" and _is_dynamic_t1(evidence, spoken):
        return "DCE", named_in if spoken == "T1" else "timing over words"
    if named != "unknown":
        return named, named_in
    if evidence.is_three_plane:
        return "localizer", "slices in three planes"
    if evidence.b_value is not None and evidence.b_value > 50:
        return "DWI", "b-value"
    if spoken != "unknown":
        checked = _checked(spoken, physical, evidence, texts)
        return checked, spoken_in if checked == spoken else "timing over words"
    by_name, _ = _first(SEQUENCE_NAMES, [evidence.sequence_name.lower()])
    for found, rule in (
        (CONTRAST_KINDS.get(evidence.contrast_kind, "unknown"), "acquisition contrast"),
        (by_name, "pulse sequence name"),
        (physical, "timing"),
    ):
        if found != "unknown":
            return found, rule
    if _PROJECTION.search(texts[0]) and _ANGIOGRAPHY.search(words(evidence.study_text)):
        return "MRA", "study description"
    for at, part in enumerate(reversed(evidence.file_text.split("|"))):
        for table in (SPECIFIC_WORDS, BASIC_WORDS):
            found, _ = _first(table, [words(part)])
            if found != "unknown":
                return found, "folder name" if at else "file name"
    return "unknown", ""


def _claims(evidence: Evidence) -> Iterable[Claim[Sequence]]:
    """What each source says by itself, the timing of a sequence that was prepared for something else left out."""
    declared, declared_by = _declared(evidence)
    claims = [(declared, declared_by), (evidence.suffix_sequence, "BIDS suffix")]
    for text, rule in ((evidence.series_text, "series description"), (evidence.protocol, "protocol name")):
        plain = words(text)
        named, _ = _first(SPECIFIC_WORDS, [plain])
        claims.append((named if named != "unknown" else _first(BASIC_WORDS, [plain])[0], rule))
    if evidence.b_value is not None and evidence.b_value > 50:
        claims.append(("DWI", "b-value"))
    claims.append((_first(SEQUENCE_NAMES, [evidence.sequence_name.lower()])[0], "pulse sequence name"))
    claims.append((by_timing(evidence), "timing"))
    return [Claim(value, rule) for value, rule in claims if value != "unknown"]


def _agree(one: Sequence, other: Sequence) -> bool:
    """Whether a series can be both: a localizer is T2-weighted, too, and a dynamic series T1-weighted."""
    return one == other or other in CARRIED_BY.get(one, frozenset()) or one in CARRIED_BY.get(other, frozenset())


def _declared(evidence: Evidence) -> tuple[Sequence, str]:
    codes = set(evidence.image_type)
    for name, values in IMAGE_TYPES:
        if codes & values:
            return name, "image type"
    if evidence.contrast_kind in ("DIFFUSION", "FLOW_ENCODED", "STIR", "FLUID_ATTENUATED"):
        return CONTRAST_KINDS[evidence.contrast_kind], "acquisition contrast"
    return "unknown", ""


def _first(table: Iterable[tuple[Sequence, re.Pattern[str]]], texts: Iterable[str]) -> tuple[Sequence, str]:
    """The first row of the table that matches, in the first text in which any does, and which text it was."""
    rows = tuple(table)
    for text, rule in zip(texts, ("series description", "protocol name"), strict=False):
        if text:
            for name, pattern in rows:
                if pattern.search(text):
                    return name, rule
    return "unknown", ""


def _is_dynamic_t1(evidence: Evidence, spoken: Sequence) -> bool:
    """Perfusion by T1: a gradient echo with a short echo time, where a bolus of gadolinium shows as T2* otherwise."""
    kinds, te = evidence.scanning_sequence, evidence.te_ms
    if te is not None and kinds:
        return te < _SHORT_ECHO_MS and "EP" not in kinds
    return spoken == "T1"


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
    if spoken in ("T2", "FLAIR", "STIR", "PD") and physical == "T1" and (is_spin or is_spoiled_t1(evidence)):
        return "T1"
    if spoken == "T2" and physical == "T2*" and not _SPIN_ECHOES.search(joined):
        return "T2*"
    return spoken
