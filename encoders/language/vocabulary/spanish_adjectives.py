"""Spanish participles and adjectives that say a finding of the noun they agree with: "menisco roto", "disco herniado".

Of some the finding stands in the word ("engrosada" is thickening, of whatever); of the others it is told by the nearest
noun before it in the sentence that agrees in gender and number ("vértebras acuñadas", "aneurisma roto"); where a clause
begins with it ("no rotos"), by what it says most often.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from spinecho.encoders.language.stems import neutral
from spinecho.encoders.language.vocabulary.spanish_plurals import plural

_Part: TypeAlias = Literal[
    "meniscus", "soft", "disc", "vertebra", "bone", "implant", "lung", "tonsil", "septum", "midline", "other"
]

_ALWAYS = {
    "engrosad": "thickening", "edematizad": "edema", "edematos": "edema", "atrofiad": "atrophy", "atrófic": "atrophy",
    "dilatad": "dilatation", "distendid": "dilatation", "ectásic": "dilatation", "calcificad": "calcification",
    "trombosad": "thrombosis", "ocluid": "occlusion", "estenosad": "stenosis", "estenótic": "stenosis",
    "luxad": "dislocation", "subluxad": "subluxation", "necrosad": "necrosis", "necrótic": "necrosis",
    "inflamad": "inflammation", "hipertrofiad": "hypertrophy", "hipertrófic": "hypertrophy",
    "comprimid": "compression", "aneurismátic": "aneurysm", "cirrótic": "cirrhosis", "ulcerad": "ulceration",
    "retraíd": "retraction", "aplanad": "flattening", "deshilachad": "fraying", "agrandad": "enlargement",
    "artrósic": "osteoarthritis", "tendinósic": "tendinopathy", "osteoporótic": "osteoporosis",
}  # fmt: skip
"""Beginnings of words, before o, a, os or as, and what each says of whatever noun."""
_TORN: dict[_Part, str] = {"meniscus": "tear", "soft": "tear", "disc": "annular tear", "implant": "implant rupture"}
_CRUSHED: dict[_Part, str] = {"vertebra": "compression fracture", "lung": "atelectasis"}
_BY_NOUN: dict[str, dict[_Part, str]] = {
    "rot": {**_TORN, "bone": "fracture"},
    "desgarrad": _TORN, "seccionad": _TORN, "fisurad": {**_TORN, "bone": "fracture", "vertebra": "fracture"},
    "fracturad": {**_TORN, "bone": "fracture", "vertebra": "fracture", "disc": ""},
    "perforad": {"meniscus": "tear", "soft": "tear", "other": "perforation"},
    "desinsertad": {"meniscus": "tear", "soft": "tear"},
    "acuñad": _CRUSHED, "colapsad": _CRUSHED, "aplastad": _CRUSHED,
    "herniad": {"disc": "disc herniation", "tonsil": "tonsillar herniation", "other": "hernia"},
    "descendid": {"tonsil": "tonsillar ectopia"},
    "protruid": {"disc": "disc protrusion"}, "abombad": {"disc": "disc bulge"},
    "extruid": {"disc": "disc extrusion", "meniscus": "meniscal extrusion"},
    "secuestrad": {"disc": "sequestered disc"},
    "deshidratad": {"disc": "disc desiccation"}, "desecad": {"disc": "disc desiccation"},
    "degenerad": {"disc": "disc degeneration", "meniscus": "meniscal degeneration"},
    "desviad": {"septum": "nasal septal deviation", "midline": "midline shift"},
    "desplazad": {"midline": "midline shift"},
}  # fmt: skip
"""The same of words whose finding the noun tells; what is not here says nothing."""
_ALONE = {
    "rot": "tear", "desgarrad": "tear", "seccionad": "tear", "fracturad": "fracture", "herniad": "disc herniation",
    "acuñad": "compression fracture", "aplastad": "compression fracture", "protruid": "disc protrusion",
    "abombad": "disc bulge", "deshidratad": "disc desiccation",
}  # fmt: skip
"""What they say where no noun stands before them."""
_NOUNS: dict[tuple[str, _Part], str] = {
    ("m", "meniscus"): "menisco",
    ("m", "soft"): "tendón ligamento labrum rodete manguito músculo fibrocartílago retináculo alerón supraespinoso"
    " infraespinoso subescapular bíceps cuádriceps aquiles haz fascículo cruzado cartílago isquiotibial aductor lca lcp"
    " lli lle lcm lpaa",
    ("f", "soft"): "fascia aponeurosis fibra cápsula plica polea inserción porción",
    ("m", "disc"): "disco anillo",
    ("f", "vertebra"): "vértebra",
    ("m", "vertebra"): "cuerpo soma platillo",
    ("m", "bone"): "hueso escafoides fémur húmero radio cúbito peroné maléolo troquíter trocánter calcáneo astrágalo"
    " metatarsiano metacarpiano sacro acetábulo cóndilo",
    ("f", "bone"): "costilla tibia clavícula rótula diáfisis epífisis meseta cabeza órbita",
    ("m", "implant"): "implante",
    ("f", "implant"): "prótesis",
    ("m", "lung"): "pulmón lóbulo",
    ("f", "tonsil"): "amígdala",
    ("m", "septum"): "tabique septum septo",
    ("f", "midline"): "línea",
    (
        "m",
        "other",
    ): "quiste aneurisma absceso apéndice hígado bazo riñón conducto ventrículo nervio útero ovario tumor"
    " nódulo ganglio mioma hematoma canal seno estómago intestino colon recto íleon vaso stent catéter fragmento"
    " saco receso asa colédoco divertículo paciente contorno borde segmento tejido",
    (
        "f",
        "other",
    ): "masa lesión vejiga vesícula vena arteria aorta aurícula raíz médula glándula mama grasa pared"
    " mucosa placa vía úlcera colección hernia articulación rodilla cadera bolsa bursa zona área región imagen señal",
}
"""Gender and part of the body, and nouns in the singular. "Other" nouns keep a word from what stands before them."""
_GENDERS: dict[str, tuple[str, bool, bool, _Part]] = {}
"""A noun without accents: gender, whether it may be one, whether it may be several, part."""
for (_gender, _part), _listed in _NOUNS.items():
    for _noun in _listed.split():
        _several = plural(_noun)
        _GENDERS[neutral(_noun)] = (_gender, True, _several == _noun, _part)
        if _several != _noun:
            _GENDERS[neutral(_several)] = (_gender, False, True, _part)
PARTICIPLES = rf"(?:{'|'.join((*_ALWAYS, *(one for one in _BY_NOUN if one != 'desplazad')))})[oa]s?(?!\w)"
"""A pattern of those, in lower case, that are a statement of their own behind "no": a fracture that is not displaced is
one."""
_SAID = {neutral(one): says for one, says in _ALWAYS.items()}
_STEMS = {neutral(one): says for one, says in _BY_NOUN.items()}
_BEGUN = {neutral(one): says for one, says in _ALONE.items()}
_FORM = re.compile(r"(?P<stem>[^\W\d_]{3,}?)(?P<gender>[oa])(?P<several>s?)", re.IGNORECASE)
_SENTENCE = re.compile(r"[;\n]|\.\s+(?=[A-ZÁÉÍÓÚÑ])")
_WORD = re.compile(r"[^\W_]+")
_LEVEL = re.compile(r"[CDLT]\d{1,2}", re.IGNORECASE)
_FAR = 12
"""Words before it that a noun may stand."""
_ENDS = frozenset({"con", "sin", "sobre", "por"})
"""What begins something else: "menisco con quiste roto"."""
_JOINING = frozenset({"y", "e", "ni", "o", "u"})
_LEADS = frozenset(["y", "ni", "no", "se", "esta", "estan", "encuentra", "encuentran", "aparece", "aparecen"])
"""What may stand before one that begins a clause."""


def said_of(text: str, start: int, stop: int) -> str:
    """The English name of the finding that the word text[start:stop] says of its noun; "" where it says none.

    >>> said_of("Meniscos fracturados.", 9, 20)
    'tear'
    """
    form = _form(text[start:stop])
    if form is None:
        return ""
    stem, gender, several = form
    if stem in _SAID:
        return _SAID[stem]
    says = _STEMS[stem]
    begun = max((match.end() for match in _SENTENCE.finditer(text, 0, start)), default=0)
    joined, known = False, list[tuple[str, _Part]]()
    before = list(reversed(_WORD.findall(text, begun, start)))[:_FAR]
    if all(neutral(word) in _LEADS or word.endswith("mente") for word in before):
        return _BEGUN.get(stem, "") if before or gender == "m" else ""
    for word in before:
        heard = neutral(word)
        if heard in _ENDS:
            break
        if heard in _JOINING:
            joined = True
        if _LEVEL.fullmatch(word) and says is _STEMS["colapsad"]:
            return says["vertebra"]
        if heard not in _GENDERS:
            continue
        own, one, many, part = _GENDERS[heard]
        if own == gender and (many if several else one):
            return says.get(part, "")
        known.append((own, part))
        genders = {own for own, _ in known}
        if several and joined and len(known) > 1 and (gender == "m" if "m" in genders else gender == "f"):
            return says.get(part, "")
    return ""


def is_form(word: str) -> bool:
    """Whether it is one of these words: a Spanish one."""
    return _form(word) is not None


@lru_cache(maxsize=65536)
def _form(word: str) -> tuple[str, str, bool] | None:
    match = _FORM.fullmatch(neutral(word))
    if match is None or (match["stem"] not in _SAID and match["stem"] not in _STEMS):
        return None
    return match["stem"], "m" if match["gender"] == "o" else "f", bool(match["several"])
