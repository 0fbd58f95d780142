"""The plane of the slices: by their orientation, and by words where it leaves more than one name open."""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Plane
from spinecho.encoders.acquisition.grounds import Claim, Found
from spinecho.encoders.acquisition.rule_tables import whole
from spinecho.encoders.acquisition.whole_words import words

_PLANES: tuple[tuple[Plane, re.Pattern[str]], ...] = (
    ("axial", whole(r"ax(?:\d\w*)?|axi|axl|axials?|axiale[nrs]?|tra(?:\d\w*)?|tran|trans|transvers~|transv|transax(?:ial)?")),
    ("coronal", whole(r"cor(?:\d\w*)?|coronal~|koronar~")),
    ("sagittal", whole(r"sag(?:\d\w*)?|sagit|sagitt?al~")),
    ("oblique", whole(r"obl|obliques?")),
)  # fmt: skip


def plane_found(evidence: Evidence) -> Found[Plane]:
    """The orientation's plane; the texts' where the grid does not tell (isotropic NIfTI).

    Slices that are tilted so far that the orientation alone would be called oblique have the name of the plane next to
    them where the text gives them that: an oblique sagittal of a shoulder is what readers ask for as sagittal.
    """
    spoken = [
        Claim(found[0], rule)
        for text, rule in (
            (evidence.series_text, "series description"),
            (evidence.protocol, "protocol name"),
            (evidence.file_text.rpartition("|")[2], "file name"),
        )
        if len(found := _planes_in(text)) == 1
    ]
    if evidence.plane == "unknown":
        return Found(spoken[0].value, spoken[0].rule) if spoken else Found("unknown", "")
    if evidence.plane == "oblique" and spoken and spoken[0].value == evidence.nearest_plane:
        return Found(spoken[0].value, "slice orientation, named by words")
    against = tuple(
        claim
        for claim in spoken
        if claim.rule == "series description" and claim.value not in (evidence.plane, evidence.nearest_plane, "oblique")
    )
    return Found(evidence.plane, "slice orientation", against)


def _planes_in(text: str) -> list[Plane]:
    plain = words(text)
    return [name for name, pattern in _PLANES if pattern.search(plain)]
