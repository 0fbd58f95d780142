"""The labels at the head of a report: "Accession No.:", "MRN", "Report status"; by what they are of."""

from __future__ import annotations

import re

_NUMBER = r"(?:number|num\.?|no\.?|nr\.?|\#|id|code)"
_LABELS: tuple[tuple[str, str], ...] = (
    ("study_uid", r"study[ \t_-]*(?:instance[ \t_-]*)?u(?:u)?id|suid"),
    (
        "accession",
        rf"(?:(?:exam(?:ination)?|study|order|radiology|imaging|ris|pacs|mri?|patient|dicom)[ \t_-]+)?"
        rf"acc(?:ession|ess?n|n|sn)?(?![A-Za-z0-9])\.?(?:[ \t_]*{_NUMBER})?",
    ),
    ("accession", rf"acc(?:ession)?{_NUMBER}"),
    (
        "order",
        rf"(?:filler[ \t]+|placer[ \t]+)?(?:order|exam(?:ination)?|study|requisition|procedure|case|request|event|ris)"
        rf"[ \t_]*{_NUMBER}",
    ),
    (
        "patient",
        rf"(?:patient|pat\.?|pt\.?)[ \t_']*(?:{_NUMBER}|identifier|mrn)|(?:patient[ \t]+)?mrn(?:[ \t]*{_NUMBER})?"
        rf"|medical[ \t]+record(?:[ \t]*{_NUMBER})?|hospital[ \t]*{_NUMBER}|uhid|m\.?r\.?[ \t]*(?:no\.?|\#)",
    ),
    ("name", r"patient(?:'?s)?(?:[ \t]+name)?|pt\.?[ \t]+name|name(?:[ \t]+of[ \t]+patient)?"),
    ("exam", r"exam(?:ination)?s?(?:[ \t]+(?:name|description|type|title|performed))?"
             r"|(?:procedure|study)(?:[ \t]+(?:description|name|type|title))?|untersuchung"),
    ("status", r"(?:report|result|document|reading|dictation)?[ \t_]*(?:status|state)|report[ \t]+type"),
    ("version", r"(?:report[ \t]+)?(?:version|revision)(?:[ \t]*(?:number|no\.?|\#))?"),
    (
        "dated",
        r"(?:date|time)[ \t]+(?:of[ \t]+)?(?:report|signature|signing|dictation|reported|signed|finali[sz]ed)"
        r"|report(?:ed|ing)?[ \t]*(?:date|time|on|date[ \t/]*time)"
        r"|(?:signed|verified|approved|finali[sz]ed|dictated|transcribed|amended|corrected|authenticated|validated)"
        r"[ \t]*(?:date|on|at|date[ \t/]*time)?|sign(?:ature)?[ \t]*(?:date|time)",
    ),
    ("day", r"date(?:[ \t/]*time)?|datum"),
    ("born", r"d\.?o\.?b\.?|date[ \t]+of[ \t]+birth|birth[ \t]*date|born"),
    ("of_exam", r"(?:exam(?:ination)?|study|scan|service|acquisition|procedure|performed)[ \t]*(?:date|time|on)"
                r"[ \t/]*(?:time)?|date[ \t]+of[ \t]+(?:exam(?:ination)?|study|service|scan|procedure)|dos"),
)  # fmt: skip
_ANY = "|".join(rf"(?P<{kind}_{n}>{words})" for n, (kind, words) in enumerate(_LABELS))
_BEFORE = r"(?:^[\s*#>|(\[-]*|(?<=[\s|;,(\[*])[*_]{0,3})"
LABEL = re.compile(rf"{_BEFORE}(?:{_ANY})[ \t*_]*(?:[:=：]|(?<=\#)|\#[ \t]*:?)[*_]{{0,3}}[ \t]*", re.IGNORECASE)
ALONE = re.compile(rf"^[\s*#>|-]*(?:{_ANY})[\s*_]*[:=：#]?[\s*_]*$", re.IGNORECASE)
SPACED = re.compile(rf"^[\s*#>|-]*(?:{_ANY})[ \t]+(?P<value>[^\s:=]*\d[^\s:=]*)[\s*]*$", re.IGNORECASE)


def cells_of(line: str) -> list[str]:
    """What stands in a line side by side."""
    return [cell.strip() for cell in re.split(r"[ \t]{2,}|\t+|[ \t]*\|[ \t]*", line.strip(" \t|")) if cell.strip()]


def kind_of(match: re.Match[str]) -> str:
    """Which of the kinds a label is of."""
    name = next(name for name, value in match.groupdict().items() if value is not None and name != "value")
    return name.rsplit("_", 1)[0]
