"""Which fields say who somebody is, by their names: columns of tables, keys of JSON, elements of DICOM by keyword.

`Patientenname`, `PatientBirthDate`, `referring_physician`, `date_naissance`: English, German, French and Spanish, in
whatever way the words of a name are put together. Only what leaves little doubt, since what such a field holds is taken
out of texts: `Study name` is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["name", "day", "number", "place", "phone"]
Named = tuple[Kind, str]
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER, _APOSTROPHE = re.compile(r"[^a-z0-9]+"), re.compile("['\u2019]")
_WHO = r"(?:patient(?:in|en|s)?|pat|pt|paciente|person|participant|kin|insured|guarantor|contact|father|mother|spouse)"
_ID = r"(?:ids?|numbers?|no|nr|nummer|num|numero)"
_ACTOR = (
    r"physicians?|doctors?|radiologists?|referrer|clinicians?|consultants?|surgeons?|operators?|technologists?"
    r"|technicians?|transcriber|transcriptionist|dictator|signatory|authors?|(?:haus|ober|fach)?arzt|arztin"
    r"|(?:uber|zu|ein)weiser(?:in)?|befunder(?:in)?|radiologen?|radiologin|untersucher(?:in)?|mtra"
    r"|medecins?|docteur|prescripteur|radiologues?|manipulat(?:eur|rice)"
    r"|medicos?|radiolog[oa]s?|facultativo|tecnic[oa]"
)
_DID = (
    r"reported|signed|dictated|read|verified|approved|validated|authori[sz]ed|transcribed|requested|ordered|performed"
    r"|referred|interpreted|authenticated"
)
# no "Klinik" and "clinique": such a field may hold the clinical question
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(form))  # type: ignore[misc]
    for kind, form in (
        (
            "day",
            r"(?:.*_)?(?:birth_?(?:date|day)|date_of_birth|dob|geburts(?:datum|tag)|geb_?dat(?:um)?"
            r"|(?:date_(?:de_)?)?naissance|ddn|(?:fecha_(?:de_)?)?nacimiento|f_?nac)",
        ),
        (
            "number",
            rf"(?:other_)?{_WHO}_?{_ID}|mrn|ssn|ipp|nhc|dni|nhs(?:_?{_ID})?|social_security(?:_?{_ID})?|accession(?:_?{_ID})?"
            rf"|(?:case|visit|encounter|admission|insurance|policy|hospital|medical_record|passport|fall|aufnahme"
            rf"|versicherten|versicherungs|krankenkassen|dossier|historia)_?{_ID}|device_serial_number",
        ),
        (
            "name",
            rf"(?:{_WHO}s?_?)?(?:(?:full|first|last|family|given|middle|maiden|birth|sur|fore)_?)?names?|initials"
            r"|(?:patienten|familien|geburts|vor|nach)_?namen?"
            r"|(?:nom|prenom)s?(?:_(?:de_)?(?:famille|naissance|patient|usuel))?|nom_(?:et_)?prenoms?|nom_du_patient"
            r"|nombres?(?:_(?:del_)?paciente|_y_apellidos)?|apellidos?(?:_paciente)?|(?:patient|paciente)(?:in)?"
            rf"|(?:.*_)?(?:{_ACTOR})(?:_?names?)?|(?:electronically_)?(?:{_DID})_by|name_of_(?:{_ACTOR})(?:_.*)?"
            r"|(?:befundet|freigegeben|vidiert|unterschrieben|diktiert)_(?:von|durch)|(?:signe|valide|dicte|lu)_par"
            r"|(?:firmado|validado|dictado|informado|realizado)_por|next_of_kin",
        ),
        (
            "place",
            rf"(?:{_WHO}s?_|home_|postal_|street_)?(?:address|street|city|town|village|zip(?:_?code)?|post(?:al)?_?code)"
            r"|adresse|anschrift|strasse|wohnort|plz|domicilio|direccion|ville|code_postal"
            r"|institution(?:al)?(?:_(?:name|address|department(?:_name)?))?|station_name"
            r"|(?:hospital|clinic|facility|practice)(?:_name)?|krankenhaus|praxis|hopital",
        ),
        (
            "phone",
            rf"(?:{_WHO}s?_?|home_|work_|mobile_)?(?:(?:tele)?phone(?:_?numbers?)?|fax|mobile|e_?mail)"
            r"|telefon(?:nummer)?|telefono|movil|handy",
        ),
    )
)
_NOBODY = re.compile(
    r"^(?:(?:not?|none|without|kein\w*|nicht)(?:\s(?:an?|the|yet|names?|one|body|given|known|named|stated|assessed|available|applicable"
    r"|recorded|specified|provided|assigned|entered|entry|data|angaben?|bekannt|angegeben|erfasst))*"
    r"|unknown|unbekannt|inconnu|on site|n/?a)$",
    re.IGNORECASE,
)
"""What a field "name" holds where it says that nobody is named."""
_MOST_FIELDS, _LONGEST, _DEEPEST = 200, 200, 8


@lru_cache(maxsize=4096)
def kind_of_field(name: str) -> Kind | None:
    """How a field of this name says who somebody is; None for one that does not."""
    apart = _CAMEL.sub("_", _APOSTROPHE.sub("", name[:_LONGEST])).replace("ß", "ss")
    apart = unicodedata.normalize("NFKD", apart).lower()
    plain = _OTHER.sub("_", "".join(letter for letter in apart if not unicodedata.combining(letter))).strip("_")
    return next((kind for kind, form in _KINDS if form.fullmatch(plain)), None)


def named_in_fields(fields: Any) -> tuple[Named, ...]:
    """(kind, value) of what JSON, or a row by its columns, says of who somebody is, at any depth; each once."""
    return tuple(dict.fromkeys(found for _, found in zip(range(_MOST_FIELDS), _walk(fields, "", 0), strict=False)))


def _walk(value: Any, name: str, depth: int) -> Iterator[Named]:
    """name: of the field that holds the value, with that of the object around it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, _full_name(name, str(key)), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, name, depth + 1)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text, kind = " ".join(str(value).split()), kind_of_field(name)
        if kind == "name" and not any(map(str.isalpha, text)):
            kind = "number"  # a column `Patient` may hold either
        if kind == "name" and len(text) == 2 and text.isupper():
            return  # initials; KM, TE and MR are words of any report
        if kind == "name" and _NOBODY.search(text):
            return
        if kind is not None and 1 < len(text) <= _LONGEST:
            yield kind, text


def _full_name(outer: str, key: str) -> str:
    """`{"patient": {"id": 7}}` is a patient's ID, and `{"name": {"family": ...}}` a name."""
    if outer.lower().endswith(("name", "names")) and kind_of_field(outer) == "name":
        return outer
    whole = f"{outer}_{key}" if outer else key
    return key if kind_of_field(key) is not None else whole
