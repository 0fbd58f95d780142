"""What coded facts mean, in one place: the names of a value, whole years of age, and field strengths by their names.

Search box, options, typed filters, cohort definitions and pages all make leaves of `conditions`; both readers of
these, SQL and the snapshot, go through `meant`, so that no door has a meaning of its own.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from spinecho.db.filters.conditions import UNRECORDED, Between, Contains, Is, Value

ACCEPTED: Mapping[str, Mapping[str, str]] = {
    "sex": {
        "F": "f | female | females | w | woman | women | weiblich | frau | frauen",
        "M": "m | male | males | man | men | männlich | mann | männer",
        "O": "o | other | d | divers | diverse | x | non-binary | nonbinary",
    },
    "contrast": {
        "yes": "yes | y | true | with | with contrast | after contrast | post | post-contrast | contrast | enhanced "
        "| contrast-enhanced | gadolinium | gd | ce | ja | mit",
        "no": "no | n | false | without | without contrast | before contrast | pre | pre-contrast | non-contrast "
        "| unenhanced | native | nativ | none | nein | ohne",
    },
    "side": {
        "left": "left | l | lt | links | gauche",
        "right": "right | r | rt | rechts | droite",
        "both": "both | b | both sides | bilateral | beidseits | bds",
    },
    "technique": {
        "ASL": "asl | arterial spin labelling | arterial spin labeling",
        "ASL control and label": "asl control and label | asl control/label | control and label",
        "ASL proton density (M0)": "asl proton density (m0) | asl m0 | m0",
        "DCE": "dce | dynamic contrast enhanced",
        "Dixon": "dixon | mdixon",
        "EPI": "epi | echo planar | echo planar imaging",
        "MP2RAGE": "mp2rage",
        "MP2RAGE inversion 1": "mp2rage inversion 1 | mp2rage inv1",
        "MP2RAGE inversion 2": "mp2rage inversion 2 | mp2rage inv2",
        "MP2RAGE uniform": "mp2rage uniform | mp2rage uni",
        "MPRAGE": "mprage | mp rage",
        "multi-echo": "multi echo | multiecho",
        "radial (motion-insensitive)": "radial (motion insensitive) | radial | blade | propeller | multivane",
        "simultaneous multi-slice": "simultaneous multi slice | sms | multiband | multi band",
        "single shot": "single shot | haste | ss fse | ssfse",
    },
    "dixon": {
        "water": "water | w | water only",
        "fat": "fat | f | fat only",
        "in phase": "in phase | inphase | in | ip",
        "opposed phase": "opposed phase | opposed | opp phase | opp | out of phase | out phase | out | op | oop",
        "fat fraction": "fat fraction | pdff | ff",
    },
    "component": {
        "magnitude": "magnitude | mag | m",
        "phase": "phase | pha | p",
        "real": "real | re | r",
        "imaginary": "imaginary | imag | im | i",
    },
    "computed": {
        "ADC map": "adc map | adc | apparent diffusion coefficient",
        "exponential ADC map": "exponential adc map | eadc | exponential adc",
        "FA map": "fa map | fa | fractional anisotropy",
        "colour FA map": "colour fa map | color fa map | colour fa | color fa | col fa | colfa",
        "MD map": "md map | md | mean diffusivity",
        "diffusion tensor": "diffusion tensor | tensor",
        "calculated b-value": "calculated b value | calculated b | synthetic b value | synthetic dwi | calc bval",
        "trace": "trace | trace weighted | tracew",
        "subtraction": "subtraction | subtracted | sub",
        "maximum projection": "maximum projection | maximum intensity projection | mip",
        "minimum projection": "minimum projection | minimum intensity projection | minip | mnip",
        "reformat": "reformat | reformatted | reformation | mpr",
        "blood flow map": "blood flow map | cbf | rcbf",
        "blood volume map": "blood volume map | cbv | rcbv",
        "transit time map": "transit time map | mtt | tmax",
        "time-to-peak map": "time to peak map | ttp",
        "fat fraction map": "fat fraction map | fat fraction | pdff",
        "B0 map": "b0 map | field map | fieldmap",
        "B1 map": "b1 map",
        "T1 map": "t1 map",
        "T2 map": "t2 map",
        "T2* map": "t2* map | t2 star map | r2* map",
        "susceptibility map": "susceptibility map | qsm",
        "mask": "mask",
    },
    "plane": {
        "axial": "axial | ax | transverse | transversal | tra | transaxial",
        "coronal": "coronal | cor | koronar",
        "sagittal": "sagittal | sag",
        "oblique": "oblique | obl",
    },
    "sequence": {
        "T1": "t1 | t1w | t1 weighted | t1 weighting",
        "T2": "t2 | t2w | t2 weighted | t2 weighting",
        "PD": "pd | pdw | pd weighted | proton density | proton density weighted",
        "FLAIR": "flair | t2 flair | t2w flair | dark fluid | fluid attenuated inversion recovery",
        "STIR": "stir | short tau inversion recovery",
        "T2*": "t2* | t2*w | t2* weighted | t2 star | t2 star weighted",
        "SWI": "swi | susceptibility weighted | susceptibility weighted imaging",
        "DWI": "dwi | diffusion | diffusion weighted | diffusion weighted imaging",
        "ADC": "adc | adc map | apparent diffusion coefficient",
        "BOLD": "bold | fmri | functional mri",
        "ASL": "asl | arterial spin labelling | arterial spin labeling",
        "MRA": "mra | mr angiography | angiography | angio | tof",
        "localizer": "localizer | localiser | scout | survey",
    },
    "vendor": {
        "Siemens": "siemens | siemens healthineers | siemens healthcare",
        "GE": "ge | general electric | ge healthcare | ge medical systems",
        "Philips": "philips | philips healthcare | philips medical systems",
        "Canon": "canon | canon medical systems",
        "Toshiba": "toshiba",
        "Hitachi": "hitachi | fujifilm",
        "UIH": "uih | united imaging | united imaging healthcare",
        "Hyperfine": "hyperfine",
        "Bruker": "bruker | bruker biospin",
    },
    "body_region": {
        "brain": "brain | head | skull | cerebrum | hirn | kopf | schädel",
        "head and neck": "head and neck | neck | hals",
        "cervical spine": "cervical spine | c-spine | cspine | hws",
        "thoracic spine": "thoracic spine | t-spine | dorsal spine | bws",
        "lumbar spine": "lumbar spine | l-spine | lumbosacral spine | lws",
        "chest": "chest | thorax",
        "heart": "heart | cardiac",
        "abdomen": "abdomen | abdominal | belly",
        "pelvis": "pelvis | pelvic",
        "fetal": "fetal | foetal | fetus | foetus",
        "whole body": "whole body | whole-body",
    },
}
"""By field, the value that is stored and every name that is taken for it; case, hyphens and blanks do not matter."""
CODED = frozenset({*ACCEPTED, "model", "field_strength", "b_value"})
"""Fields whose values are few and told: a value that never occurs in them is an error."""
CLOSED = frozenset({"side", "technique", "dixon", "component", "computed"})
"""Coded fields of which `ACCEPTED` knows every value that there can be."""
_JOINTS = re.compile(r"[\s_-]+")
_ALIKE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    field: {stored: tuple(name.strip() for name in names.split("|")) for stored, names in table.items()}
    for field, table in ACCEPTED.items()
}
_STORED: Mapping[str, Mapping[str, str]] = {
    field: {_JOINTS.sub(" ", name.strip()): stored for stored, names in table.items() for name in names.split("|")}
    for field, table in ACCEPTED.items()
}


def stored_value(field: str, name: str) -> str:
    """The value that this name of it is stored under; the name itself where the table has none.

    >>> stored_value("sex", "Female"), stored_value("sequence", "T2-weighted"), stored_value("sex", "blue")
    ('F', 'T2', 'blue')
    """
    if field not in _STORED:
        return name
    return _STORED[field].get(_JOINTS.sub(" ", name.strip()).casefold(), name)


NOMINAL = (
    0.064, 0.2, 0.23, 0.3, 0.35, 0.5, 0.55, 0.6, 0.7, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 4.7, 7.0, 9.4, 10.5, 11.7,
)  # fmt: skip
"""Field strengths, in tesla, that magnets go by."""
_NEAR = 0.045
"""How far from its name, as a share, a strength is written: 2.89362 and 2.9 for 3, 1.494 for 1.5, 1.16 for 1.2, 6.98
for 7. No two names lie so near that a strength goes by both."""
_OLDEST = 200
RANGED = frozenset({"age", "field_strength"})
"""Numbers of which one stands for all between two bounds."""


@lru_cache(maxsize=512)
def meant(leaf: Is | Between | Contains) -> Is | Between | Contains:
    """The leaf as it is compared: a name as every name of its value, a highest age with all of its year, strengths
    with all that go by their name.

    Every name, as files are free to write what they like: somebody stored as "weiblich" is asked for as F. What is not
    recorded (`UNRECORDED`) is also what is stored as unknown. What one age or strength is comes from `ranges`.
    """
    match leaf:
        case Is(field, values) if field in ACCEPTED:
            stored = [stored_value(field, value) if isinstance(value, str) else value for value in values]
            alike = [name for value in stored if isinstance(value, str) for name in _ALIKE[field].get(value, ())]
            unknown = ("unknown",) if UNRECORDED in values else ()
            return Is(field, tuple(dict.fromkeys((*values, *stored, *alike, *unknown))))
        case Between("age", low, high):
            return Between("age", low, end_of_year(high))
        case Between("field_strength", low, high):
            return Between("field_strength", strength_range(low)[0], strength_range(high)[1])
        case _:
            return leaf


def end_of_year(age: Value | None) -> Value | None:
    """The highest age that somebody has who is so many years old: somebody of 60.5 years is 60. 0.5 is only itself."""
    if not isinstance(age, int | float) or isinstance(age, bool) or not float(age).is_integer():
        return age
    return math.nextafter(float(age) + 1.0, 0.0)


def nominal(tesla: Value) -> Value:
    """The strength that a magnet of so many tesla goes by; the number itself where none is near.

    >>> nominal(2.89362), nominal(3.0), nominal(2.5)
    (3.0, 3.0, 2.5)
    """
    if not isinstance(tesla, int | float) or isinstance(tesla, bool):
        return tesla
    return next((name for name in NOMINAL if abs(tesla - name) <= _NEAR * name), tesla)


def counted_as(field: str, value: Value) -> str:
    """What a value is counted, grouped and told as: names as the value they mean, strengths by their name, ages in
    whole years.

    Whatever groups values asks here, as whatever compares them asks `meant`: what one condition finds is one group.

    >>> counted_as("field_strength", 2.89), counted_as("sex", "weiblich"), counted_as("age", 60.5)
    ('3', 'F', '60')
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float() if field == "age":
            return f"{math.floor(value)}"
        case int() | float():
            return f"{nominal(value) if field == 'field_strength' else value:g}"
        case str():
            return stored_value(field, value)
        case _:
            return str(value)


_TESLA = re.compile(r"(?P<number>\d{1,3}(?:[.,]\d{1,6})?)\s{0,3}-?(?:t|tesla)", re.IGNORECASE)


def tesla_number(text: str) -> str:
    """A strength without its unit, as a number is written; other texts as they are.

    >>> tesla_number("3 T"), tesla_number("1,5 tesla"), tesla_number("3.0"), tesla_number("strong")
    ('3', '1.5', '3.0', 'strong')
    """
    found = _TESLA.fullmatch(text.strip())
    return found["number"].replace(",", ".") if found else text


def strength_range(tesla: Value | None) -> tuple[Value | None, Value | None]:
    """The lowest and the highest strength, in tesla, that go by the same name; the number itself where none is near."""
    name = None if tesla is None else nominal(tesla)
    if name not in NOMINAL or not isinstance(name, float):
        return tesla, tesla
    return (1 - _NEAR) * name, (1 + _NEAR) * name


def last_alike(field: str, value: Value) -> Value:
    """The highest number that goes by this one: of an age all of its year, of a strength all of its name."""
    if field == "field_strength":
        return strength_range(value)[1] or value
    return (end_of_year(value) or value) if field == "age" else value


def ranges(leaf: Is) -> tuple[tuple[Between, ...], tuple[Value, ...]]:
    """What "is 55, or 60, years old", or "of 3 tesla", means in stored numbers, for a field of `RANGED`: the ranges,
    each once, and the numbers that stand for themselves alone; what is not recorded is no number.

    Numbers alone: others are for `check_values`. Years that nobody has lived are left out: the list is never long.
    """
    found: dict[Between, None] = {}
    alone: list[Value] = []
    for value in leaf.values:
        if value == UNRECORDED:
            continue
        low, high = strength_range(value) if leaf.field == "field_strength" else (value, end_of_year(value))
        if low == high:
            alone.append(value)
        elif leaf.field == "field_strength" or 0 <= value <= _OLDEST:  # type: ignore[operator]
            found[Between(leaf.field, low, high)] = None
    return tuple(found), tuple(alone)


_DATE = re.compile(r"(?P<year>(?:18|19|20|21)\d\d)(?:-(?P<month>0[1-9]|1[0-2]))?")


def date_span(text: str) -> tuple[date, date] | None:
    """The first and the last day of a year or a month; None for other texts.

    >>> date_span("2020-02"), date_span("2020-02-03")
    ((datetime.date(2020, 2, 1), datetime.date(2020, 2, 29)), None)
    """
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, month = int(found["year"]), int(found["month"] or 0)
    last = month or 12
    return date(year, month or 1, 1), date(year, last, monthrange(year, last)[1])


_UNIT_NAMES = {"m": "month", "w": "week", "d": "day"}
_IN_A_YEAR = {"y": 1.0, "m": 12.0, "w": 365.25 / 7, "d": 365.25}
_AGE = re.compile(
    r"(?P<count>\d{1,5})\s{0,2}-?(?P<unit>m(?:o|os|on|ths?|onths?)?|w(?:ks?|eeks?)?|d(?:ays?)?|y(?:rs?|ears?)?|monate?|wochen?|tage?|jahre?)",
    re.IGNORECASE,
)
_GERMAN = {"t": "d", "j": "y"}


def age_range(text: str) -> tuple[float, float | None] | None:
    """An age written with its unit, as years: from, and below which; DICOM's 018M too. None for other texts.

    Ages are stored to three places. Whole years have no upper bound here, as a number means all of its year.

    >>> age_range("18m"), age_range("018M"), age_range("6 weeks"), age_range("55y"), age_range("55")
    ((1.5, 1.583), (1.5, 1.583), (0.115, 0.134), (55.0, None), None)
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        return None
    unit = found["unit"][0].lower()
    return years(int(found["count"]), _GERMAN.get(unit, unit))


def shown_age(age: float) -> str:
    """An age as pages show it, in the unit that people use: that which `age_range` reads so has it.

    >>> [shown_age(one) for one in (60.5, 2.0, 1.583, 0.115, 0.003, 0.0)]
    ['60 y', '2 y', '19 months', '6 weeks', '1 day', '0 days']
    """
    if age >= 2:
        return f"{int(age)} y"
    unit = "m" if age >= years(3, "m")[0] else "w" if age >= years(4, "w")[0] else "d"
    count = int(age * _IN_A_YEAR[unit]) + 1
    while years(count, unit)[0] > age:
        count -= 1
    return f"{count} {_UNIT_NAMES[unit]}{'' if count == 1 else 's'}"


def years(count: int, unit: str) -> tuple[float, float | None]:
    """So many years, months, weeks or days (`unit`: y, m, w, d) as `age_range` gives them."""
    if unit == "y":
        return float(count), None
    return round(count / _IN_A_YEAR[unit], 3), round((count + 1) / _IN_A_YEAR[unit], 3)
