"""The words that patterns of ages are made of: units, sexes, stages of life."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

N = r"(?P<n>\d{1,3})"
YO = r"(?:y/?o(?:['’]?s)?|y\.\s?o\.?)"
YEARS = (
    rf"(?:[\s-]{{0,2}}(?P<years>years?|yrs?\.?|{YO}|y|jahren?|jahre?)(?!\w)(?:[\s-]{{0,2}}(?P<old>olds?|of age|alt))?)"
)
UNIT = (
    r"(?!m\b)(?!(?<!\d\d)\s{1,2}m\b)"
    r"(?!\s{0,2}(?:[.,]\d|mm|cm|ml|l\b|cc|%|percent|°|deg|(?-i:ms)|s\b|sec|min|h\b|hours?|days?|weeks?|months?|k?hz|mhz"
    r"|t\b|tesla|g\b|kg|mg|hu\b|mmhg|x\s?\d|/\d|slices?|lesions?|cases?|times|points?|levels?|nodes?|mets|plaques?|foci"
    r"|patients|pts|people|persons|subjects|studies|scans))"
)
SEX = (
    ("F", r"f|females?|wom[ae]n|lad(?:y|ies)|girls?|fem|wife|mother|mum|mom|grandma|grandmother|granny|daughter|aunt|widow|mrs|schoolgirls?|lass(?:es)?|frau(?:en)?"),
    ("M", r"m|males?|m[ae]n|gentlem[ae]n|gents?|boys?|husband|father|dad|grandad|grandfather|grandpa|son|uncle|widower|schoolboys?|chaps?|guys?|blokes?|lads?|mann|männer"),
)  # fmt: skip
"""Letters and words that tell the sex of whoever an age beside them is told of."""
SINGLE = r"(?:woman|man|females?|males?|lady|gentleman|patient|pt|pat|child|girl|boy|kid|f|m|fem|wife|husband|lad|chap|bloke|guy|infant|baby|toddler)"
STAGES: tuple[tuple[str, int | None, int | None, str], ...] = (
    (r"pre[\s-]?school(?:ers?|[\s-]aged?)?(?:\s(?:child(?:ren)?|kids?))?", 3, 5, "3 to 5 years"),
    (r"pre-?teens?|tweens?", 10, 12, "10 to 12 years"),
    (r"newborns?|neonat(?:es?|al)|neugeborene?n?", None, 0, "newborn"),
    (r"infants?|bab(?:y|ies)|säuglinge?", None, 1, "below 2 years"),
    (r"toddlers?", 1, 3, "1 to 3 years"),
    (r"school[\s-]?aged?(?:\s(?:child(?:ren)?|kids?))?|school[\s-]?(?:child(?:ren)?|kids?|boys?|girls?)", 5, 17, "5 to 17 years"),
    (r"child(?:ren)?(?:['’]?s)?|kid(?:s|dies)?|pa?ediatrics?|pa?eds|paed|kind(?:ern?)?|juveniles|youngsters", None, 17, "below 18 years"),
    (r"adolescents?", 10, 19, "10 to 19 years"),
    (r"teen(?:age(?:rs?|d)?)?s?", 13, 19, "13 to 19 years"),
    (r"adults?|grown[\s-]?ups?|erwachsenen?", 18, None, "18 years and older"),
    (r"middle[\s-]aged?", 40, 64, "40 to 64 years"),
    (r"elderly|geriatrics?|senioren|seniors|senior citizens?|pensioners?|oaps?|retirees|old[\s-]age pensioners?", 65, None, "65 years and older"),
    (r"sexagenarians?", 60, 69, "60 to 69 years"),
    (r"septuagenarians?", 70, 79, "70 to 79 years"),
    (r"octogenarians?", 80, 89, "80 to 89 years"),
    (r"nonagenarians?", 90, 99, "90 to 99 years"),
    (r"centenarians?", 100, None, "100 years and older"),
)  # fmt: skip
SMALL = r"(?:months?|mths?|mos?\.?|weeks?|wks?|days?|monaten?|monate?|wochen?|tagen?|tage?|[mwd](?=[\s-]?old))"
SMALL_OLD = rf"[\s-]{{0,2}}(?P<small>{SMALL})(?:[\s-]{{0,2}}(?P<old>olds?|of age|of life|alte?[rs]?)\b|(?=[\s-]{{1,2}}(?P<child>infants?|bab(?:y|ies)|child|boys?|girls?|toddlers?|newborns?|females?|males?)\b)|[\s-]{{1,2}}(?-i:(?P<who>[FM]))(?!\w))"
SMALL_THAN = rf"(?:[\s-]{{0,2}}(?P<small>{SMALL})(?!\w)(?:[\s-]{{0,2}}(?P<old>olds?|of age|of life|alt)\b)?)"
NO_STAGE = r"(?![\s-]{0,2}(?:onset|polycystic|pugh|turcotte|-?type\b|class\b|[ABC]\b)|hood)"
DECADES = {
    name: 10 * tens
    for tens, name in enumerate(
        ["twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties"], start=2
    )
}
