"""The body region, by votes of what names one."""

from __future__ import annotations

import re

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import BodyRegion
from spinecho.encoders.acquisition.grounds import CONFIDENCE, Claim, Found
from spinecho.encoders.acquisition.rule_tables import BODY_PARTS, BRAIN_HINTS, PARTS_OF, REGION_WORDS
from spinecho.encoders.acquisition.whole_words import words

_LEVELS: frozenset[BodyRegion] = frozenset({"cervical spine", "thoracic spine", "lumbar spine"})
_ANYTHING: frozenset[BodyRegion] = frozenset({"whole body", "phantom"})
_AGREED = 0.97


def region_found(evidence: Evidence) -> Found[BodyRegion]:
    """By votes: series text 3, body part 3 (phantom 5), anatomy code 3, study text 3.2, protocol 2, coil 1.

    A vote for a wide region counts for its parts too where these have a vote of their own. A level of the spine that
    the series text names is that of the series: an examination of one takes a few series of another. File and folder
    names, then sequence families that belong to one region, are asked only when nothing else spoke.
    """
    votes = _votes(evidence)
    if votes:
        scores = {
            claim.value: sum(w for c, w in votes if c.value == claim.value or _is_within(claim.value, c.value))
            for claim, _ in votes
        }
        value = max(scores, key=lambda region: scores[region])  # ties: the earlier source
        first = votes[0][0]
        if first.rule == "series description" and {first.value, value} <= _LEVELS:
            value = first.value
        mine = [claim for claim, _ in votes if claim.value == value]
        against = tuple(claim for claim, _ in votes if not _agree(value, claim.value))
        if against:  # `abdomen and pelvis` speaks for both
            also = _all_named(evidence, {claim.rule for claim in mine})
            against = tuple(claim for claim in against if claim.value not in also)
        rule = max((claim.rule for claim in mine), key=lambda name: CONFIDENCE[name])
        return Found(value, rule, against, _AGREED if len(mine) > 1 else None)
    for at, text in enumerate(reversed(evidence.file_text.split("|"))):
        weak = region_in(words(text))
        if weak is not None:
            return Found(weak, "folder name" if at else "file name")
    texts = " ".join(words(t) for t in (evidence.series_text, evidence.protocol, evidence.file_text))
    return Found("brain", "kind of sequence") if BRAIN_HINTS.search(texts) else Found("unknown", "")


def region_in(text: str) -> BodyRegion | None:
    """The first region of the table that the words name."""
    return next((region for region, pattern in REGION_WORDS if pattern.search(text)), None) if text else None


def _votes(evidence: Evidence) -> list[tuple[Claim[BodyRegion], float]]:
    part = BODY_PARTS.get(re.sub(r"[^A-Z]", "", evidence.body_part.upper())) or region_in(words(evidence.body_part))
    return [
        (Claim(region, rule), weight)
        for region, rule, weight in (
            (region_in(words(evidence.series_text)), "series description", 3.0),
            (part, "body part", 5.0 if part == "phantom" else 3.0),
            (region_in(words(evidence.anatomy)), "anatomy code", 3.0),
            (region_in(words(evidence.protocol)), "protocol name", 2.0),
            (region_in(words(evidence.study_text)), "study description", 3.2),
            (region_in(words(evidence.coil)), "coil", 1.0),
        )
        if region is not None
    ]


def _agree(one: BodyRegion, other: BodyRegion) -> bool:
    """Whether both can be true: a part and the wide region around it, a phantom in a coil for heads."""
    return one == other or _is_within(one, other) or _is_within(other, one) or bool({one, other} & _ANYTHING)


def _all_named(evidence: Evidence, rules: set[str]) -> set[BodyRegion]:
    """Every region that the texts of these sources name."""
    texts = {
        "series description": evidence.series_text,
        "study description": evidence.study_text,
        "protocol name": evidence.protocol,
        "body part": evidence.body_part,
    }
    named = [words(text) for rule, text in texts.items() if rule in rules and text]
    return {region for region, pattern in REGION_WORDS if any(pattern.search(text) for text in named)}


def _is_within(part: BodyRegion, wide: BodyRegion) -> bool:
    """Whether a vote for the wide region is one for the part, too."""
    return part in PARTS_OF.get(wide, frozenset())
