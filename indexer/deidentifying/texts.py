"""Words that name somebody, taken out of a text by rules: what is known of the patient, entries of a head, and forms
that names, days, addresses and numbers have in English, German, French and Spanish.

Days are moved as those of the headers are, where their form leaves no doubt which day it is; else they go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from spinecho.indexer.deidentifying.known import NAME, Known
from spinecho.indexer.deidentifying.surroundings import FORMS, NAMES, WORD

GONE = "[removed]"
DAY_GONE = "[date]"
_LABELS = (
    # the patient
    r"(?:patient(?:in|en|e|'?s)?|pt|pat)?\.?[ \t]*(?:full |last |first |family |given |sur)?names?|patient(?:in|e)?"
    r"|(?:nach|vor|geburts|familien)name|nom(?: de famille| du patient| de naissance| et pr[ée]nom)?|pr[ée]noms?"
    r"|nombre(?: del paciente| y apellidos)?|apellidos?|paciente"
    r"|d\.?o\.?b\.?|(?:date of )?birth(?:[ -]?date)?|born(?: on)?|geb(?:oren)?\.?(?: am)?|geburtsdatum|geb\.?-?datum"
    r"|n[ée]e?(?:\(e\))? le|date de naissance|ddn|fecha de nacimiento|f\.? ?nac\.?|nacid[oa] el"
    r"|(?:home |street |postal )?address|adresse|anschrift|wohnhaft(?: in)?|wohnort|stra(?:ß|ss)e"
    r"|direcci[óo]n|domicilio"
    r"|(?:tele|mobile )?(?:phone|fax)(?: number)?|tel\.?(?:efon|[ée]phone|[ée]fono)?|fax|handy|mobil|m[óo]vil|e-?mail"
    r"|(?:nhs|social security|ssn|insurance|versicherten|kranken(?:kassen|versicherten)|s[ée]curit[ée] sociale)"
    r"[ \t-]*(?:number|no\.?|nr\.?|nummer)?"
    # numbers
    r"|(?:patient(?:en)?|pat\.?|hospital|case|fall|aufnahme|record|mrn|ipp|nhc|n[ºo°]\.? de historia|dossier|auftrags?)"
    r"[ \t-]*(?:id|number|no\.?|nr\.?|nummer|identifier|num[ée]ro)|mrn|ipp|nhc|accession[ \t]*(?:number|no\.?|nr\.?)?"
    # physicians and places
    r"|(?:referring|requesting|ordering|attending|reporting|consulting)[ \t]+(?:physician|doctor|clinician|provider)s?"
    r"|radiologists?|physicians?|technologist|technician|operator|consultants?"
    r"|(?:electronically )?(?:signed|dictated|reported|verified|approved|read|transcribed|authenticated)(?: by)"
    r"|(?:[üu]ber|zu|ein)weis(?:er|ende[rn]?(?: arzt| [äa]rztin)?)|radiologe|radiologin|befunder(?:in)?|arzt|[äa]rztin"
    r"|hausarzt|oberarzt|vidiert(?: von)?|unterschrift|mtra?|(?:elektronisch )?signiert(?: von)?"
    r"|(?:m[ée]decin|docteur)(?: prescripteur| traitant| demandeur| radiologue)?|radiologues?|manipulat(?:eur|rice)"
    r"|(?:sign[ée]|valid[ée]|dict[ée])(?: par)?|prescripteur"
    r"|m[ée]dico(?: solicitante| responsable| tratante)?|radi[óo]log[oa]|(?:firmado|validado|dictado) por|facultativo"
    r"|next of kin|(?:emergency )?contact|kontakt|angeh[öo]rige[rn]?|betreuer(?:in)?"
    r"|personne (?:[àa] pr[ée]venir|de confiance)"
    r"|contacto|correspondants?|demandeurs?|solicita(?:nte)?|t[ée]cnic[oa]|enfermer[íi]a|fdo\.?|einweiser|auftraggeber"
    r"|n[°º]\.? (?:d[e'][ \t]?)?(?:dossier|examen|historia|petici[óo]n)|untersuchungs-?(?:id|nr\.?|nummer)"
    r"|hospital|clinic|institution|krankenhaus|klinik|praxis|h[ôo]pital|clinique|cl[íi]nica|centro|station|ward"
)
_END = "".join(
    rf"(?<!\b{word})" for word in ("[A-Z]", "Dr", "Dra", "Prof", "med", "Mrs", "Mr", "Ms", "St", "Sra", "Sr", "Avda")
)
_END += r"(?<![Ss]tr)"
_END += r"\.(?:\s|$)"
"""The end of a sentence, which the point behind an initial or a title is not."""
_LABELLED = re.compile(
    rf"(?P<label>(?:^|(?<=[\n|;])|(?<=[ .,;] ))[ \t*#>|(\[-]*(?:{_LABELS})[ \t*_]*[:：=|][ \t*_]*)"
    r"(?P<value>[^\n|;\t]+?)"
    rf"(?=[ \t]*(?:$|\n|\||;|\t|  |{_END}))",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(
    r"^[ \t*#>|-]*(?i:patient(?:in|en|e|'?s)?(?:[ \t]+(?:full )?name)?|name|(?:nach|vor|familien)name"
    r"|nom(?: du patient)?|pr[ée]noms?|nombre(?: del paciente)?|apellidos?|paciente|pt\.?[ \t]+name)[ \t*_]*[:：=|]"
    r"[ \t]*(?P<name>[^\n|;:\d]{2,60})",
    re.MULTILINE,
)
_TITLED = re.compile(
    r"\b(?P<title>(?:(?:Priv\.?-?Doz|PD|Prof|Pr|Dr|Dres|Drs|Dra|Drs?|Dipl|Univ|OA|FA|Mr|Mrs|Ms|Miss|Mme|Mlle|Sr|Sra|Hr|Fr)"
    r"\.[ \t]*"
    r"(?:med\.[ \t]*|rer\.[ \t]*nat\.[ \t]*)*|(?:Professor|Prof|Dr|Doctor|Docteur|Doctora|Herrn?|Frau|Monsieur|Madame"
    r"|Mr|Mrs|Ms|Mme|Señor|Señora|Don|Doña|Kolleg(?:e|in|en))[ \t]+)+)"
    rf"(?P<name>(?:(?:von|van|de|del|de la|der|den|la|le|zu|di|da|du|La|Le)[ \t]+)*(?:{WORD}|[A-Z]\.|[A-Z]\b)"
    rf"(?:[ \t]+(?:(?:von|van|de|del|der|den|la|le|di|da|du|y|La|Le)[ \t]+)*(?:{WORD}|[A-Z]\.)){{0,2}})"
)
_MONTHS = (
    r"jan(?:uary|uar|vier)?|jänner|enero|ene|feb(?:ruary|ruar|rero)?|f[ée]v(?:r(?:ier)?)?|mar(?:ch|s|zo)?|märz|apr(?:il)?"
    r"|avr(?:il)?|abr(?:il)?|may|mai|mayo|jun[ei]?|juin|junio|jul[yi]?|juil(?:let)?|julio|aug(?:ust)?|août|ago(?:sto)?"
    r"|sep(?:t(?:ember|embre|iembre)?)?|oct(?:ober|obre|ubre)?|okt(?:ober)?|nov(?:ember|embre|iembre)?"
    r"|dec(?:ember)?|dez(?:ember)?|d[ée]c(?:embre)?|dic(?:iembre)?"
)
_ISO = re.compile(r"(?<![\d.-])((?:19|20)\d\d)-(\d\d)-(\d\d)(?![\d-])")
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.((?:19|20)\d\d)(?!\d)")
_OTHER_DAYS = re.compile(
    r"(?<![\d./-])\d{1,2}([./-])\d{1,2}\1(?:(?:19|20)\d\d|\d\d)(?![\d/-])"
    rf"|\b\d{{1,2}}(?:\.|st|nd|rd|th|er|º)?[ \t-]*(?:de[ \t]+)?(?:{_MONTHS})\.?[ \t,-]*(?:del?[ \t]+)?"
    r"(?:19|20)\d\d\b"
    rf"|\b(?:{_MONTHS})\.?[ \t]+\d{{1,2}}(?:st|nd|rd|th)?,?[ \t]+(?:19|20)\d\d\b"
    r"|(?<!\d)(?:19|20)\d\d[/.](?:0?[1-9]|1[0-2])[/.]\d{1,2}(?!\d)"
    r"|(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
    re.IGNORECASE,
)
UID_FORM = re.compile(r"(?=[\d.]{20})\d+(?:\.\d+){4,}")
"""A UID, of an object of the hospital: no version and no measurement is as long."""
_ADDRESSES_OF_MACHINES = (UID_FORM, re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), re.compile(r"(?i:https?://|www\.)\S+"))
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?<![\w.])(?:\+|00)\d{1,3}[ \t/().-]*\d(?:[ \t/().-]*\d){5,}",
        r"(?<![\w.,])0\d{1,5}[ \t]*[/-][ \t]*\d{2,}(?:[ \t/-]?\d{2,})*",
        r"(?<![\w.,])0\d(?:[ .-]\d\d){4}(?!\d)",
        r"(?<![\w.,])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d|\.\d)",
        r"(?<![\w.,])\d{3}-\d{2}-\d{4}(?!\d)",
        r"(?<![\w.,])[12][ ]?\d\d[ ]?(?:0[1-9]|1[0-2])[ ]?\d[\dAB][ ]?\d{3}[ ]?\d{3}(?:[ ]?\d\d)?(?!\d)",
        rf"\b{WORD}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm)[ \t]+\d+[a-z]?\b",
        rf"\b{WORD}[ \t](?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm)[ \t]+\d+[a-z]?\b",
        rf"\b\d{{1,5}}[a-z]?[ \t]+{WORD}(?:[ \t]+{WORD})?[ \t]+(?:Street|St\.|Cottages?|Gardens|Terrace|Close"
        r"|Mews|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Boulevard|Blvd\.?|Court|Square|Crescent|Way)\b",
        rf"\b\d{{1,4}}(?:[ \t]*(?:bis|ter))?,?[ \t]+(?:rue|avenue|boulevard|place|chemin|impasse|allée|quai)[ \t]+"
        rf"(?:(?:de|du|des|la|le|l'|d')[ \t]*)*{WORD}(?:[ \t]+{WORD})*",
        rf"\b(?:Calle|Avenida|Avda\.|Plaza|Paseo|C/)[ \t]*(?:(?:de|del|la|los|las)[ \t]+)*{WORD}(?:[ \t]+{WORD})*,?"
        r"(?:[ \t]*n?[ºo°]?\.?[ \t]*\d+)",
        rf"(?<![\w.,])(?:[A-Z]{{1,2}}-)?\d{{4,5}}[ \t]+{WORD}(?=[ \t]*(?:$|\n|,))",
    )
)
_LONG_NUMBER = re.compile(r"(?<![\w.])[A-Za-z]{0,4}[-_]?\d{7,}[A-Za-z]?(?![\w.]*\d)")
_OLD = re.compile(r"\b(?:9\d|1[0-2]\d)(?=[ -]?(?:year|y/?o\b|jahre|jährig|ans\b|años))", re.IGNORECASE)


_NO_NAMES = frozenset(
    """
    patient patientin patienten paciente name vorname nachname geburtsname geburtsdatum nombre apellidos prénom date
    birth naissance nacimiento fecha datum adresse address dirección anschrift telefon téléphone teléfono
    correspondant station male female männlich weiblich hombre mujer
    """.split()  # noqa: SIM905
)
"""What stands behind a name in a head, and is none."""
_SEVERAL = re.compile(rf"{re.escape(GONE)}(?:[ \t,]*{re.escape(GONE)})+")


def scrub(text: str, known: Known, days: int | None) -> str:
    """The text without what names somebody. days: by which days of the year are moved; None takes all of them out."""
    for form in _ADDRESSES_OF_MACHINES:  # before a name in one is taken out of it
        text = form.sub(GONE, text)
    whole = text
    named = [(NAME, found["name"].split("  ")[0]) for found in _NAMED.finditer(text[:4000])]
    named += [(NAME, found["name"]) for form in (_TITLED, *NAMES) for found in form.finditer(text)]
    text = _LABELLED.sub(lambda found: f"{found['label']}{GONE}", text)
    text = _TITLED.sub(lambda found: f"{found['title']}{GONE}", text)
    for form in NAMES:
        text = form.sub(_without_name, text)
    text = known.joined(_names_only(named, whole)).without(text, GONE)
    text = _moved_days(text, days)
    for form in _FORMS:
        text = form.sub(GONE, text)
    for form in FORMS:
        text = form.sub(lambda found: f"{found.groupdict().get('kept') or ''}{GONE}", text)
    text = _LONG_NUMBER.sub(GONE, text)
    text = _OLD.sub("90", text)
    return _SEVERAL.sub(GONE, text)


def _without_name(found: re.Match[str]) -> str:
    start, end = (place - found.start() for place in found.span("name"))
    return f"{found[0][:start]}{GONE}{found[0][end:]}"


def _names_only(found: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """Long enough to be looked for everywhere, and no word that the text has in small letters too: what happens to
    stand behind a title or a greeting is none (`Dear Colleague`).
    """
    parts = {part for _, value in found for part in re.split(r"[\s,.^]+", value)}
    parts = {part for part in parts if len(part) >= 4 and part[:1].isupper() and part.casefold() not in _NO_NAMES}
    small = set(re.findall(r"\w+", text))
    return [(NAME, part) for part in sorted(parts) if part.lower() not in small]


def tells_a_day(text: str) -> bool:
    """Whether a day with its year of four digits stands in a text, in any form: `1.5.17` may as well be a version."""
    return any(
        re.search(r"(?:19|20)\d\d", found[0]) for form in (_ISO, _DOTTED, _OTHER_DAYS) for found in form.finditer(text)
    )


def _moved_days(text: str, days: int | None) -> str:
    text = _ISO.sub(_moving(days, (1, 2, 3), "{0:%Y-%m-%d}"), text)
    text = _DOTTED.sub(_moving(days, (3, 2, 1), "{0:%d.%m.%Y}"), text)
    kept = {found.span() for form in (_ISO, _DOTTED) for found in form.finditer(text)}
    return _OTHER_DAYS.sub(lambda found: found[0] if found.span() in kept else DAY_GONE, text)


def _moving(days: int | None, order: tuple[int, int, int], form: str) -> Callable[[re.Match[str]], str]:
    def move(found: re.Match[str]) -> str:
        if days is None:
            return DAY_GONE
        try:
            day = date(*(int(found[place]) for place in order)) + timedelta(days)
        except (ValueError, OverflowError):
            return DAY_GONE
        return form.format(day)

    return move
