"""The words of facts: which of them name a sex, an age, a time, a sequence, a plane, a scanner or a contrast agent."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from datetime import date

from spinecho.db.filters.algebra import ALL, Between, Is, Not, both
from spinecho.search.planning.age_patterns import AGES, years_in_words
from spinecho.search.planning.date_patterns import OLD_SCANS
from spinecho.search.planning.pattern_parts import BEGINS, Pattern, Read, Reading, free, words

# scans
_IMAGES = r"(?:[\s-]{1,2}(?P<image>images?|imaging|scans?|sequences?|series|planes?|views?|slices?|acquisitions?|protocol)\b)?"
_SEQUENCES: tuple[tuple[str, str], ...] = (
    ("FLAIR", r"(?:T2w?[\s-]{0,2})?FLAIR|dark fluid|fluid[\s-]attenuated inversion recovery"),
    ("T2*", r"T2\s?(?:\*|[\s-]?star)w?(?:[\s-]weighted)?"),
    ("T1", r"T1(?:w|[\s-]?weighted)?(?:(?![\w*])|(?=(?:gd|gad|ce|c)(?!\w)))"),
    ("T2", r"T2(?:w|[\s-]?weighted)?(?![\w*])"),
    ("PD", r"PDw?(?:[\s-]weighted)?(?!\w)|proton[\s-]density(?:[\s-]weighted)?"),
    ("STIR", r"STIR|short tau inversion recovery"),
    ("ADC", r"ADC(?: maps?)?|apparent diffusion coefficient(?: maps?)?"),
    ("SWI", r"SWI|susceptibility[\s-]weighted(?: imaging)?"),
    ("DWI", r"DWI|diffusion[\s-]weighted(?: imaging)?|diffusion(?= (?:images?|imaging|scans?|sequences?)(?!\w))"),
    ("MRA", r"MRA|MR[\s-]angio(?:gra\w+)?|TOF|time[\s-]of[\s-]flight"),
    ("BOLD", r"BOLD|fMRI"),
    ("ASL", r"ASL|arterial spin label+ing"),
    ("cine", r"cine(?: SSFP)?"),
)
_PLANES = (
    ("axial", r"axials?|axs?(?![\w])|transaxials?|transvers(?:e|al)|tra(?![\w])"), ("coronal", r"coronals?|cors?(?![\w])|koronar"),
    ("sagittal", r"sagittals?|sags?(?![\w])"), ("oblique", r"obliques?|obl(?![\w])"),
)  # fmt: skip
_VENDORS: tuple[tuple[str, str, bool], ...] = (
    ("Siemens", r"s(?:ie|i|ei)m[ae]ns?(?: healthineers)?", True),
    ("Philips", r"phill?ips", True),
    (
        "GE",
        r"(?:vendor|scanner|manufacturer):? ge|ge(?= (?:scanners?|healthcare|signa|\d(?:\.\d)?\s?t(?:esla)?(?!\w)))(?: healthcare)?",
        True,
    ),
    ("GE", r"ge(?! (?:junction|reflux|varic\w+|tumou?r|ca\b))(?: (?:hc|healthcare))?|general electric", False),
    ("Canon", r"canon", True),
    ("Toshiba", r"toshiba", True),
    ("Hitachi", r"hitachi", True),
    ("UIH", r"united imaging|(?-i:UIH)", True),
    ("Hyperfine", r"hyperfine", True),
    ("Bruker", r"bruker", True),
)
_AGENT = (
    r"(?:contrast(?:[\s-](?:agent|media|medium|material|administration|injection))?|gadolinium|gd|gad|gado|gadovist|gadobutrol|gadavist|dotarem|gadoterate"
    r"|magnevist|multihance|prohance|omniscan|primovist|eovist|gadoxetate|kontrastmittel|kontrast|km)"
)
_NO_AGENT = r"(?![\s-](?:enhancement|uptake|allerg\w+|reaction|nephropathy|induced))"
_T = (
    r"(?P<n>\d(?:\.\d{1,2})?)(?:\s{0,2}-?\s{0,2}(?:tesla|(?-i:T))|t|(?<=1\.5|\b3\.0) t|(?<=(?<![\d.])[37]) t)(?!\w|\+)"
    r"(?![\s-]{1,2}(?:tumou?rs?|stage|staging|cells?|lymph\w+|waves?|tubes?|scores?|categor\w+|N\d|M\d|lesions?|levels?|vertebra\w*))"
)


_AGED: tuple[tuple[str, int, int | None], ...] = (
    (r"young|junge[rns]?", 18, 39),
    (r"middle[\s-]aged", 40, 64),
    (
        r"(?<!year\s)(?<!years\s)(?<!yr\s)(?<!yrs\s)(?<!month\s)(?<!months\s)old|older|elderly|alte[rns]?|ältere[rns]?",
        65,
        None,
    ),
)
_GROWN: tuple[tuple[str, str, str], ...] = (
    ("F", "female, ", r"wom[ae]n|females?|lad(?:y|ies)|frau(?:en)?|patientin(?:nen)?"),
    ("M", "male, ", r"m[ae]n|males?|gentlem[ae]n|mann|männer"),
    ("", "", r"adults?|patients?|pts?|people|persons?|patienten?"),
)


def _person(sex: str, low: int | None, high: int | None, in_words: str) -> Read:
    """ "Young man", "boy": one fact, so that "no young man" denies both at once."""
    age = Between("age", low, high)
    where = both(Is("sex", (sex,)), age) if sex else age
    return lambda match, _: (where, in_words, True)


def _sex(value: str, in_words: str) -> Read:
    """Of a phantom or a model it is offered."""
    return lambda match, _: (Is("sex", (value,)), in_words, _NO_PERSON.search(match.string) is None)


_NO_PERSON = re.compile(
    r"(?<!\w)(?:phantoms?(?! (?:limb|pain))|mannequins?|dumm(?:y|ies)|simulat\w+|atlas|template)(?!\w)", re.IGNORECASE
)


def _both_sexes(match: re.Match[str], _: date) -> Reading | None:
    """ "Men and women" is everybody: it is read, and is no condition."""
    return ALL, "", False


def _scan(field: str, value: str, *, certain: bool = False) -> Read:
    """certain: wherever it stands; else with "images" after it."""

    def read(match: re.Match[str], _: date) -> Reading | None:
        return Is(field, (value,)), value, certain or bool(match.groupdict().get("image"))

    return read


def _strength(match: re.Match[str], _: date) -> Reading | None:
    tesla = float(match["n"])
    if not 0 < tesla <= 12:
        return None
    sign = (match.groupdict().get("sign") or "").strip().lower()
    same = Is("field_strength", (tesla,))
    if sign in ("below", "under", "less than", "<"):
        return both(Between("field_strength", None, tesla), Not(same)), f"below {tesla:g} T", True
    if sign in ("above", "over", "more than", ">"):
        return both(Between("field_strength", tesla, None), Not(same)), f"above {tesla:g} T", True
    if sign in ("at least", ">=", "≥"):
        return Between("field_strength", tesla, None), f"{tesla:g} T and more", True
    if sign in ("at most", "up to", "<=", "≤"):
        return Between("field_strength", None, tesla), f"{tesla:g} T and less", True
    if other := match.groupdict().get("other"):
        return Is("field_strength", (float(other), tesla)), f"{float(other):g} or {tesla:g} T", True
    return same, f"{tesla:g} T", True


def _strength_alone(match: re.Match[str], _: date) -> Reading | None:
    """ "On 1.5", "Philips 1.5": offered."""
    tesla = float(match["n"])
    return Is("field_strength", (tesla,)), f"{tesla:g} T", False


def _contrast(value: str) -> Read:
    in_words = {"yes": "after contrast", "no": "without contrast"}[value]
    return lambda match, _: (Is("contrast", (value,)), in_words, True)


def _agent_alone(match: re.Match[str], today: date) -> Reading | None:
    """ "M/34, nodes, gad": offered."""
    where, in_words, _ = _contrast("yes")(match, today) or (ALL, "", False)
    return where, in_words, False


_IMAGED = re.compile(
    r"(?<!\w)(?:T[12]\w*|FLAIR|mri?|VIBE|MPRAGE|fs|ax|axial|cor|coronal|sag|sagittal|dixon|scans?|images?)(?!\w)",
    re.IGNORECASE,
)
_VIRUS = re.compile(r"(?:hep\w*|hcv|hiv|virus|vitamin|vit|protein)\s$", re.IGNORECASE)


def _plus_or_minus(value: str) -> Read:
    """ "C+", "C-": certain beside words of images, else offered; none of a hepatitis."""

    def read(match: re.Match[str], today: date) -> Reading | None:
        if _VIRUS.search(match.string[: match.start()]):
            return None
        where, in_words, _ = _contrast(value)(match, today) or (None, "", False)
        return None if where is None else (where, in_words, _IMAGED.search(match.string) is not None)

    return read


def _either(match: re.Match[str], _: date) -> Reading | None:
    """ "With or without contrast" asks for nothing: it is read, and is no condition."""
    return ALL, "", False


SAYINGS = words(
    r"stiff[\s-]man|man of war|man[\s-]in[\s-]the[\s-]barrel|(?:elephant|michelin|marathon|iron) man|lady windermere\w*|female athlete triad"
    r"|men[\s-]?(?:[12][ab]?|i{1,2}[ab]?|syndrome)|(?:boston |great ormond street )?children['’]?s hospital|(?:pa?ediatric|infant|baby|adult|child) (?:coils?|protocols?|aspirin|formula|dose|sized?)"
    r"|child'?s pose|siemens star|(?:phillips?|simon) (?:screw|curve)\w*|old (?:lady|man)'?s \w+|no man's land|man[\s-]made|baby brain|child abuse|battered child"
)
"""Words of facts in names and sayings that tell nothing of who or what is searched for."""
PATTERNS: tuple[Pattern, ...] = (
    # contrast first: "without contrast" is one thing, and no negation of another
    ("contrast", words(
        rf"(?:(?:with|w/?) (?:or|/) (?:without|w/?o)|with/without|w/?o? or w/?o?|\+/-|±|(?:with|regardless of|irrespective of) or without) ?(?:i\.?v\.? )?{_AGENT}"
    ), _either),
    ("contrast", words(rf"(?:with (?:and|&) without|w (?:and|&) w/?o|w/ ?(?:and|&) ?w/?o|w/wo|pre (?:and|&) post|pre/post)[\s-](?:i\.?v\.? )?{_AGENT}"), _contrast("yes")),
    ("contrast", words(
        rf"(?:without|w/o|w/out|before|non?|pre|sans|ohne|vor)[\s-]{{0,2}}(?:i\.?v\.? |any |the )?{_AGENT}{_NO_AGENT}(?:[\s-]enhanced)?(?: (?:given|administered))?"
        rf"|(?:unenh(?:anced|\.)?|non[\s-]?enhanced(?= (?:mri?|t1|scans?|images?|stud)))(?: (?:scans?|images?|mri?))?|(?:non|not)[\s-]{{1,2}}{_AGENT}[\s-]enhanced|not on {_AGENT}|{_AGENT} (?:(?:was|were|is|has been|had been) )?not (?:given|administered|used|injected)|nativ(?:e scans?)?|(?:pre|non)[\s-]?con"
        rf"|{_AGENT}[\s-]free"
    ), _contrast("no")),
    ("contrast", words(
        rf"(?:after|post|with|w/|following|nach|mit)[\s-]{{0,2}}(?:i\.?v\.? |the )?{_AGENT}{_NO_AGENT}(?:[\s-]enhanced)?|post[\s-]?con"
        rf"|(?<!dynamic )(?<!dynamic-){_AGENT}[\s-]enhanced|(?<!related to ){_AGENT} (?:(?:was|were|is|has been|had been) )?(?:given|administered|used|injected)(?! (?:in|into)(?:side)? (?:the |a )?(?!vein)[a-z])"
    ), _contrast("yes")),
    ("contrast", re.compile(rf"(?<![\w])(?:C|{_AGENT})\+(?![\w/+-])|(?:(?<![\w+-])|(?<=T1)|(?<=T1w))\+ ?(?:C(?!\w)|{_AGENT}(?!\w))", re.IGNORECASE), _plus_or_minus("yes")),
    ("contrast", re.compile(r"(?:(?<=T1)|(?<=T1w))[\s-]?(?:gd|gad|ce)(?!\w)|(?<![\w-])ce[\s-](?=(?:mr|mra|mri|mrv|t1w?|angio\w*)(?!\w))", re.IGNORECASE), _contrast("yes")),
    ("contrast", re.compile(r"(?<![\w-])enhanced (?=(?:mri?|t1w?|scans?|images?|sequences?|stud(?:y|ies))(?!\w))", re.IGNORECASE), _contrast("yes")),
    ("contrast", re.compile(rf"(?<![\w])(?:C|{_AGENT})[-−–](?=\s|$|[,;])(?!\s{{0,2}}(?:spine|section|arm|reactive|peptide))", re.IGNORECASE), _plus_or_minus("no")),
    ("contrast", re.compile(r"(?:(?<=T1)|(?<=T1w))[\s-]post(?![\w-])(?! (?:op|surg|treat|rad|chemo|rt\b|resect|biops|trauma|partum|ictal))", re.IGNORECASE), _contrast("yes")),
    ("contrast", re.compile(rf"(?<=[,;]\s){_AGENT}(?=\s{{0,2}}(?:[,;]|$))", re.IGNORECASE), _agent_alone),
    # field strength before ages: "over 1.5 T"
    ("field_strength", free(rf"(?:(?P<sign>below|under|less than|above|over|more than|at least|at most|up to|[<>≥≤]=?)\s{{0,2}}|at\s{{1,2}})?(?:(?P<other>\d(?:\.\d{{1,2}})?)\s{{0,2}}-?(?:tesla|(?-i:T)|t(?=\W))?\s{{0,2}}(?:or|and|oder|und|/)\s{{0,2}})?{_T}"), _strength),
    ("field_strength", free(r"(?:on|at)\s(?:a\s)?(?P<n>1\.5|3(?:\.0)?|7)(?=\s{0,2}(?:$|[,;]))"), _strength_alone),
    ("field_strength", re.compile(r"(?:(?<=siemens\s)|(?<=philips\s)|(?<=\bge\s)|(?<=canon\s)|(?<=toshiba\s)|(?<=hitachi\s))(?P<n>1\.5|3(?:\.0)?|7)(?=\s{0,2}(?:$|[,;]))", re.IGNORECASE), _strength_alone),
    *(
        ("age", words(rf"(?:{aged})\s{{1,3}}(?:{grown})"), _person(sex, low, high, f"{text}{years_in_words(low, high)}"))
        for aged, low, high in _AGED
        for sex, text, grown in _GROWN
    ),
    *OLD_SCANS,
    *AGES,
    ("age", words(r"(?:boys?(?:\s?(?:and|&|or|/|,)\s?)girls?|girls?(?:\s?(?:and|&|or|/|,)\s?)boys?)"), _person("", None, 17, "below 18 years")),
    ("sex", words(r"(?:wom[ae]n|f?e?males?|ladies)\s?(?:and|&|or|/)\s?(?:m[ae]n|f?e?males?|gentlemen)|m[ae]n\s?(?:and|&|or|/)\s?wom[ae]n|both (?:sexes|genders)|(?:either|any) (?:sex|gender)"), _both_sexes),
    ("sex", words(r"(?:sex|gender)\s?[:=]?\s?(?:f|female)"), _sex("F", "female")),
    ("sex", words(r"(?:sex|gender)\s?[:=]?\s?(?:m|male)"), _sex("M", "male")),
    ("sex", words(r"girls?|mädchen|schoolgirls?"), _person("F", None, 17, "female, below 18 years")),
    ("sex", words(r"boys?"), _person("M", None, 17, "male, below 18 years")),
    ("sex", words(r"wom[ae]n(?:['’]s)?|females?|lad(?:y|ies)|frau(?:en)?|weibliche?\w?"), _sex("F", "female")),
    ("sex", words(r"m[ae]n(?:['’]s)?|males?|gentlem[ae]n|gents?|chaps?|blokes?|guys?|lads|(?<=\ba )lad|m[äa]nner|männliche?\w?"), _sex("M", "male")),
    *(("sequence", re.compile(rf"{BEGINS}(?:{pattern}){_IMAGES}", re.IGNORECASE), _scan("sequence", value)) for value, pattern in _SEQUENCES),
    *(("plane", re.compile(rf"{BEGINS}(?:{pattern})(?!\w)(?![\s-](?:spondyl|skelet|spine\b|myopia|pulmonale|triatriatum|sutur|synosto)){_IMAGES}", re.IGNORECASE), _scan("plane", value)) for value, pattern in _PLANES),
    *(("vendor", words(pattern), _scan("vendor", value, certain=certain)) for value, pattern, certain in _VENDORS),
)  # fmt: skip
