"""What stands around a number: whether it is an age of somebody, how long something lasts, or a measure."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

from spinecho.search.planning.pattern_parts import CLINICAL

PERSON = re.compile(
    r"(?:(?<![\w-])(?:wom[ae]n|m[ae]n|patients?|pts?|pats?|people|persons?|adults?|f?e?males?|subjects?|individuals|frau(?:en)?|m[äa]nner|child(?:ren)?|infants?|bab(?:y|ies)|kids?|paeds|peds|toddlers?|newborns?|neonates?|boys?|girls?|kinder|anyone"
    r"|everybody|everyone|those|studies|lad(?:y|ies)|lads?|gentlem[ae]n|gents?|chaps?|guys?|blokes?|volunteers?|controls?|athletes?|teen(?:ager)?s?|husband|wife|mother|father)[,:]?\s{0,3}"
    r"|(?<![\w'’./+&-])[fm][\s,:]{0,3})"
    r"(?:aged\s{1,3}|of\s{1,3}|in\s{1,3})?(?:(?:who|that) are\s{1,3})?(?:not\s)?$",
    re.IGNORECASE,
)
"""Words for persons right before something."""
PERSON_AFTER = re.compile(
    r"[\s,/-]{0,3}(?:old\s|young\s|year\s)?(?:(?:f?e?males?|wom[ae]n|m[ae]n|lad(?:y|ies)|gentlem[ae]n|gents?|girls?|boys?|child(?:ren)?|kids?|infants?|bab(?:y|ies)|toddlers?|patient|pt)(?!\w)"
    r"|[fm](?![\w/'’+&-]))",
    re.IGNORECASE,
)
"""Words for a person right behind an age."""
MEASURE = re.compile(
    r"(?<!\w)(?:grades?|gr|stages?|types?|class|classes|scores?|levels?|segments?|zones?|categor\w+|factor|phase|cobb|n|size|volume|ratio|count|sum|gleason"
    r"|[a-z-]*rads|psa|egfr|gfr|edss|nihss|updrs|mmse|moca|kps|ecog|mrs|hba1c|bmi|suv(?:max)?|tnm|ki-?67|crp|esr|ef|lvef|fd|snr|adc|fa|te|tr|ti|b|figo|asa|t|l|c|s|at least|case|page|figure|table|no\.|number|nr)"
    r"[\s:=]{0,3}(?:is\s|of\s|score\s)?$",
    re.IGNORECASE,
)
"""What a number behind it is one of: "PSA >10", "grade 2-3" are no ages."""
SCALE = re.compile(
    r"(?<!\w)(?:bosniak|grades?|gr|stages?|types?|class|categor\w+|segments?|zones?|levels?|phases?|cmt|scores?|fibrosis|metavir|[a-z]{1,2}-?rads|figo|fazekas|modic|kl)"
    r"[\s:=]{1,3}$",
    re.IGNORECASE,
)
"""What a number and a letter behind it are a class of: "Bosniak 2F" is no woman of two years."""
LASTS_BEFORE = re.compile(
    r"(?<!\w)(?:for|after|over|within|last|past|in|every|at|since|x|previous|next|per|approximately|approx|about|during|by|with|of|history|hx|post|follow-?up|f/u|on)\s{1,2}(?:a\s)?$",
    re.IGNORECASE,
)
LASTS_AFTER = re.compile(
    r"[\s-]{0,2}(?:post|after|since|later|ago|hist\w*|hx|h/o|of\b|follow|f/?u\b|surviv\w*|smok\w*|pack|duration|interval|out\b|from|s/p|apart|prior|before|earlier|on\b|back|ex\b|treat\w*|therap\w*|remission"
    r"|disease|progress\w*|outcome|stab\w*|diabet\w*|mortality|risk|delay\w*|gestation\w*|pregnan\w*|ga\b|into|without|free)",
    re.IGNORECASE,
)
"""How long something lasts or how long ago it was: "20 yr smoker", "5 yrs post op" are no ages."""
AGO = re.compile(r"\s{0,2}(?:ago|post|after|follow|f/?u\b)", re.IGNORECASE)
"""What makes of "over 2 years" a time that has passed."""

THING = re.compile(
    r"[\s-]{0,2}(?:olds?\s)?(?:infarcts?|ha?ematomas?|bleeds?|clots?|strokes?|fractures?|fx|injur\w+|lesions?|tears?|grafts?|stents?|scars?|thromb\w+"
    r"|ha?emorrhages?|implants?|prosthes\w+|tumou?rs?|wounds?|abscess\w*|collections?|shunts?|hardware|screws?|scans?|stud(?:y|ies)|mris?|hip replacement)(?!\w)",
    re.IGNORECASE,
)
"""What is so old and nobody: "a 6 week old infarct"."""
NOT_NOW = re.compile(
    r"(?<!\w)(?:since|onset(?: at)?|began(?: at)?|started(?: at)?|diagnosed(?: at)?|dx(?: at)?|first \w+|bone|maternal|paternal|gestational|mental|skeletal|biological|brain|corrected|menarche|menopause|died(?: at)?)\s{1,2}(?:the\s)?$",
    re.IGNORECASE,
)
"""Before an age of another time or of somebody else: "epilepsy since age 5", "bone age 12"."""
_EARLY = re.compile(
    r"(?<!\w)(?:ex-?)?(?:prem(?:ie|mie|s|ature\w*)?|pre-?term|f(?:o)?et(?:al|us(?:es)?)|unborn|gestation\w*|pregnan\w*|ga)(?!\w)",
    re.IGNORECASE,
)
_WEEKS = re.compile(r"\d\s?-?\s?(?:w|wks?|weeks?)\b", re.IGNORECASE)
_OF_A_RELATIVE = re.compile(
    r"(?<!\w)(?:mother|father|parents?|mum|dad|wife|husband|sister|brother)s? of (?:a |an |the )?$", re.IGNORECASE
)


def before(match: re.Match[str]) -> str:
    """What stands before it."""
    return match.string[max(0, match.start() - 40) : match.start()]


def of_somebody(match: re.Match[str]) -> bool:
    """Whether words for persons stand right before it."""
    return PERSON.search(before(match)) is not None


def beside_somebody(match: re.Match[str]) -> bool:
    """Whether words for persons stand right before it or right behind."""
    return of_somebody(match) or PERSON_AFTER.match(match.string, match.end()) is not None


def lasts(match: re.Match[str]) -> bool:
    """Whether it is how long something lasts or how long ago it was."""
    said = before(match)
    behind = LASTS_AFTER.match(match.string, match.end()) is not None
    return behind or LASTS_BEFORE.search(said) is not None or CLINICAL.search(said) is not None


def of_another(match: re.Match[str]) -> bool:
    """Whether it is a relative's, or how long a pregnancy lasted: "mother of a 3 year old", "premature, 28 weeks"."""
    said = before(match)
    return _OF_A_RELATIVE.search(said) is not None or (
        _WEEKS.search(match.group()) is not None
        and _EARLY.search(said + match.group()) is not None
        and re.search(r"(?<!\w)old(?!\w)", match.group() + match.string[match.end() : match.end() + 5]) is None
    )


def alone(match: re.Match[str]) -> bool:
    """Whether it stands between commas, so that no word of the query takes it for its own."""
    left, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    return (not left or left[-1] in ",;") and (not after or after[0] in ",;")
