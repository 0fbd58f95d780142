"""How a typed question says what it does not want: before it, behind it, and what only sounds so."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Iterator

DENIALS = (
    r"not|no|without|w/o|lacking|free of|excluding|neither|nor|(?<!ulnar )(?<!ulna )minus|unless|barring|(?:other|rather) than"
    r"|instead of|as opposed to|apart from|aside from|leav(?:e|ing) out|omit(?:ting)?|sans|ohne"
)
"""What denies whatever is typed behind it: a finding, and a fact (`search.planning.negations`)."""
_SAID_TO = (
    r"(?:(?:who|that|which|i|we|they)\s+)?(?:(?:is|are|was|were|do|does|did|has|have|had|should|must|can|could)(?:\s+not|n['’]?t)"
    r"|ca(?:nnot|n['’]?t)|(?:(?:has|have|had|is|was|were)\s+)?never)"
)
"""A verb that is denied, and whoever does it: "patients who never had a stroke", "I don't want tumours"."""
_WITH = r"(?:\s+(?:the\s+|any\s+|all\s+)?(?:those|ones|patients|studies|cases|people|scans)\s+(?:with|of|having|who have|that (?:have|show)))?"
"""Whoever has what is denied: "all but those with tumours"."""
NO = re.compile(
    rf"(?<![\w~-])(?P<opening>(?:and |but |with |or )?(?:{DENIALS}|absence of|absent|lack of|negative for|devoid of|{_SAID_TO}"
    r"|(?:any|every|all)(?:thing|one|body)?(?: \w+)? (?:but|bar)|(?:(?:any|every)(?:thing|one|body) |all )?except(?: for| with| in)?"
    r"|ignor(?:e|ing)|skip(?:ping)?(?!\s+(?:lesion|metasta|area|nodule|segment))|hide|nil"
    r"|kein(?:e[nrsm]?|erlei)?|pas (?:d['’]|d[eu]s?(?!\w))|aucune?|absence (?:d['’]|d[eu]s?(?!\w))"
    r"|sin(?! contraste)|no hay|ning[úu]n[oa]?|ausencia de|ausschluss))(?:(?<=['’])|(?![\w-]))"
    rf"{_WITH}(?P<denied>[^,;.~]{{0,300}}?)"
    r"(?=[,;.]|\s(?:mit|aber|jedoch|avec|mais|con|pero|im|in der|dans|en)\s|\s(?:kein\w*|ohne|sans|pas|sin)\s"
    r"|\s(?:but|however|although|and (?:no|not|without)|with(?:out)?|in|on|at|which)\s"
    r"|\s(?:no|not|without|nor)\s|$)",
    re.IGNORECASE,
)
_EXCLUDE = re.compile(r"(?:[,;]\s{0,2}|(?<!\w)(?:but|and)\s)(exclude)(?=\s)", re.IGNORECASE)
"""Tells to leave something out, behind something else that is wanted; by itself it is what an indication asks."""
_SEEN = r"seen|present|found|visible|there|identified|shown|detected|evident|demonstrated|visuali[sz]ed"
_DENIED_BEHIND = re.compile(
    rf"(?<=\w)\s(?:(?:is|are|was|were)\s)?(?:(?:not|never) (?:{_SEEN}|wanted)|absent|excluded|ruled out|left out|unwanted"
    r"|omitted)(?=\s*(?:[,;.]|$))",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;.~]")
_ONLY_SEEN = re.compile(rf"\s*(?:been\s+)?(?:{_SEEN})(?: before)?\s*|\s*(?:and|by)\s.*", re.IGNORECASE)
"""What is denied of something that stands elsewhere ("ACL not seen"), and sayings ("nil by mouth")."""
_OF_A_FINDING = re.compile(
    r"(?:\w+ )?(?:lacking|absent|lack of|absence of|(?:who |that |which )?(?:ca|could|do|does|did|is|are|was|were|has|have|had)(?:\s+not|nnot|n['’]?t))",
    re.IGNORECASE,
)
"""What denies a finding alone: an organ that is absent is one itself, and who cannot walk has a complaint."""
_WITHOUT = "without"
NOT_ALONE = re.compile(r"(?<![\w~])(?:no longer|not (?:only|just|merely|necessarily))(?!\w)")
_LAST_NAMED = re.compile(r"(?<!\w)(?:with|and|but|or|plus)\s", re.IGNORECASE)
CARRIES = re.compile(
    r"(?:(?:show|give|find|list|get|i|we|me|us|want|all|any|every|only|please|the|those|studies|scans|patients|people|cases"
    r"|reports|exams|images|anything|everything|who|that|which|what|has|have|had|is|are|with|of)(?!\w)[\s,]*)+",
    re.IGNORECASE,
)
"""Words around a question that ask for nothing themselves."""
FILLER = re.compile(
    r"^(?:\s*(?:any|the|a|an|of|definite|convincing|evidence|sign|signs|features?|further|other|to suggest|want|show(?:s|n)?|include"
    r"|have|had|has|need|see|contain|list|be|been|me|that is)(?!\w))*\s*",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(
    r"\s*(?:and |but |with |or )?(?:kein|ohne|pas|sans|aucun|absence d|sin|no hay|ning|ausencia|ausschluss)",
    re.IGNORECASE,
)
"""Opens a condition in another language than English, which alone leaves out their small words."""
FILLER_ELSEWHERE = re.compile(
    r"^(?:\s*(?:nachweis|anhalt|hinweise?|zeichen|verdacht|einer?|eines|einen|von|für|auf|signes?|arguments?|une?|des|du|de"
    r"|la|le|pour|signos?|evidencia|datos|del|los|las|el|una)(?!\w)|\s*[dl]['’])*\s*",
    re.IGNORECASE,
)


def told_to_exclude(text: str) -> str:
    """With "without" for what tells to leave something out, which is as long, so that all that is typed keeps its place."""
    return _EXCLUDE.sub(lambda match: match.group()[: -len(_WITHOUT)] + _WITHOUT, text)


_SIDES = {"left": "right", "right": "left"}
_NOT_THE_OTHER = re.compile(
    r"(?<!\w)(?P<side>(?:left|right)(?:[\s-]sided?)?)(?P<other>,?\s(?:and\s|but\s)?not\s(?:the\s)?(?:left|right)(?:[\s-]sided?)?)(?!\w)",
    re.IGNORECASE,
)
_NOT_A_SIDE = re.compile(
    r"(?:(?<=[,;]\s)|(?<=but\s)|(?<!\w)(?=not\s(?:(?:on|in|the)\s|(?:left|right)[\s-]sided)))not\s(?:(?:on|in)\s)?(?:the\s)?(?P<side>left|right)"
    r"(?:[\s-]sided?)?(?=\s*(?:[,;.]|$))",
    re.IGNORECASE,
)
"""Not "something is not right"."""


def with_the_side_that_is_meant(text: str) -> str:
    """ "Left not right optic neuritis" is of the left, "meniscal tear, not on the left" of the right; as long as before."""
    text = _NOT_THE_OTHER.sub(lambda match: match["side"] + " " * len(match["other"]), text)
    return _NOT_A_SIDE.sub(lambda match: _SIDES[match["side"].lower()].ljust(len(match.group())), text)


def is_condition(opening: str, denied: str) -> bool:
    """Whether what stands behind a denial is something that a study can be left out for."""
    if _ONLY_SEEN.fullmatch(denied):
        return False
    return not _OF_A_FINDING.fullmatch(opening) or _names_a_finding(denied)


def denied_behind(text: str) -> Iterator[tuple[int, int, int, int]]:
    """Of each finding that is denied behind its name ("a mass with oedema not seen") where the word begins that joins
    it ("with"), it itself and its end, and the end of the denial.

    An organ that is absent is a finding; a finding that is absent is none.
    """
    for match in _DENIED_BEHIND.finditer(text):
        begins = max((one.end() for one in _CLAUSE.finditer(text, 0, match.start())), default=0)
        joined = [one.span() for one in _LAST_NAMED.finditer(text, begins, match.start())]
        joint, start = joined[-1] if joined else (begins, begins)
        if _names_a_finding(text[start : match.start()]):
            yield joint, start, match.start(), match.end()


def _names_a_finding(text: str) -> bool:
    from spinecho.encoders.language.findings import findings  # noqa: PLC0415  (few questions take the vocabulary here)

    return bool(findings(text))
