"""Which sentences of a report name its patient rather than the patient's body: a name, a birth date, an address.

They stay in the report's text, which is shown to those who may see it, and become no passage: nothing finds them.
"""

from __future__ import annotations

import re

from spinecho.encoders.language.finding_words import names_finding
from spinecho.encoders.language.passages import Passage, passages
from spinecho.indexer.reports.report_facts import side_of

_LABELS = (
    # names
    r"(?:patient(?:in|en|e|'?s)?|pt\.?|pat\.?)?[ \t]*(?:full |last |first |family |sur)?names?|patient(?:in|e)?"
    r"|(?:nach|vor|geburts|familien)name|nom(?: de famille| du patient| de naissance| et pr[ée]nom)?|pr[ée]noms?"
    r"|nombre(?: del paciente| y apellidos)?|apellidos?|paciente"
    # birth
    r"|d\.?o\.?b\.?|(?:date of )?birth(?:[ -]?date)?|born(?: on)?|geb(?:oren)?\.?(?: am)?|geburtsdatum|geb\.?-?datum"
    r"|n[ée]e?(?:\(e\))? le|date de naissance|ddn|fecha de nacimiento|f\.? ?nac\.?"
    r"|nacid[oa] el"
    # address
    r"|(?:home |street |postal )?address|adresse|anschrift|wohnhaft(?: in)?|wohnort|stra(?:ß|ss)e"
    r"|direcci[óo]n|domicilio"
    r"|(?:tele|mobile )?phone(?: number)?|tel\.?(?:efon|[ée]phone|[ée]fono)?|e-?mail"
    r"|(?:nhs|social security|ssn|insurance|versicherten|kranken(?:kassen|versicherten))"
    r"[ \t-]*(?:number|no\.?|nr\.?|nummer)?"
)
_LABELLED = re.compile(rf"[\W_]*(?:{_LABELS})[ \t*_]*[:：=][ \t]*\S", re.IGNORECASE)
_UNLABELLED = re.compile(
    r"[\W_]*(?i:geb(?:oren)?\.?(?: am)?|born(?: on)?|d\.?o\.?b\.?|n[ée]e?(?:\(e\))? le|nacid[oa] el"
    r"|wohnhaft(?: in)?)(?:[ \t]+\S|$)"
    r"|[\W_]*(?:am[ \t]+)?\d{1,2}\.\d{1,2}\.(?:19|20)\d\d[\W_]*$"
    r"|[\W_]*(?:Mr|Mrs|Ms|Miss|Herrn?|Frau|Monsieur|Madame|Mme|M\.|Sr\.?|Sra\.?)\.?[ \t]+[A-ZÄÖÜÉ][\w'-]+"
    r"(?:[, \t]+[A-ZÄÖÜÉ][\w'-]+){0,3}[ \t]*,?[ \t]*(?:\*|geb|born|d\.?o\.?b|n[ée]e?\b"
    r"|nacid)",
)
_HEAD = 3_000
"""Characters within which a head stands."""


def names_patient(sentence: str) -> bool:
    """Whether a sentence is an entry of a report's head that names the patient; one with a finding in it is none."""
    if _LABELLED.match(sentence) is None and _UNLABELLED.match(sentence) is None:
        return False
    return not names_finding(sentence.lower())


def report_passages(text: str, exam: str = "") -> tuple[Passage, ...]:
    """The passages of a report without those of its head that name the patient. exam: what it is of (`exam_key`)."""
    found = passages(text, exam=side_of(exam))
    return tuple(one for one in found if one.start >= _HEAD or not names_patient(one.text))
