"""How a typed question says what it does not want: before it, behind it, and what only sounds so."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Iterator

_SAID_TO = (
    r"(?:(?:who|that|which|i|we|they)\s+)?(?:(?:is|are|was|were|do|does|did|has|have|had|should|must|can|could)(?:\s+not|n['’]?t)"
    r"|ca(?:nnot|n['’]?t)|never)"
)
"""A verb that is denied, and whoever does it: "patients who never had a stroke", "I don't want tumours"."""
NO = re.compile(
    r"(?<![\w~-])(?:and |but |with |or )?(?:no|not|without|w/o|absence of|absent|lack of|lacking|negative for|free of|devoid of"
    rf"|{_SAID_TO}|excluding|neither|nor|minus|unless|barring|(?:other|rather) than|instead of|as opposed to"
    r"|(?:any|every|all)(?:thing|one|body)?(?: \w+)? (?:but|bar)|(?:(?:any|every)(?:thing|one|body) |all )?except(?: for| with| in)?"
    r"|apart from|aside from|leav(?:e|ing) out|omit(?:ting)?|ignor(?:e|ing)|skip(?:ping)?|hide|nil"
    r"|kein(?:e[nrsm]?|erlei)?|ohne|pas (?:d['’]|d[eu]s?(?!\w))|sans|aucune?|absence (?:d['’]|d[eu]s?(?!\w))"
    r"|sin(?! contraste)|no hay|ning[úu]n[oa]?|ausencia de|ausschluss)(?:(?<=['’])|(?![\w-]))"
    r"(?P<denied>[^,;.~]*?)"
    r"(?=[,;.]|\s(?:mit|aber|jedoch|avec|mais|con|pero|im|in der|dans|en)\s|\s(?:kein\w*|ohne|sans|pas|sin)\s"
    r"|\s(?:but|however|although|and (?:no|not|without)|with(?:out)?|in|on|at|which)\s"
    r"|\s(?:no|not|without|nor)\s|$)",
    re.IGNORECASE,
)
_EXCLUDE = re.compile(r"(?:[,;]\s{0,2}|(?<!\w)(?:but|and)\s)(exclude)(?=\s)", re.IGNORECASE)
"""Tells to leave something out, behind something else that is wanted; by itself it is what an indication asks."""
_DENIED_BEHIND = re.compile(
    r"(?P<denied>[^,;.~]+?)\s(?:(?:is|are|was|were)\s)?(?:(?:not|never) (?:seen|present|found|visible|there|identified|shown"
    r"|detected|evident|demonstrated|wanted)|absent|excluded|ruled out|left out|unwanted|omitted)(?=\s*(?:[,;.]|$))",
    re.IGNORECASE,
)
_WITHOUT = "without"
NOT_ALONE = re.compile(r"(?<![\w~])(?:no longer|not (?:only|just|merely|necessarily))(?!\w)")
_LAST_NAMED = re.compile(r"(?<!\w)(?:with|and|but|or|plus)\s", re.IGNORECASE)
CARRIES = re.compile(
    r"(?:(?:show|give|find|list|get|i|we|me|us|want|all|any|every|only|please|the|those|studies|scans|patients|people|cases"
    r"|reports|exams|images|anything|everything|who|that|which|with|of)(?!\w)[\s,]*)+",
    re.IGNORECASE,
)
"""Words around a question that ask for nothing themselves."""
FILLER = re.compile(
    r"^(?:\s*(?:any|the|a|an|of|definite|convincing|evidence|sign|signs|features?|further|other|to suggest|want|show(?:s|n)?|include"
    r"|have|had|has|need|see|contain|list|be|been|me|that is|those with|patients with|studies with)(?!\w))*\s*",
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


def denied_behind(text: str) -> Iterator[tuple[int, int, int, int]]:
    """Of each finding that is denied behind its name ("a mass with oedema not seen") where the word begins that joins
    it ("with"), it itself and its end, and the end of the denial.

    An organ that is absent is a finding; a finding that is absent is none.
    """
    from spinecho.encoders.language.findings import findings  # noqa: PLC0415  (few questions take the vocabulary here)

    for match in _DENIED_BEHIND.finditer(text):
        joined = [one.span() for one in _LAST_NAMED.finditer(text, *match.span("denied"))]
        joint, start = joined[-1] if joined else (match.start(), match.start())
        if findings(text[start : match.end("denied")]):
            yield joint, start, match.end("denied"), match.end()
