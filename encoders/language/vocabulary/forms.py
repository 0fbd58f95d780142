"""Other forms of the words that names are made of: adjectives for nouns, other languages' endings, slips of the pen."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

from rapidfuzz.distance import OSA

from spinecho.encoders.language.stems import neutral, root
from spinecho.encoders.language.vocabulary.table import NOUNS, vocabulary
from spinecho.encoders.language.vocabulary.tokens import Key

_SURE = 8
"""Letters from which on one that is wrong, missing, doubled or swapped leaves hardly a doubt which word was meant."""
_STEM = 6
_ADJECTIVE = {
    "otic": "osis", "itic": "itis", "omatous": "oma", "pathic": "pathy", "ectatic": "ectasia", "emic": "emia",
    "plegic": "plegia", "megalic": "megaly", "malacic": "malacia", "edematous": "edema", "listhetic": "listhesis",
    "plastic": "plasia",
}  # fmt: skip
"""Endings of a disease's adjective, and of the disease: "cirrhotic" of "cirrhosis", "meningitic" of "meningitis"."""
_BEFORE = re.compile(r"(?:peri|para|intra|extra|retro|supra|infra|sub|inter|juxta|endo|micro|macro|multi|hemi)(?=.{5})")
_JOINED = re.compile(
    r"(aorto|arterio|broncho|calcaneo|cardio|celiaco|cerebello|cervico|colo|costo|cranio|duodeno|entero|ethmoido|femoro"
    r"|fibulo|gastro|hepato|humero|ileo|jejuno|maxillo|mesencephalo|pancreatico|patello|pharyngo|pleuro|ponto|recto"
    r"|sacro|scapho|spheno|spleno|sterno|talo|thalamo|thoraco|tibio|utero|vesico)(?=.{5})"
)
_FIRST = {
    "aort": "aorta", "arteri": "artery", "bronch": "bronchus", "calcane": "calcaneus", "cardi": "heart",
    "celiac": "celiac", "cerebell": "cerebellum", "cervic": "cervical", "col": "colon", "cost": "rib",
    "crani": "skull", "duoden": "duodenum", "enter": "bowel", "ethmoid": "ethmoid", "femor": "femur",
    "fibul": "fibula", "gastr": "stomach", "hepat": "liver", "humer": "humerus", "ile": "ileum", "jejun": "jejunum",
    "maxill": "maxilla", "mesencephal": "midbrain", "pancreatic": "pancreas", "patell": "patella",
    "pharyng": "pharynx", "pleur": "pleura", "pont": "pons", "rect": "rectum", "sacr": "sacrum",
    "scaph": "scaphoid", "sphen": "sphenoid", "splen": "spleen", "stern": "sternum", "tal": "talus",
    "thalam": "thalamus", "thorac": "thoracic", "tibi": "tibia", "uter": "uterus", "vesic": "bladder",
}  # fmt: skip
"""What the first half of "rectovesical" is."""
_NO_NAME = frozenset(
    {
        "operat",
        "surgic",
        "contrast",
        "focal",
        "section",
        "media",
        "medial",
        "later",
        "state",
        "tract",
        "venou",
        "catheter",
        "vention",
    }
)
_UNLIKE = frozenset({
    "abrasion", "affliction", "alternation", "attraction", "bleaching", "blotting", "breeding", "citation",
    "clamping", "complimentary", "composed", "compound", "comprise", "comprised", "comprises", "conclusion",
    "constricted", "constructed", "construction", "constructive", "contraction", "contrary", "creating", "cytosine",
    "deceased", "decision", "detector", "dilution", "disclosed", "displayed", "displaying", "displays", "disposed",
    "dissociation", "dynamics", "election", "erection", "evolution", "existing", "functional", "hallmark",
    "hemithorax", "hypodense", "hypodensity", "illusion", "inferonasal", "inflated", "inflection", "infraction",
    "infractions", "infraorbital", "infrarenal", "infraspinous", "infusion", "interaction", "interior", "intervals",
    "intraorbital", "intrarenal", "lacrosse", "location", "materials", "maternal", "metaphase", "metaphases",
    "military", "multilobular", "multiplex", "mutation", "national", "notation", "nutrition", "oncolytic",
    "osteoclast", "osteoclastic", "parental", "patience", "patients", "perforation", "positron", "practice",
    "precision", "presence", "presumed", "princess", "produces", "projection", "proposed", "prostrate", "pulmonis",
    "purposes", "quantity", "rational", "reaching", "received", "reflection", "regained", "relieved", "remained",
    "reported", "restitution", "retrieved", "salvation", "scattered", "scatters", "sectional", "sensible",
    "simulation", "solution", "speculated", "spraying", "standing", "starting", "stimulation", "stimulus", "stranger",
    "students", "subscapular", "supplemental", "surprise", "teaching", "tendency", "thoracostomy", "thrombin",
    "together", "training", "transection", "transfected", "vacation", "variable", "vocation",
})  # fmt: skip
"""Words one letter from one of a name that are words of their own."""


def as_nouns(key: Key) -> Key:
    """A name's stems with every adjective of an organ as the organ: "hepatic cyst" is a liver cyst."""
    return tuple(NOUNS.get(stem, stem) for stem in key)


@lru_cache(maxsize=65536)
def known_form(word: str, stem: str) -> str:
    """The stem of the one word of the vocabulary that an unknown word is a form or a misspelling of; else its own.

    "spondylotic" is of spondylosis; "frontale", "infiltratingly" lose one more ending; "hyperintese" has one letter
    wrong. The first letter must stand, since "a" and "un" turn words round.
    """
    table = vocabulary()
    heard = neutral(word)
    for ending, noun in _ADJECTIVE.items():
        if heard.endswith(ending):
            disease = root(heard.removesuffix(ending) + noun)
            if (disease,) in table.named:
                return disease
    if len(stem) <= _STEM or not stem.isalpha():
        return stem
    for shorter in (root(stem), root(word.lower().removesuffix("ly"))):
        if len(shorter) >= _STEM - 1 and shorter in table.stems:
            return shorter
    if len(heard) < _SURE or heard in _UNLIKE:
        return stem
    near = {
        root(known)
        for length in (len(heard) - 1, len(heard), len(heard) + 1)
        for known in _by_size().get((heard[0], length), ())
        if known not in _UNLIKE and OSA.distance(heard, known, score_cutoff=1) <= 1 and _before(heard) == _before(known)
    }
    return near.pop() if len(near) == 1 else stem


def _before(word: str) -> str:
    """The prefix of a word: one letter makes "macroadenoma" another than "microadenoma"."""
    match = _BEFORE.match(word)
    return match.group() if match else ""


@lru_cache(maxsize=65536)
def halves(word: str) -> tuple[tuple[str, int], ...]:
    """(stem, place) of the halves of an unknown word that names two organs, or one behind a prefix.

    "rectovesical" is of the rectum and the bladder, "retropancreatic" of the pancreas; () for any other word.
    """
    heard = word.lower()
    for pattern, joined in ((_JOINED, True), (_BEFORE, False)):
        match = pattern.match(heard)
        if match is None:
            continue
        rest = root(word[match.end() :])
        if (rest,) in vocabulary().named and rest not in _NO_NAME:
            first = _FIRST[match.group()[:-1]] if joined else match.group()
            return ((root(first), 0), (rest, match.end()))
    return ()


@lru_cache(maxsize=1)
def _by_size() -> dict[tuple[str, int], list[str]]:
    """Words of all names, by their first letter and length."""
    words = {neutral(word) for one in vocabulary().concepts.values() for name in one.names for word in name.split()}
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for word in words:
        if len(word) >= _SURE - 1:
            found[word[0], len(word)].append(word)
    return dict(found)


__all__ = ["as_nouns", "halves", "known_form"]
