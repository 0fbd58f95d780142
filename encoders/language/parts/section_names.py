"""Headings of sections in German, French, Spanish, Portuguese and Dutch, beside those in `sections`."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

NAMES: dict[str, str] = {
    "indication": (
        # German, French, Spanish, Portuguese, Dutch
        "klinik|klinische (?:information(?:en)?|fragestellung)|vorgeschichte|eigenanamnese|indikation(?:sstellung)?"
        "|motif(?: de l'examen)?|renseignements? cliniques?|contexte(?: clinique)?|histoire de la maladie|ant[ée]cédents(?: (?:personnels|familiaux|m[ée]dicaux|chirurgicaux))?|atcd"
        "|indicaci[óo]n(?:es)?|motivo(?: de (?:la )?(?:consulta|exploraci[óo]n|estudio))?|datos cl[íi]nicos|informaci[óo]n cl[íi]nica|historia cl[íi]nica|antecedentes(?: (?:personales|familiares|m[ée]dicos|quir[úu]rgicos))?"
        "|indica[çc][ãa]o(?: cl[íi]nica)?|dados cl[íi]nicos|informa[çc][ãa]o cl[íi]nica|hist[óo]ria cl[íi]nica|motivo do exame"
        "|klinische (?:gegevens|vraagstelling|inlichtingen)|vraagstelling|indicatie"
    ),
    "technique": (
        "untersuchungsprotokoll|sequenzen|protocole(?: technique)?|technique d'(?:examen|acquisition)|s[ée]quences|m[ée]thode"
        "|t[ée]cnica(?: de (?:exploraci[óo]n|exame))?|protocolo(?: t[ée]cnico)?|secuencias|m[ée]todo|metodolog[íi]a|techniek|onderzoekstechniek|sequenties"
    ),
    "comparison": (
        "voraufnahme|voruntersuchungen|comparaison|examens? (?:ant[ée]rieurs?|comparatifs?|de comparaison)|comparaci[óo]n|estudios? previos?|compara[çc][ãa]o|exames? anteriores?|vergelijking|vorig onderzoek"
    ),
    "findings": (
        "befundbericht|r[ée]sultats?|constatations?|compte[- ]rendu|hallazgos?|informe|descripci[óo]n|resultados?|achados|relat[óo]rio|descri[çc][ãa]o|laudo|bevindingen|verslag|beschrijving"
    ),
    "impression": (
        "fazit|diagnose|(?:radiologische )?bewertung|synth[èe]se|au total|avis|conclusi[óo]n(?:es)?|impresi[óo]n(?: diagn[óo]stica)?|juicio cl[íi]nico|diagn[óo]stico(?:s)?|conclus[ãa]o|conclus[õo]es|impress[ãa]o(?: diagn[óo]stica)?|conclusie|besluit|samenvatting"
    ),
}
"""By section; patterns, upper and lower case alike."""
FAMILY = "ant[ée]cédents familiaux|antecedentes familiares"
PAST = (
    "ant[ée]cédents(?: (?:personnels|m[ée]dicaux|chirurgicaux))?|atcd|antecedentes(?: (?:personales|m[ée]dicos|quir[úu]rgicos))?"
    "|vorgeschichte|eigenanamnese"
)
CAPITALS = "R[ÉE]SULTATS?|COMPTE[- ]RENDU|HALLAZGOS|CONCLUSI[ÓO]N|T[ÉE]CNICA|INDICACI[ÓO]N|ACHADOS|CONCLUS[ÃA]O|BEVINDINGEN|CONCLUSIE"
