"""What coded facts mean, in one place: the names that a value may be given, and that a year of age is a whole year.

Search box, options, typed filters, cohort definitions and pages all make leaves of `db.filters.values`; both readers of
these, SQL and the snapshot of facts, go through `meant`, so that no door has a meaning of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

from spinecho.db.filters.values import Between, Contains, Is, Value

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
CODED = frozenset({*ACCEPTED, "model"})
"""Fields whose values are few and told: a value that never occurs in them is an error."""
_JOINTS = re.compile(r"[\s_-]+")
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


@lru_cache(maxsize=512)
def meant(leaf: Is | Between | Contains) -> Is | Between | Contains:
    """The leaf as it is compared: names as the values that are stored, a highest age with all of its year.

    A name that the table takes for a value is looked for as it stands too: files are free to write what they like.
    Ages of several whole years come from `year_ranges`.
    """
    match leaf:
        case Is(field, values) if field in ACCEPTED:
            stored = [stored_value(field, value) if isinstance(value, str) else value for value in values]
            return Is(field, tuple(dict.fromkeys((*values, *stored))))
        case Between("age", low, high):
            return Between("age", low, end_of_year(high))
        case _:
            return leaf


def end_of_year(age: Value | None) -> Value | None:
    """The highest age that somebody has who is so many years old: somebody of 60.5 years is 60. 0.5 is only itself."""
    if not isinstance(age, int | float) or isinstance(age, bool) or not float(age).is_integer():
        return age
    return math.nextafter(float(age) + 1.0, 0.0)


def year_ranges(leaf: Is) -> tuple[Between, ...]:
    """What "is 55, or 60, years old" means in ages as they are stored. Numbers alone: others are for `check_values`."""
    return tuple(Between("age", value, end_of_year(value)) for value in leaf.values)
