"""Names, towns and numbers by the words that stand around them, where no header, head or title gives them away.

Only what leaves little doubt: words for people and places of work before capitalised words, in languages that write
nouns small; in German, which writes them large, words that no finding follows (`Mutter Mammakarzinom` is no name).
"""

from __future__ import annotations

import re

WORD = r"[A-ZÄÖÜÀ-Þ][\w'’-]+"
_PARTICLES = r"(?:(?:von|van|de|del|de la|der|den|la|le|zu|di|da|du|y|O'|Le|La|De)[ \t]+)*"
_NO_PERSON = (
    r"(?![A-Z]{2,5}\b)(?!(?:Radiolog|Neuro|Ortho|Surg|Medicin|Oncolog|Cardio|Patholog|Interventional|Emergency|Internal|General"
    r"|Department|Team|Service|Alzheimer|Parkinson|Crohn|Huntington|Hodgkin|Lynch|Marfan|Down|Colleague|Doctor|Sir|Madam|Damen|Kolleg|Patient|The|This|No|Not|He|She|MR|CT)"
    r"\w*)"
)
_NAME = rf"{_NO_PERSON}(?:[A-Z]\.[ \t]?)*{WORD}(?:[ \t]+{_PARTICLES}{WORD}){{0,2}}"
_TWO = rf"{_NO_PERSON}(?:[A-Z]\.[ \t]?)*{_PARTICLES}{WORD}[ \t]+{_PARTICLES}{WORD}(?:[ \t]+{_PARTICLES}{WORD})?"
_INITIALS = rf"(?:[A-Z]\.[ -]?)+{WORD}"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Mme|M|Mlle|Fr|Hr|Sr|Sra|Dr|Dra|Frau|Herr|Herrn|Doña|Don)\.?[ \t]+)?"
_ROLES = (
    # English
    r"wife|husband|spouse|partner|son|daughter|mother|father|mum|mom|dad|brother|sister|niece|nephew|aunt|uncle"
    r"|neighbou?r|friend|carer|caregiver|guardian|nurse|midwife|secretary|registrar|resident|technologist|radiographer"
    # French
    r"|femme|[ée]pouse|mari|[ée]poux|fils|fille|m[èe]re|p[èe]re|fr[èe]re|s(?:oe|œ)ur|compagne|compagnon|voisine?"
    r"|infirmi(?:er|[èe]re)|interne|kin[ée]sith[ée]rapeute|secr[ée]taire|tutrice|tuteur|manipulat(?:eur|rice)"
    # Spanish
    r"|esposa|esposo|marido|mujer|hij[oa]|madre|padre|herman[oa]|vecin[oa]|enfermer[oa]|residente|t[ée]cnic[oa]"
    r"|secretari[oa]|tutor|tutora|auxiliar"
)
_GERMAN_ROLES = (
    r"Ehefrau|Ehemann|Gattin|Gatte|Lebensgef[äa]hrt(?:e|in|en)|(?:seine|ihre)(?:s|r)? (?:Sohnes|Tochter|Bruders|Vaters)"
    r"|Krankenschwester|Krankenpfleger|MTRA?|MFA|Assistenz[äa]rzt(?:in)?|Betreuer(?:in)?|Nachbar(?:in|n)?"
)
_BY = (
    r"discussed with|spoke (?:to|with)|reviewed (?:by|with)|together with|dictated by|reported by|seen by|performed by"
    r"|relue? par|valid[ée]e? par|sign[ée]e? par|r[ée]alis[ée]e? par|vue? par|comentado con|informado por|realizado por"
    r"|firmado por|validado por|freigegeben (?:durch|von)|befundet (?:durch|von)|untersucht (?:durch|von)|diktiert von"
)
_BORN = r"born|d\.?o\.?b|geb\.|geboren|n[ée]e?[ \t]+le|ddn|f\.?[ \t]?n(?:ac)?\b|nacid[oa]|\*[ \t]?\d"
_GREETINGS = (
    r"Dear|Liebe[rs]?|Sehr geehrter? (?:Frau |Herr )?(?:Kollegin |Kollege )?|Ch[eè]re?|Estimad[oa](?: doctora?)?"
    r"|Querid[oa]"
)
_REGARDS = (
    r"Yours (?:sincerely|faithfully|truly)|(?:Kind|Best|Warm) regards"
    r"|Mit (?:freundlichen|besten|kollegialen)[ \w]*Gr[üu](?:ß|ss)en"
    r"|Bien (?:confraternellement|cordialement)|Confraternellement|Cordialement|Un (?:cordial )?saludo|Atentamente"
    r"|Saludos(?: cordiales)?"
)
NAMES = tuple(
    re.compile(form, re.MULTILINE)
    for form in (
        rf"\b(?i:{_ROLES})(?:,|[ \t]+is)?[ \t]+{_TITLE}(?P<name>{_NAME})",
        rf"\b(?:{_GERMAN_ROLES}),?[ \t]+{_TITLE}(?P<name>{_NAME})",
        rf"\b(?i:{_BY})[ \t]+{_TITLE}(?P<name>{_TWO}|{_INITIALS})",
        rf"\b(?i:by|par|por|von|durch)[ \t]+(?P<name>{_INITIALS})",
        rf"(?<=\()(?P<name>{_INITIALS})(?=\))",
        rf"\b(?:Patient(?:in|en|e)?|Pt\.?|Paciente)[ \t]+(?P<name>{_TWO})(?![:\w])",
        rf"\b(?:Patient|Pt\.?)[ \t]+(?P<name>{_NAME})[ \t]+(?:was|is|has|had|will|reports|states|denies|complains)\b",
        rf"\b(?:[Pp]aciente|[Pp]atiente?)[ \t]+(?:de[ \t]+)?\d{{1,3}}[ \t]+(?:a[ñn]os|ans),?[ \t]+(?P<name>{_TWO})",
        rf"\b(?P<name>{_TWO}),?[ \t]+(?i:{_BORN})",
        rf"\b(?P<name>{_TWO})[ \t]+is an?[ \t]+\d{{1,3}}[ -]",
        rf"\b(?:von|an|mit|durch)[ \t]+(?:Schwester|Pfleger)[ \t]+(?P<name>{_NAME})",
        rf"\b(?:de|à|par|avec|chez)[ \t]+M\.[ \t]+(?P<name>{_NAME})",
        r"\b(?i:pt|patient)\.?[ \t]+(?P<name>[\w'’-]+(?:[ \t]+[\w'’-]+){1,2})[ \t]+(?i:d\.?o\.?b)\b",
        rf"^(?:.*[ ,])?(?:{_GREETINGS})[ \t]+(?:Dr\.?[ \t]+)?(?P<name>{_NAME})[ \t]*[,:!]?[ \t]*$",
        rf"^(?:{_REGARDS}),?[ \t]*\n*[ \t]*{_TITLE}(?P<name>{_NAME})",
        rf"\bgez\.[ \t]+{_TITLE}(?P<name>{_NAME})",
    )
)
"""Each has a group `name`."""

_NUMBERED = (
    r"MRN|IPP|NHC|DNI|NIE|NIF|NHS|SSN|passport|reisepass|personalausweis|aktenzeichen|kennzeichen|carte vitale"
    r"|tarjeta sanitaria|p[óo]liza|policy|social security"
    r"|(?:versicherten|versicherungs|kranken|fall|aufnahme|patienten|pat\.?|untersuchungs|auftrags|schaden)-?"
    r"(?:nr|nummer|id)"
    r"|(?:hosp(?:ital)?|case|accession|study|exam|record|patient|insurance)[ \t]+(?:id|no|number)"
    r"|s[ée]curit[ée] sociale|petici[óo]n|dossier|estudio|historia"
)
_MORE = r"(?:no|nr|number|nummer|id)?\.?[ \t]*(?:is|lautet|est|es)?[ \t]*[:#|]?[ \t]*"
_DIGITS = (
    r"(?=(?:[A-Z]{0,3}[ \t./-]?\d){4})(?![ \t]*(?:19|20)\d\d\b(?![ /.-]?\d))"  # four, and no year
    r"[A-Z]{0,4}[ \t-]?\d[\w/-]*(?:[ ./-]?\d[\w/-]*)*"
)
_PART = rf"(?:{WORD}|\d{{1,5}}[a-z]?)"
_PLACED = rf"{_PART}(?:[ \t]+(?:(?:de|del|la|le|les|du|des|am|im|an|der|den|of|the|y|sur)[ \t]+)*{_PART})*"
_LIVES = (
    r"(?i:lives?|living|resides?)[ \t]+(?:in|at)[ \t]+|(?i:wohnt|wohnhaft)(?:[ \t]+in)?[ \t]+"
    r"|(?i:habite|demeurant|domicili[ée]e?)(?:[ \t]+(?:à|au|en))?[ \t]+|(?i:vive|domicilio|reside)[ \t]+en[ \t]+"
)
_HOUSES = r"(?:Hospital|Clinic|Infirmary|(?:Medical|Imaging|Health) Cent(?:er|re))"
_OF = r"(?:(?:de|del|la|las|los|le|les|du|des|d'|l'|am|im|an|der|St\.|Sankt|Saint|Sainte)[ \t]*)*"
_MORE_WORDS = rf"(?:[ \t]{_OF}{WORD}){{0,2}}"
_NO_HOUSE = r"(?!(?:Course|No|Number|Stay|Day|Discharge|Admission|Record|Name|ID)\b)"
FORMS = tuple(
    re.compile(form)
    for form in (
        rf"\b(?P<kept>(?i:{_NUMBERED})\b{_MORE}){_DIGITS}",
        r"\b(?P<kept>(?i:ext(?:ension|\.)?|durchwahl|dw\.?|poste|bleep|pager|beeper)[ \t.:]*)\d{3,6}\b",
        r"(?<![\w.,])(?=(?:[ ./-]?\d){9,12}(?!\d))0\d{1,4}(?:[ .-]\d{2,8}){1,4}(?!\d)",
        r"(?<![\w.,])[6-9]\d\d[ .-](?:\d\d[ .-]\d\d[ .-]\d\d|\d{3}[ .-]\d{3})(?!\d|\.\d)",
        rf"\b{WORD}(?:[ \t]{WORD})?,[ \t][A-Z]{{2}}[ \t]\d{{5}}(?:-\d{{4}})?\b",
        r"\b(?:[A-Z]{2}|[BEGMNW])\d[A-Z\d]?[ \t]\d[A-Z]{2}\b",
        rf"\b(?P<kept>{_LIVES}){_PLACED}",
        rf"\b(?:{WORD}[ \t]+){{1,3}}{_HOUSES}\b",
        rf"\b(?:Universit[äa]tsklinikum|Klinikum|Krankenhaus|MVZ|Gemeinschaftspraxis)[ \t]+{_OF}{WORD}(?:[ \t]{WORD})?",
        rf"\b(?:H[ôo]pital|Polyclinique|Clinique|CHU|CHR|Centre hospitalier)[ \t]+{_OF}{WORD}{_MORE_WORDS}",
        r"\b(?:Hospital|Cl[íi]nica|Centro M[ée]dico|Centro de Salud|Sanatorio)[ \t]+"
        rf"{_NO_HOUSE}{_OF}{WORD}{_MORE_WORDS}",
    )
)  # fmt: skip
"""Each goes as a whole, but for a group `kept`."""
