"""A part looked at once more: growth denied of what is there, operations long done, organs missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from spinecho.encoders.language.clauses.cues import OPERATED, PROCEDURE, Cue
from spinecho.encoders.language.clauses.further_cues import NO_MORE
from spinecho.encoders.language.clauses.segment import Judged, has_words
from spinecho.encoders.language.finding_words import names_finding

_AN_ORGAN_MISSING = re.compile(r"(?:agenesis|aplasia|congenital absence|absence|absent)(?!\w)")


def no_more(heard: str, part: Judged) -> list[Judged]:
    """ "The aneurysm shows" | "no growth", "no enlargement" | "of the cyst"; "no enlargement of the spleen" is one."""
    if part.by != "nothing" or (found := NO_MORE.search(heard, part.start, part.end)) is None:
        return [part]
    if not has_words(heard[part.start : found.start()] + heard[found.end() : part.end]):
        return [part]  # of what was named before: it is there
    cut = [replace(part, end=found.start(), aside=True)] if has_words(heard[part.start : found.start()]) else []
    start = found.start() if cut else part.start
    end = found.end() if names_finding(heard[found.end() : part.end]) else part.end
    cut.append(Judged(start, end, "absent", "negation", found.span(), aside=end < part.end))
    return [*cut, Judged(end, part.end)] if end < part.end else cut


def operated(heard: str, part: Judged) -> list[Judged]:
    """ "Scar tissue" | "after laminectomy": an operation that only sets the scene is of the past, the rest stays."""
    if part.by in ("history", "family"):
        return [part]
    if part.by == "nothing" and (alone := PROCEDURE.fullmatch(heard, part.start, part.end)):
        return [replace(part, assertion="historical", by="history", cue=alone.span())]
    cut: list[Judged] = []
    for match in OPERATED.finditer(heard, part.start, part.end):
        start, end = match.span()
        if start < part.cue[1] and part.cue[0] < end:
            continue
        if has_words(heard[part.start : start]):
            cut.append(replace(part, end=start))
        else:
            start = part.start
        if not has_words(heard[end : part.end]):
            end = part.end
        cut.append(Judged(start, end, "historical", "history", (match.start(), match.end())))
        part = replace(part, start=end)
    return [*cut, part] if part.start < part.end else cut


def organ_missing(heard: str, part: Judged, found: Sequence[Cue]) -> Judged:
    """With the word that told that an organ is missing, which is a finding: rules have a word for it."""
    if part.by != "nothing" or part.cue[1]:
        return part
    masked = (one for one in found if one.kind == "masked" and part.start <= one.start < part.end)
    spans = (one for one in masked if _AN_ORGAN_MISSING.match(heard, one.start))
    return next((replace(part, cue=(one.start, one.end)) for one in spans), part)
