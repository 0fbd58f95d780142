"""Facts in words by matrix: forms of an age with forms of a sex, forms of a time with prepositions."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest

from spinecho.db.filters.algebra import Between, Filter, Is, Not, Or, conjuncts
from spinecho.search.planning.fact_spelling import FACT_WORDS, mended_words
from spinecho.search.planning.facts_in_words import facts_in, fields_named, offers_of
from spinecho.search.planning.query_plan import Offer

TODAY = date(2026, 11, 28)
DAY = timedelta(days=1)


def offered(typed: str, *, mend: bool = False) -> tuple[Offer, ...]:
    return offers_of(typed, facts_in(typed, TODAY, knows=(lambda _: False) if mend else None))


def parts(typed: str, *, on: bool = False, mend: bool = False) -> list[Filter]:
    """All conditions that are offered, or that count, one by one."""
    return [part for one in offered(typed, mend=mend) if one.on or not on for part in conjuncts(one.where)]


def ages(typed: str, *, on: bool = False) -> list[tuple[int | None, int | None]]:
    """Whole years, first and last."""
    found = [one for one in parts(typed, on=on) if isinstance(one, Between) and one.field == "age"]
    return [
        (None if one.low is None else int(float(str(one.low))), None if one.high is None else int(float(str(one.high))))
        for one in found
    ]


def dates(typed: str, *, on: bool = False) -> list[tuple[object, object]]:
    return [(one.low, one.high) for one in parts(typed, on=on) if isinstance(one, Between) and one.field == "date"]


def sexes(typed: str, *, on: bool = False) -> list[str]:
    return [
        str(value) for one in parts(typed, on=on) if isinstance(one, Is) and one.field == "sex" for value in one.values
    ]


AGES = {
    "64 yo": (64, 64), "64yo": (64, 64), "64 y/o": (64, 64), "64y/o": (64, 64), "64 y.o.": (64, 64), "64yrs": (64, 64),
    "64 year old": (64, 64), "64-year-old": (64, 64), "sixty-four year old": (64, 64), "aged 64": (64, 64),
    "40-50y": (40, 50), "40 to 50 yrs": (40, 50), "btw 40 & 50 yrs": (40, 50), "aged 40-50": (40, 50),
    "between 40 and 50": (40, 50), "70s": (70, 79), "in their 70s": (70, 79), "early 70s": (70, 73),
    "mid-70s": (74, 76), "late seventies": (76, 79), "seventysomething": (70, 79), ">60y": (61, None),
    "over 60 yrs": (61, None), "older than 60": (61, None), "≥60 yrs": (60, None), "=>60 yrs": (60, None),
    ">=60yo": (60, None), "60+ yo": (60, None), "60 and over": (60, None), "<40 yrs": (None, 39),
    "under 40 years old": (None, 39), "≤40 years": (None, 40), "up to 40 yrs": (None, 40),
}  # fmt: skip
SEXES = {
    "F": ("f", "F", "female", "woman", "women", "♀", "lady"),
    "M": ("m", "M", "male", "man", "men", "♂", "gentleman"),
}


@pytest.mark.parametrize("age", AGES)
def test_an_age_and_a_sex_in_any_order_and_punctuation_are_both_counted(age: str) -> None:
    wrong = []
    for sex, joint, frame in product(
        "FM", (" ", ", "), ("{} glioma", "glioma, {}", "glioma in {}", "{} w/ glioma", "{}")
    ):
        for word in SEXES[sex]:
            for said in (f"{word}{joint}{age}", f"{age}{joint}{word}"):
                typed = frame.format(said)
                if sexes(typed, on=True) != [sex] or ages(typed, on=True) != [AGES[age]]:
                    wrong.append((typed, offered(typed)))
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("sign", [">", "<", "≥", "≤", ">=", "<="])
def test_a_letter_before_a_sign_is_a_sex(sign: str) -> None:
    bounds = {">": (61, None), "<": (None, 59)}.get(sign, (60, None) if sign in ("≥", ">=") else (None, 60))
    for letter, blank, frame in product("fFmM", ("", " "), ("{} hip AVN", "hip AVN {}", "hip AVN, {}")):
        typed = frame.format(f"{letter}{blank}{sign}60")
        assert ages(typed, on=True) == [bounds], typed
        assert sexes(typed, on=True) == [letter.upper()], typed


@pytest.mark.parametrize("typed", ["64 yo f/u", "64 yo F/U scan", "FLAIR >60%", "60 yo's m. psoas f/u"])
def test_a_letter_that_is_part_of_something_is_no_sex(typed: str) -> None:
    assert "F" not in sexes(typed)


@pytest.mark.parametrize(
    ("said", "low", "below"),
    [("6/12", 6 / 12, 7 / 12), ("18/12", 18 / 12, 19 / 12), ("3/52", 3 / 52, 4 / 52), ("5/7", 5 / 365, 6 / 365)],
)
def test_fractions_are_ages_of_somebody_and_durations_of_nobody(said: str, low: float, below: float) -> None:
    for person in ("boy", "girl", "baby", "infant", "♂", "f", "old boy", "old"):
        found = [one for one in parts(f"{said} {person} with hip effusion") if isinstance(one, Between)]
        assert len(found) == 1, person
        assert float(str(found[0].low)) == pytest.approx(low, abs=0.01)
        assert float(str(found[0].high)) == pytest.approx(below, abs=0.01)
    for rest in ("hx of back pain", "f/u gbm post op", "history of headache", "post op", "ago", "follow-up", "pain"):
        assert ages(f"{said} {rest}") == [], rest


@pytest.mark.parametrize(
    ("typed", "last"),
    [
        ("day 3 of life", 0), ("DOL 3", 0), ("3 days old", 0), ("6 wk old", 0), ("6mo old", 0),
        ("first year of life", 0),
        ("baby 9 months", 0), ("babies 1-11 mo", 0), ("infants < 4 mo", 0), ("child of 18 months", 1), ("2y6m boy", 2),
        ("2 years 6 months old", 2), ("under 6 months", 0),
    ],
)  # fmt: skip
def test_ages_of_the_small(typed: str, last: int) -> None:
    assert [high for _, high in ages(f"{typed}, epilepsy", on=typed != "under 6 months")] == (
        [last] if typed != "under 6 months" else []
    )


@pytest.mark.parametrize(
    ("typed", "bounds"),
    [
        ("old lady in her eighties", (80, 89)), ("teenage girls", (13, 19)), ("boys aged 10 to 14", (10, 14)),
        ("kids 5 to 12", (5, 12)), ("preschoolers", (3, 5)), ("pensioners", (65, None)), ("boys & girls", (None, 17)),
        ("y.o. 8 girl", (8, 8)), ("husband aged 58", (58, 58)), ("adolescent boy", (10, 19)),
        ("infants < 4 mo", (0, 0)),
        ("neonatal anoxia in a 7yo boy", (7, 7)),
    ],
)  # fmt: skip
def test_of_several_ages_of_one_person_the_narrower_counts(typed: str, bounds: tuple[int | None, int | None]) -> None:
    low, high = bounds
    assert [(first or None, last) for first, last in ages(f"{typed}, scoliosis", on=True)] == [(low or None, high)]


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        ("<6/12 baby", None, 0), (">18/12 children", 1, None), ("6-12/12 babies", 0, 1), ("aged 2 through 6", 2, 6),
        ("neonates and infants", None, 1), ("teens or young adults", 13, 39), ("40s or 50s women", 40, 59),
        ("early-to-mid 40s", 40, 46), ("women≥50", 50, None),
    ],
)  # fmt: skip
def test_bounds_and_rows_of_ages(typed: str, low: int | None, high: int | None) -> None:
    assert (low, high) in ages(f"{typed}, scoliosis", on=True)


def test_two_groups_of_persons_are_no_one_person() -> None:
    assert ages("children and adults, knee") == []
    for typed in ("women and children, knee", "knee, teens or men"):
        assert parts(typed, on=True) == []
        assert len(parts(typed)) == 2


@pytest.mark.parametrize("typed", ["boys & girls", "men and women", "both sexes", "male or female", "girls or boys"])
def test_both_sexes_are_no_condition_on_sex(typed: str) -> None:
    assert sexes(f"growth plate, {typed} 10yo") == []


MOMENTS = {
    "2022": ((2022, 1, 1), (2022, 12, 31)), "march 2022": ((2022, 3, 1), (2022, 3, 31)),
    "Mar '22": ((2022, 3, 1), (2022, 3, 31)), "03/2022": ((2022, 3, 1), (2022, 3, 31)),
    "2022-03": ((2022, 3, 1), (2022, 3, 31)), "15.03.2022": ((2022, 3, 15), (2022, 3, 15)),
    "2022-03-15": ((2022, 3, 15), (2022, 3, 15)), "15/3/22": ((2022, 3, 15), (2022, 3, 15)),
    "15 mar 22": ((2022, 3, 15), (2022, 3, 15)), "march 15th 2022": ((2022, 3, 15), (2022, 3, 15)),
    "15th of March 2022": ((2022, 3, 15), (2022, 3, 15)), "xmas day 2022": ((2022, 12, 25), (2022, 12, 25)),
    "q3 2022": ((2022, 7, 1), (2022, 9, 30)), "Q3'22": ((2022, 7, 1), (2022, 9, 30)),
    "2022 Q3": ((2022, 7, 1), (2022, 9, 30)), "h1 2022": ((2022, 1, 1), (2022, 6, 30)),
    "second half of 2022": ((2022, 7, 1), (2022, 12, 31)), "autumn '22": ((2022, 9, 1), (2022, 11, 30)),
    "the 2010s": ((2010, 1, 1), (2019, 12, 31)), "last year": ((2025, 1, 1), (2025, 12, 31)),
    "yesterday": ((2026, 11, 27), (2026, 11, 27)), "march last year": ((2025, 3, 1), (2025, 3, 31)),
}  # fmt: skip
PREPOSITIONS = {
    "since": lambda low, high: (low, None), "starting from": lambda low, high: (low, None),
    "after": lambda low, high: (high + DAY, None), "later than": lambda low, high: (high + DAY, None),
    "post": lambda low, high: (high + DAY, None), "before": lambda low, high: (None, low - DAY),
    "prior to": lambda low, high: (None, low - DAY), "pre": lambda low, high: (None, low - DAY),
    "until": lambda low, high: (None, high), "till": lambda low, high: (None, high),
    "up to": lambda low, high: (None, high),
    "in": lambda low, high: (low, high), "during": lambda low, high: (low, high),
    "acquired in": lambda low, high: (low, high),
}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_form_of_a_time_stands_with_every_preposition(moment: str) -> None:
    low, high = (date(*one) for one in MOMENTS[moment])
    wrong = []
    for said, bounds in PREPOSITIONS.items():
        for frame in ("{} fistula", "fistula {}", "fistula, {}, Siemens"):
            typed = frame.format(f"{said} {moment}")
            if dates(typed, on=True) != [bounds(low, high)]:
                wrong.append((typed, dates(typed)))
    for said in ("onwards", "or later", "and after"):
        if dates(f"{moment} {said}, fistula", on=True) != [(low, None)]:
            wrong.append((said, dates(f"{moment} {said}, fistula")))
    assert not wrong, wrong[:5]


def test_any_two_forms_of_times_make_a_span() -> None:
    wrong = []
    for (one, (first, _)), (other, (_, last)) in product(MOMENTS.items(), repeat=2):
        low, high = date(*first), date(*last)
        if "last year" in one or "last year" in other or "yesterday" in one or low >= date(*MOMENTS[other][0]):
            continue
        for typed in (f"from {one} till {other}, fistula", f"between {one} and {other}, fistula"):
            if dates(typed, on=True) != [(low, high)]:
                wrong.append((typed, dates(typed)))
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("unit", ["d", "days", "wk", "weeks", "mo", "months", "mths", "yr", "yrs", "years", "h", "hrs"])
def test_the_last_few_of_any_unit_end_today(unit: str) -> None:
    days = {"d": 3, "w": 21, "m": 92, "y": 1096, "h": 1}[unit[0]]
    for said in ("last", "past", "in the last", "within the past", "the previous"):
        found = dates(f"knee, {said} 3 {unit}", on=True)
        assert len(found) == 1, said
        low, high = found[0]
        assert high == TODAY
        assert isinstance(low, date)
        assert abs((TODAY - low).days - days) <= 1, said
        assert ages(f"knee, {said} 3 {unit}") == []


@pytest.mark.parametrize(
    "said", ["scans >10y old", "scans older than 10 years", "studies more than 10 yrs ago", "mris over 10 y old"]
)
def test_what_is_said_of_scans_is_no_age(said: str) -> None:
    assert dates(f"{said}, siemens", on=True) == [(None, date(2016, 11, 28))]
    assert ages(said) == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("nodes 3 T tumour stage", "field_strength"), ("3 T cell lymphoma", "field_strength"),
        ("female pelvis phantom", "sex"),
        ("18F pet fusion", "sex"), ("F 18 FDG PET", "sex"), ("MS since 2015 scanned 2021", "date>=2015"),
        ("epilepsy since 2010", "date"), ("coronary anomalies lad", "sex"), ("PSA >10", "age"), ("EDSS >6", "age"),
        ("grade 2-3 men", "age"), ("20 yr smoker", "age"), ("5 yrs post op", "age"), ("may thurner", "date"),
        ("march fracture", "date"), ("marrow 2020 oedema", "date"), ("born 1948, hip", "date"),
        ("diagnosed 2019, glioma", "date"),
        ("with or without contrast, adenoma", "contrast"), ("hep C+ cirrhosis", "contrast"), ("C-spine", "contrast"),
        ("epilepsy since age 5", "age"), ("bone age 12, wrist", "age"), ("a 6 week old infarct", "age"),
        ("2 year old stent", "age"),
        ("MEN 2A pituitary", "sex"), ("paediatric coil", "age"), ("in May-Thurner", "date"),
        ("mother of a 3 year old", "age"),
        ("Bosniak 2F cyst", "sex"), ("stage 2F fibrosis", "age"), ("grade 3M tumour", "sex"),
        ("mother had MS", "sex"), ("segment 6 m", "sex"), ("6/12 f/u gbm", "sex"),
    ],
)  # fmt: skip
def test_what_was_not_meant_does_not_count(typed: str, field: str) -> None:
    counted = parts(typed, on=True)
    if field == "date>=2015":
        assert dates(typed, on=True) == [(date(2021, 1, 1), date(2021, 12, 31))]
        return
    assert field not in {getattr(one, "field", "") for one in counted}, counted


DENIALS = (
    "not", "no", "non", "anything but", "everything but", "other than", "excl", "excl.", "w/out", "minus",
    "not done on",
    "not scanned on", "never performed with", "wasn't made with", "weren't", "isn't", "aren’t any", "leave out",
    "leaving out the", "skip", "ignore all", "but hide", "please drop", "rather than", "as opposed to", "none of the",
    "nothing on", "no scans from", "no patients on", "don't want", "do not include", "not including", "cannot be",
    "must not be", "any vendor but", "every patient except", "unless", "barring", "lacking", "nicht auf", "keine",
)  # fmt: skip


@pytest.mark.parametrize("no", DENIALS)
def test_every_way_to_deny_denies(no: str) -> None:
    for fact in ("axial", "Siemens", "Philips", "neonates", "men"):
        found = offered(f"spine abscess, {no} {fact}")
        assert len(found) == 1, fact
        assert isinstance(found[0].where, Not), fact
        assert found[0].where.part == offered(fact)[0].where


@pytest.mark.parametrize(
    "no", ["not scanned in", "none in", "outside of", "instead of", "nothing of", "not from before"]
)
def test_a_time_is_denied_too(no: str) -> None:
    (found,) = offered(f"spine abscess, {no} 2021")
    assert isinstance(found.where, Not)


@pytest.mark.parametrize(
    "typed", ["born premature 32 weeks, boy", "ex-prem, 28 weeks, girl", "preterm infant 30 weeks"]
)
def test_weeks_of_a_pregnancy_are_no_age(typed: str) -> None:
    assert all(low in (None, 0) and high != 0 for low, high in ages(typed, on=True)), "32 weeks are 0 years"


@pytest.mark.parametrize("how", ["regardless of", "irrespective of", "whether or not", "not only", "no matter if"])
def test_what_does_not_matter_is_no_condition(how: str) -> None:
    for fact in ("Siemens", "women", "children", "3T"):
        assert not offered(f"spine abscess, {how} {fact}")


@pytest.mark.parametrize(
    "typed",
    ["foot drop women", "no change in the mass, women", "not enlarged nodes in women", "pars bar in women",
     "ulnar minus in women", "haemorrhage none in women", "fluid outside of women", "skip lesions in women"],
)  # fmt: skip
def test_what_is_denied_is_another_thing(typed: str) -> None:
    assert sexes(typed, on=True) == ["F"]


@pytest.mark.parametrize(
    ("value", "forms"),
    [
        ("yes", ("post {} brain", "post-{} brain", "+ {} brain", "{}+ t1", "w/ {} brain")),
        ("no", ("no {} brain", "w/o {} brain", "{}-free brain", "{} free brain", "pre-{} t1", "not on {}, brain")),
    ],
)
def test_contrast_in_its_forms(value: str, forms: tuple[str, ...]) -> None:
    said = [form.format(agent) for form in forms for agent in ("contrast", "gad", "gd", "gadolinium")]
    said += {"yes": ["C+ t1", "T1+C brain", "CE-MRA"], "no": ["t1 C-", "unenh brain"]}[value]
    for typed in said:
        found = [one.values for one in parts(typed) if isinstance(one, Is) and one.field == "contrast"]
        assert found == [(value,)], typed


@pytest.mark.parametrize("vendor", ["siemens", "philips", "canon", "GE"])
@pytest.mark.parametrize("strength", ["1.5", "3", "7"])
def test_a_number_behind_a_vendor_is_offered_as_its_strength(vendor: str, strength: str) -> None:
    found = [
        one for one in parts(f"meniscal tear {vendor} {strength}") if getattr(one, "field", "") == "field_strength"
    ]
    assert found == [Is("field_strength", (float(strength),))]
    assert not [one for one in parts(f"{vendor} {strength} lesions") if getattr(one, "field", "") == "field_strength"]


@pytest.mark.parametrize("typed", ["optic neuritis fat sat t1 post", "m, nodes, gad", "nodes, gadolinium, 3T"])
def test_contrast_at_the_end_and_between_commas(typed: str) -> None:
    assert [one.values for one in parts(typed) if isinstance(one, Is) and one.field == "contrast"] == [("yes",)]


@pytest.mark.parametrize("typed", ["t1 post op spine", "t1 post-treatment glioma", "gad allergy"])
def test_what_is_after_something_else_is_not_after_contrast(typed: str) -> None:
    assert not [one for one in parts(typed) if getattr(one, "field", "") == "contrast"]


def _slips(word: str) -> set[str]:
    """Every letter but the first left out or doubled, and every two neighbours in each other's place."""
    found = {word[:at] + word[at + 1 :] for at in range(1, len(word))}
    found |= {word[:at] + word[at] + word[at:] for at in range(1, len(word))}
    return found | {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(1, len(word) - 1)}


@pytest.mark.parametrize(
    "word", ["sagittal", "coronal", "axial", "siemens", "philips", "contrast", "february", "toddler", "elderly"]
)
def test_a_slip_in_a_word_of_facts_is_mended_and_told(word: str) -> None:
    slips = [slip for slip in sorted(_slips(word)) if len(slip) >= 5 and slip != word and slip not in FACT_WORDS]
    found = {slip: mended_words(f"glioma {slip}", lambda _: False) for slip in slips}
    told = [slip for slip, words in found.items() if words]
    assert len(told) >= 0.5 * len(slips), "slips of several words, as 'axila', are left; most are of one"
    for slip in told:
        assert [(one.typed, one.taken, one.start, one.stop) for one in found[slip]] == [(slip, word, 7, 7 + len(slip))]


@pytest.mark.parametrize(
    ("typed", "plain", "words"),
    [
        ("femal pt 33yrs", "female pt 33yrs", 1), ("wimen under 50 years old", "women under 50 years old", 1),
        ("saggital stir 1,5T", "sagittal stir 1.5T", 1), ("Febuary '23", "February '23", 1),
        ("withuot contarst", "without contrast", 2), ("betwen 40 and 60 years old", "between 40 and 60 years old", 1),
        ("thirty to forty yr olds", "30 to 40 yr olds", 0), ("♀ ≥60 yrs", "female >=60 yrs", 0),
    ],
)  # fmt: skip
def test_a_mended_text_says_the_same_and_its_places_are_those_typed(typed: str, plain: str, words: int) -> None:
    for before in ("", "glioma, ", "three tesla, "):
        text = f"{before}{typed}"
        facts = facts_in(text, TODAY, knows=lambda _: False)
        expected = facts_in(f"{before}{plain}", TODAY)
        assert [one.where for one in facts] == [one.where for one in expected]
        assert all(0 <= one.start < one.stop <= len(text) for one in facts)
        assert max(one.stop for one in facts) == len(text)
        assert sum(len(one.mended) for one in facts) == words
        assert all(text[slip.start : slip.stop] == slip.typed for one in facts for slip in one.mended)


@pytest.mark.parametrize(
    "word", ["infarct", "coronary", "flail", "womac", "transferase", "obliquus", "patientin", "spleen", "femur"]
)
def test_words_that_mean_something_else_are_not_mended(word: str) -> None:
    assert mended_words(f"{word} of the left", lambda _: False) == ()
    assert mended_words("saggital", lambda known: known == "saggital") == ()


@pytest.mark.parametrize("joint", ["-", " - ", "–", " to ", " until ", " through ", " and ", " or ", ", "])
@pytest.mark.parametrize(
    "form", ["{a}{joint}{b} May 2024", "May {a}{joint}{b}, 2024", "from the {a}th{joint}{b}th of May 2024"]
)
def test_days_of_one_month_in_a_row_are_all_meant(joint: str, form: str) -> None:
    typed = "scans " + form.format(a=6, b=8, joint=joint)
    (found,) = [one for one in offered(typed) if one.on]
    spans = found.where.parts if isinstance(found.where, Or) else (found.where,)
    days = {one.low.day for one in spans} | {one.high.day for one in spans}  # type: ignore[union-attr]
    assert days == {6, 8}, found
    assert isinstance(found.where, Or) == (joint.strip() in ("and", "or", ","))


@pytest.mark.parametrize(
    ("typed", "months"),
    [
        ("2019, 2021", 24),
        ("2019 or 2021", 24),
        ("2017, 2019 and 2021", 36),
        ("May 2024 or March 2025", 2),
        ("2019 and 2020", 24),
    ],
)
def test_times_apart_in_a_row_are_either(typed: str, months: int) -> None:
    (found,) = [one for one in offered(f"brain scans in {typed}") if one.on]
    spans = found.where.parts if isinstance(found.where, Or) else (found.where,)
    days = sum((one.high - one.low).days + 1 for one in spans if isinstance(one, Between))  # type: ignore[operator]
    assert abs(days - 30.44 * months) < 4


@pytest.mark.parametrize(
    "typed", ["2, 3 and 4 May 2024", "Modic 1, 2 May 2024", "since 6 or 8 May 2024", "before 6-8 May 2024"]
)
def test_days_that_are_more_or_bounds_or_no_days_are_no_pair(typed: str) -> None:
    assert not any(isinstance(one.where, Or) or "to 2024" in one.text for one in offered(typed))


_DONE_TO = (
    "hysterectomy", "laminectomy", "rotator cuff repair", "ACL reconstruction", "total hip replacement",
    "spinal fusion", "embolisation", "craniotomy", "angioplasty", "caesarean", "biopsy", "chemotherapy", "concussion",
    "TACE",
)  # fmt: skip


@pytest.mark.parametrize("done", _DONE_TO)
@pytest.mark.parametrize("then", ["in 2019", "since 3 months ago", "last year", "in March 2024", "last month"])
def test_when_something_was_done_to_somebody_is_no_date_of_a_scan_by_itself(done: str, then: str) -> None:
    assert not any(one.on for one in offered(f"{done} {then}, recurrent pain")), (done, then)
    of_scans = ("patients scanned", "sequences acquired", "MR", "series", "patients")
    if done in ("biopsy", "chemotherapy"):
        return  # words that are clinical wherever they stand
    for scanned in (*(f"{done} {word} {then}" for word in of_scans), f"{done}, scans from {then.removeprefix('in ')}"):
        if "ago" not in then:
            assert any(one.on for one in offered(scanned)), scanned


@pytest.mark.parametrize("who", ["women", "men", "patients"])
@pytest.mark.parametrize("behind", ["after", "before", "post", "with", "following"])
def test_an_age_of_somebody_stays_one_before_what_was_done(who: str, behind: str) -> None:
    for done in _DONE_TO:
        found = offered(f"{who} over 60 {behind} {done}")
        assert any(one.where == Between("age", 61, None) and one.on for one in found), (who, behind, done)
        if behind in ("after", "post"):
            assert not any("age" in fields_named(one.where) for one in offered(f"{who} over 20 years {behind} {done}"))
            ages = [one for one in offered(f"{who} over 2 years {behind} {done}") if "age" in fields_named(one.where)]
            assert not ages


@pytest.mark.parametrize("scan", ["MRI", "study", "previous scan", "exam"])
@pytest.mark.parametrize("other", ["prior", "compared with", "stable since", "known from previous", "relapse after"])
def test_when_another_examination_was_made_is_no_date_of_a_scan(other: str, scan: str) -> None:
    for then in ("from 2019", "in March 2021", "last year"):
        assert not any(one.on for one in offered(f"{other} {scan} {then}")), (other, scan, then)
