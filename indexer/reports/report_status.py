"""Whether a report says that it is preliminary, final, corrected, an addendum or cancelled, and only where it says so.

The words are those of RIS exports, of HL7's result status (table 0085) and of FHIR's DiagnosticReport.status. Most of
them are ordinary words of findings as well ("Retracted to the glenoid"), and forms print them with a "No" behind them:
a word is a status where it is announced as one, and where nothing denies it.
"""

from __future__ import annotations

import re
from typing import Literal

Status = Literal["preliminary", "final", "corrected", "addendum", "cancelled", "superseded", ""]
"""superseded: another took its place, says its sender, and may not have come; no text says so of itself."""

_STATUSES: tuple[tuple[Status, str], ...] = (
    (
        "cancelled",
        r"cancell?ed|retracted|withdrawn|voided|void|deleted|entered[ _-]?in[ _-]?error|invalid(?:ated)?|storniert"
        r"|annul[ée]e?|anulad[oa]",
    ),
    (
        "corrected",
        r"correct(?:ed|ions?)|amend(?:ed|ments?)|revis(?:ed|ion)|modified|updated|rectified|re-?issued|replacement"
        r"|korrigiert\w*|korrektur(?:en)?"
        r"|corrig[ée]e?|rectifi[ée]e?|corregid[oa]|rectificad[oa]",
    ),
    (
        "addendum",
        r"add?end(?:um|a|ums|ed)|appended|supplement(?:al|ary)?|nachtr[aä]ge?|ergänzung(?:en)?",
    ),
    (
        "preliminary",
        r"prelim(?:inary)?|provisional|interim|draft|partial|unsigned|unverified|unapproved|pending|registered"
        r"|dictated|transcribed|in[ _-]?progress|wet[ _-]?read"
        r"|not[ _-]?(?:(?:yet|an?|been)[ _-])*(?:verified|signed|final)"
        r"|vorläufig\w*|entwurf|provisoire|préliminaire|preliminar",
    ),
    (
        "final",
        r"final(?:i[sz]ed)?|signed(?:[ _-]?off)?|verified|approved|completed?|authenticated|validated|released"
        r"|finished|endgültig\w*|vidiert|freigegeben|définiti\w+|validée?|definitiv[oa]|validad[oa]|firmad[oa]",
    ),
)
_ANY = "|".join(words for _, words in _STATUSES)
_WORDS = tuple((status, re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)) for status, words in _STATUSES)
_LETTERS: dict[str, Status] = {
    "p": "preliminary", "i": "preliminary", "s": "preliminary", "r": "preliminary", "f": "final", "c": "corrected",
    "a": "addendum", "x": "cancelled", "d": "cancelled",
}  # fmt: skip

# What denies a status

_KIND = (
    r"(?:(?:radiology|radiological|radiologic|imaging|diagnostic|mri?|mr|the|signed|attending|resident)[ \t]+){0,3}"
    r"(?:report|version|result|interpretation|impression|read(?:ing)?|copy|befund(?:bericht)?|study)"
)
_NO = r"(?:no|not|never|without|non|neither|nor|kein\w*|nicht|ohne|sans|pas|aucune?|sin|ning[uú]na?)"
_ALSO = rf"(?:[ \t]*(?:,|/|or|nor|and|oder|noch|und|ou|ni|o)[ \t]+(?:(?:an?|{_NO})[ \t]+)?(?:{_ANY})(?![\w-]))"
_DENIED_BEFORE = re.compile(
    rf"(?<![\w-])(?!not[ _-]?(?:(?:yet|an?|been)[ _-])*(?:verified|signed|final)(?![\w-])){_NO}[ \t]+"
    rf"(?:(?:an?|any|the|yet|been|further|longer|de|d'un|eine?r?)[ \t]+){{0,2}}(?:{_ANY})(?![\w-]){_ALSO}*"
    rf"(?:[ \t]+{_KIND}\b)?",
    re.IGNORECASE,
)
_NOTHING = (
    r"(?:no|none|nil|nothing|n|0+|false|n/?a|not (?:applicable|available|required|needed)|nein|keine?[rns]?"
    r"|nicht vorhanden|non|aucune?s?|néant|ningun[oa]|ninguno|negative|null|unchecked|-+|–+|—+|_+|\.{2,})"
)
_FIELD = rf"(?:[ \t]+(?:{_KIND}|by|on|at|date|time|reason|count|number|text)|\(?e?s\)?)?(?:[ \t]*\([^)]{{0,12}}\))?"
_ENDS = r"(?=$|[ \t]{2,}|\t|[|;]|,?[ \t]+[A-Za-z][\w ]{0,30}[:=?])"
_DENIED_BEHIND = re.compile(
    rf"(?<![\w-])(?:{_ANY}){_FIELD}(?:[ \t]*[:=?#|]+[ \t*\"']*|[ \t]{{2,}}|\t|[ \t](?=0)){_NOTHING}"
    rf"(?:[ \t]+(?:{_ANY}|at this time|at present|to date|so far|yet|issued|made|vorhanden|erfolgt|bisher))*"
    rf"[ \t*\"'.!\])]*{_ENDS}",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    rf"(?<![\w-])(?:(?:{_ANY})[ \t]+(?:by|on|at|date|time|reason)|(?:{_STATUSES[0][1]}))[ \t]*[:=?]+[ \t]*"
    r"(?=$|[ \t]{2,}|\t|[|;])",
    re.IGNORECASE,
)
"""A field of a form that nobody filled in. "ADDENDUM:" alone is the heading of one."""
_UNCHECKED = re.compile(r"(?:\[[ \t_]*\]|\([ \t_]+\)|[☐□◻❑])[^\[(☐□◻❑☑☒✓]*")
"""A box of a form that nobody ticked, and what it stands before."""


_UNCHECKED_BEHIND = re.compile(r"[^\W\d_]+[ \t]?(?:\[[ \t_]*\]|\([ \t_]+\))[ \t]*$", re.MULTILINE)
"""The same with its box behind it, at the end of a line."""
_TO_COME = re.compile(r"(?<!\w)[^\W\d_]+[ \t](?:to|will|may|shall)[ \t]follow(?!\w)", re.IGNORECASE)
"""What is announced and is not there."""


def _undenied(text: str) -> str:
    """A text without the statuses that it denies."""
    for denied in (_UNCHECKED_BEHIND, _UNCHECKED, _TO_COME, _DENIED_BEHIND, _EMPTY, _DENIED_BEFORE):
        text = denied.sub(" ", text)
    return text


# The value of a field

_LONGEST_VALUE = 400
"""Characters that are looked at: no field that states a status is longer."""
_CLAUSE = re.compile(r"[,;()\[\]{}|/]|[ \t][-–—][ \t]|\.(?:[ \t]|$)|:[ \t]")
_BESIDE = (
    r"(?:report|result|document|version|interpretation|befund|this|is|has|been|was|an?|the|and|electronically|digitally"
    r"|e|auto|reviewed|read|yes|[a-z]|\d{1,2})"
)
_LEADS = re.compile(rf"[\W_]*(?:{_BESIDE}(?![\w])[\W_]*){{0,6}}(?:{_ANY})(?![\w-])", re.IGNORECASE)


def read_status(value: str, *, of_line: bool = False) -> Status:
    """The status that a field names, '' for none: "Final (amended)" is corrected, "F" final, and "not cancelled" none.

    of_line: the field is a line of a text, where a value may go on about something else: then each part of it has to
    begin with a status ("surgery cancelled" names none).
    """
    plain = value[:_LONGEST_VALUE].strip().casefold()
    if plain in _LETTERS:
        return _LETTERS[plain]
    parts = [part for part in _CLAUSE.split(_undenied(plain.replace("_", " "))) if part]
    if of_line:
        parts = [match[0] for part in parts if (match := _LEADS.match(part))]
    return next((status for status, words in _WORDS if any(map(words.search, parts))), "")


# A line that announces

_DECORATION = r"[\s*#=_<>\[\](){}|~.!:–—-]*"
_THIS_IS = r"(?:this[ \t]+is[ \t]+)?(?:an?[ \t]+)?"
_REPORT = (
    r"(?:(?:radiology|radiological|radiologic|imaging|diagnostic|mri?|mr)[ \t]+){0,2}"
    r"(?:report|version|interpretation|copy|result|befund(?:bericht)?)"
)
_YES = r"(?:yes|y|true|ja|oui|s[ií]|x|1)"
_CLEAR: tuple[tuple[Status, str], ...] = (
    ("cancelled", r"cancell?ed|entered[ _-]?in[ _-]?error|storniert"),
    (
        "corrected",
        r"correct(?:ed|ion)(?=[ \t]*:)|amend(?:ed|ment)|re-?issued|korrigiert\w*|korrektur|corrig[ée]e?"
        r"|corregid[oa]|rectificad[oa]",
    ),
    ("addendum", r"add?end(?:um|a|ums|ed)|nachtrag|ergänzung"),
    (
        "preliminary",
        r"prelim(?:inary)?|provisional|interim|draft|unsigned|unverified|wet[ _-]?read|vorläufig\w*"
        r"|not[ _-](?:(?:yet|an?)[ _-])*final",
    ),
    ("final", r"final(?:i[sz]ed)?|signed|verified|endgültig\w*"),
)
"""Words that say something of a report wherever they begin a line, with a colon, a number or a date behind them."""
_ORDINARY: dict[Status, str] = {
    "cancelled": r"retracted|withdrawn|voided|void|deleted|invalid(?:ated)?|annul[ée]e?|anulad[oa]",
    "corrected": r"correct(?:ed|ion)|revis(?:ed|ion)|modified|updated|rectified|replacement|rectifi[ée]e?",
    "addendum": r"appended|supplement(?:al|ary)?",
    "preliminary": r"partial",
}
"""Words of findings too: they count beside a word for a report, with a "yes", or alone in capitals or marked."""


def _forms(status: Status, clear: str) -> tuple[re.Pattern[str], ...]:
    """(a line that begins with it, a title that holds it, a line or sentence that says so, an ordinary word alone)."""
    ordinary = _ORDINARY.get(status, r"(?!)")
    behind = (
        rf"(?:(?:[ \t]+{_KIND})?{_DECORATION}$|[ \t]+{_KIND}\b|[ \t]*(?:\(?[#\d][^:]{{0,40}})?[ \t]*:"
        r"|[ \t]+(?:to|dated|on|from|by|vom|zum|no\.?)\b|[ \t]*[-–—][ \t]|[ \t]+#?\d)"
    )
    beside = _KIND
    if status == "cancelled":  # a sentence that goes on says what was cancelled, and mostly that is no report
        why = (
            r"[ \t]*[:,–—-]?[ \t]+(?:on|dated|by)\b.*|[ \t]*[:,–—-][ \t]*(?:entered|wrong|duplicate|error|this|see)\b.*"
        )
        behind = rf"(?:[ \t]+{_KIND})?(?:{why})?{_DECORATION}$"
        beside = _REPORT
    holds = (
        rf"(?<![\w-])(?:(?:{clear})[ \t]+{beside}|(?:{ordinary})[ \t]+{_REPORT})\b",
        *(
            rf"^{_DECORATION}{kind}(?:[ \t]+(?:is|was|has[ \t]+been))?[ \t]*[-–—:(\[]?[ \t]*(?:{words}){_DECORATION}$"
            for words, kind in ((clear, _KIND), (ordinary, _REPORT))
        ),
        rf"[(\[][ \t]*(?:{clear}|(?-i:{'CORRECTED|REVISED' if status == 'corrected' else '(?!)'}))[ \t]*[)\]]",
    )
    lone = rf"(?:{ordinary}){_DECORATION}$"
    if status == "corrected":
        lone = rf"(?:{lone}|correct(?:ed|ion)(?:[ \t]*:[ \t]|[ \t]+(?:on|dated)[ \t]+\d))"
    forms = (
        rf"^{_DECORATION}{_THIS_IS}(?:{clear}){behind}",
        "|".join(holds),
        rf"^{_DECORATION}(?:{clear}|{ordinary})(?:[ \t]+{_KIND})?[ \t]*[:=?]+[ \t]*{_YES}{_DECORATION}$"
        rf"|^{_DECORATION}(?:th(?:is|e)[ \t]+)?(?:report|document|version)[ \t]+(?:is|was|has[ \t]+been)[ \t]+"
        rf"(?:{clear}|{ordinary})(?![\w-])",
        rf"^{_DECORATION}{lone}",
    )
    return tuple(re.compile(form, re.IGNORECASE) for form in forms)


_MARKS = tuple((status, _forms(status, clear)) for status, clear in _CLEAR)
_FIRST_WORD = re.compile(r"[\W\d_]*([^\W\d_]+)")
_MARKED = re.compile(r"[ \t]*(?:[*#=~_-]{2,}|[*#<\[({])")
_REPLACES = re.compile(
    r"this (?:report|version|document) (?:replaces|supersedes|corrects|amends)(?! (?:the |a |any )?prelim)",
    re.IGNORECASE,
)
_SUPERSEDES_DRAFT = re.compile(r"this (?:report|version|document) (?:replaces|supersedes)", re.IGNORECASE)
_OF_THE_TEXT = re.compile(
    r"\W*(?:compar|prior|previous|vergleich|indication|history|reason|clinical|technique|protocol|sequences?\b)", re.I
)
_LONGEST_MARK = 120


def mark_of(line: str, *, in_text: bool = False, capitals: bool = False) -> Status:
    """The status that a line in a report's head announces: "*** CORRECTED REPORT ***", "ADDENDUM: On review ...".

    in_text: a sentence stands above the line, so that only a title or a sentence about the report announces.
    capitals: the whole text is in capitals, so that they mark nothing.
    """
    line = _undenied(line[:_LONGEST_VALUE]).strip()
    if _REPLACES.search(line):
        return "corrected"
    if _SUPERSEDES_DRAFT.search(line):
        return "final"
    if _OF_THE_TEXT.match(line):  # "Comparison: preliminary report of 2023" says nothing of this one
        return ""
    title = len(line) <= _LONGEST_MARK and (not line.endswith(".") or len(line.split()) <= 4)
    title = title or line[:8].casefold() == "this is "
    word = None if capitals else _FIRST_WORD.match(line)
    stands_out = _MARKED.match(line) is not None or (word is not None and len(word[1]) > 1 and word[1].isupper())
    for status, (begins, holds, says, alone) in _MARKS:
        if (title and holds.search(line)) or says.match(line):
            return status
        if in_text:
            continue
        if stands_out and alone.match(line):
            return status
        if begins.match(line) and (status != "cancelled" or not line[:1].islower()):  # the rest of a sentence
            plain_heading = status in ("corrected", "final", "preliminary") and not title and ":" not in line[:40]
            if not plain_heading and (title or status == "addendum" or line[:1].isupper()):
                return status
    return ""
