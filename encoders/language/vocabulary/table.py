"""The vocabulary as it is stored, read once when it is first needed.

One concept a line: its names, the first of which it goes by; it is a kind (of a finding) or a part (of the body) of the
line above that is less far in.

    tumor | neoplasm
      glioma | gliomas
        glioblastoma | gbm < high grade glioma      < more that it is a kind or part of
      meniscal tear & tear, knee:meniscus           & what together means it
    brain:frontal = frontal lobe | frontal          id = names, where the id is not the first name
    ~ brain:cortex = cortex                         ~ overlaps its neighbours: it rules none of them out
    + hematoma                                      + said for what stands above it too: looked for with it
    ~ facial artery ; lingual artery < vessel:artery   ";" between concepts alike, each a line of its own in short
    stroke += apoplectic fit | brain attack         further names of a concept that stands elsewhere
    ms ? multiple sclerosis : plaque ; mitral stenosis : valve
                                                    ? an ambiguous name, by the words near it; the first is meant
                                                    where none is near, "-" for nothing

`languages/de.txt`, `de_further.txt` and their neighbours give the concepts above further names, "English name = name |
name" a line; the file's name up to "_" is the language. A name that ends in "^" is an abbreviation in capitals, read
only among words of its language: "LCA" is a ligament of the knee in French and an artery of the heart in English.

`@kind finding|anatomy|technique`, `@area brain` (what stands before the colon of an id), `@source` and `@licence` hold
for the lines below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, get_args

from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary.german_forms import inflected
from spinecho.encoders.language.vocabulary.spanish_plurals import plural_name
from spinecho.encoders.language.vocabulary.spine_levels import lines
from spinecho.encoders.language.vocabulary.tokens import Key, key_of

Kind: TypeAlias = Literal["finding", "anatomy", "technique"]

DATA = Path(__file__).parent / "data"
_KINDS: dict[str, Kind] = {one: one for one in get_args(Kind)}
_LEVEL = re.compile(r"(?:C|T|D|Th|L|S)\d")
_LEVELS = frozenset("CTDLS")


class Concept(NamedTuple):
    """One thing that a text can name.

    names: the first is the one it goes by. parents: ids of what it is a kind or a part of. parts: ids of what together
    means it. overlaps: whether it may lie in its neighbours.
    """

    id: str
    kind: Kind
    names: tuple[str, ...]
    parents: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    overlaps: bool = False
    alike: bool = False
    source: str = ""
    licence: str = ""
    elsewhere: tuple[str, ...] = ()
    """Its names in other languages than English."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that an ambiguous name may mean ("" for nothing), and the stems near it that say so."""

    concept: str
    near: frozenset[str]


@dataclass(slots=True)
class Vocabulary:
    """All concepts by id, and how names lead to them."""

    concepts: dict[str, Concept] = field(default_factory=dict)
    named: dict[Key, str] = field(default_factory=dict)
    """Stems of a name, and the concept."""
    ambiguous: dict[Key, tuple[Meaning, ...]] = field(default_factory=dict)
    foreign: frozenset[Key] = frozenset()
    """Those of names in other languages."""
    local: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Abbreviations, and the languages in which they name something: its key is `local_key`."""
    stems: set[str] = field(default_factory=set)
    """Every stem of every name."""
    longest: dict[str, int] = field(default_factory=dict)
    """First stem of names, and the number of stems of the longest of them."""
    children: dict[str, tuple[str, ...]] = field(default_factory=dict)
    composed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """A part, and the concepts that it is part of the meaning of."""


class VocabularyError(ValueError):
    """A line of the vocabulary that cannot be: a mistake in the data files, never of a user."""


_ADJECTIVES = {
    "liver": "hepatic", "kidney": "renal", "lung": "pulmonary", "brain": "cerebral", "heart": "cardiac",
    "stomach": "gastric", "spleen": "splenic", "pancreas": "pancreatic", "prostate": "prostatic", "uterus": "uterine",
    "ovary": "ovarian", "ovaries": "ovarian", "testis": "testicular", "bladder": "vesical", "breast": "mammary",
    "cerebellum": "cerebellar", "thyroid gland": "thyroid", "esophagus": "esophageal", "bowel": "intestinal",
    "intestine": "intestinal", "colon": "colonic", "meniscus": "meniscal", "vertebra": "vertebral", "rib": "costal",
    "muscle": "muscular", "nerve": "neural", "artery": "arterial", "vein": "venous", "bone": "osseous",
    "femur": "femoral", "tibia": "tibial", "fibula": "fibular", "humerus": "humeral", "patella": "patellar",
    "sacrum": "sacral", "skull": "cranial", "orbit": "orbital", "ureter": "ureteral", "urethra": "urethral",
    "thalamus": "thalamic", "hippocampus": "hippocampal", "pituitary gland": "pituitary", "tendon": "tendinous",
    "ligament": "ligamentous", "ventricle": "ventricular", "condyle": "condylar",
    "skin": "cutaneous", "labrum": "labral", "aorta": "aortic",
}  # fmt: skip
NOUNS = {root(adjective): root(noun) for noun, adjective in _ADJECTIVES.items() if " " not in noun}
"""Stems of an organ's adjective, and of the organ: names with either are one."""
_HYPHEN = re.compile(r"([^\W_]+)-([^\W_]+)")


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Everything in `data/`, read at the first call."""
    read = (line for path in sorted(DATA.glob("*.txt")) for line in ("@kind finding", *_lines(path)))
    found = build((*lines(), *read))
    by_language: dict[str, list[str]] = {}
    for path in sorted((DATA / "languages").glob("*.txt")):
        by_language.setdefault(path.stem.split("_")[0], []).extend(_lines(path))
    add_languages(found, by_language)
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def build(read: Iterable[str]) -> Vocabulary:
    """A vocabulary from lines as described above; raises `VocabularyError` for one that cannot be read."""
    found = Vocabulary()
    ambiguous: list[tuple[str, str]] = []
    further: list[tuple[str, str]] = []
    state = {"kind": "finding", "area": "", "source": "", "licence": ""}
    above: list[tuple[int, str]] = []
    for raw in read:
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip():
            continue
        if line.startswith("@"):
            what, _, value = line[1:].partition(" ")
            state[what] = value.strip()
            if what == "kind":
                state["area"] = ""
            above.clear()
            continue
        if "?" in line:
            name, _, meanings = line.partition("?")
            ambiguous.append((name.strip(), meanings))
            continue
        if "+=" in line:
            name, _, names = line.partition("+=")
            further.append((name.strip(), names))
            continue
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        for one in _apart(line.strip()):
            concept = _concept(one, state, above[-1][1] if above else "")
            if concept.id in found.concepts:
                raise VocabularyError(f"the concept {concept.id!r} stands twice")
            found.concepts[concept.id] = concept
        above.append((depth, concept.id))
    for name, names in further:
        if name not in found.concepts:
            raise VocabularyError(f"{name!r} has further names and is no concept")
        own = found.concepts[name]
        found.concepts[name] = own._replace(names=(*own.names, *(one.strip() for one in names.split("|"))))
    _connect(found)
    for name, meanings in ambiguous:
        _add_ambiguous(found, name, meanings)
    return found


def add_languages(found: Vocabulary, by_language: Mapping[str, Iterable[str]]) -> None:
    """Give concepts their names in other languages; raises `VocabularyError` for a line of no concept.

    A name that ends in "!" stands in the English lines too, and is no English word. Another that an English concept
    has stays its name, and of two languages' the first: no English text reads otherwise. Their further forms come last.
    """
    foreign: set[Key] = set()
    more: dict[str, list[str]] = {}
    forms: list[tuple[str, str]] = []
    for language, read in by_language.items():
        for raw in read:
            own, equals, names = raw.split("#", 1)[0].partition("=")
            if not equals:
                continue
            own = own.strip()
            if not (ident := own if own in found.concepts else found.named.get(key_of(own), "")):
                raise VocabularyError(f"{language}: {own!r} names no concept")
            for name in map(str.strip, names.split("|")):
                if name.endswith("^"):
                    _add_local(found, name.rstrip("^"), language, ident)
                    continue
                key = key_of(plain := name.rstrip("!"))
                if key in found.ambiguous or found.named.get(key, ident) != ident:
                    continue
                if key not in found.named or name != plain:
                    foreign.add(key)
                    found.named[key] = ident
                more.setdefault(ident, []).append(plain)
                _take(found, key)
                forms += [(form, ident) for form in _forms(language, plain)]
    for form, ident in forms:
        key = key_of(form)
        if key not in found.ambiguous and key not in found.named:
            foreign.add(key)
            found.named[key] = ident
            _take(found, key)
    for ident, listed in more.items():
        known = set(found.concepts[ident].names)
        elsewhere = tuple(name for name in dict.fromkeys(listed) if name not in known)
        found.concepts[ident] = found.concepts[ident]._replace(elsewhere=elsewhere)
    found.foreign = frozenset(foreign)
    _add_joined(found)


def _forms(language: str, name: str) -> Iterable[str]:
    if language == "es":
        return filter(None, (plural_name(name),))
    return inflected(name) if language == "de" else ()


def _take(found: Vocabulary, key: Key) -> None:
    found.longest[key[0]] = max(found.longest.get(key[0], 0), len(key))
    found.stems.update(key)


def local_key(abbreviation: str, language: str) -> str:
    """What stands for an abbreviation of a language among the stems; no word has a colon."""
    return f"{language}:{abbreviation.lower()}"


def _add_local(found: Vocabulary, name: str, language: str, ident: str) -> None:
    key = local_key(name, language)
    found.local[name.lower()] = (*found.local.get(name.lower(), ()), language)
    found.named[(key,)] = ident
    found.longest[key] = 1


def _apart(line: str) -> list[str]:
    """The lines that one of several concepts alike is short for, each with the marks before it and what follows "<"."""
    if ";" not in line:
        return [line]
    names = line.lstrip("~+ ")
    names, below, parents = names.partition("<")
    return [line[: len(line) - len(line.lstrip("~+ "))] + one.strip() + below + parents for one in names.split(";")]


def _concept(line: str, state: dict[str, str], above: str) -> Concept:
    kind = _KINDS.get(state["kind"])
    if kind is None:
        raise VocabularyError(f"no such kind: {state['kind']!r}")
    rest, _, parts = line.partition("&")
    rest, _, parents = rest.partition("<")
    overlaps, alike = rest.startswith("~"), rest.startswith("+")
    own, equals, names = rest.lstrip("~+ ").partition("=")
    told = names if equals else own
    listed: tuple[str, ...] = (told.strip(),)
    if "|" in told:
        listed = tuple(dict.fromkeys([name for one in told.split("|") if (name := one.strip())]))
    area = state["area"]
    label = own.strip() if equals else listed[0]
    ident = f"{area}:{label}" if area and label != area and ":" not in label else label
    more = _listed(parents)
    if above and above not in more:
        more = (above, *more)
    return Concept(
        ident, kind, listed, more, _listed(parts), overlaps, alike,
        state["source"], state["licence"],
    )  # fmt: skip


def _listed(told: str) -> tuple[str, ...]:
    return tuple([name for one in told.split(",") if (name := one.strip())]) if told else ()


def _connect(found: Vocabulary) -> None:
    children: dict[str, list[str]] = {}
    composed: dict[str, list[str]] = {}
    named, longest = found.named, found.longest
    for concept in found.concepts.values():
        for other in concept.parents + concept.parts:
            if other not in found.concepts:
                raise VocabularyError(f"{concept.id!r} names {other!r}, which is no concept")
        for parent in concept.parents:
            children.setdefault(parent, []).append(concept.id)
        for part in concept.parts:
            composed.setdefault(part, []).append(concept.id)
        ident = concept.id
        for name in concept.names:
            if name[0] in _LEVELS and _LEVEL.match(name):
                continue  # `levels` reads these, in every spelling
            key = key_of(name)
            if not key:
                raise VocabularyError(f"the name {name!r} of {ident!r} has no word")
            other = named.setdefault(key, ident)
            if other != ident:
                raise VocabularyError(f"{name!r} names both {other!r} and {ident!r}")
            if longest.get(key[0], 0) < len(key):
                longest[key[0]] = len(key)
    found.stems.update(*named)
    _add_joined(found)
    for key, ident in tuple(found.named.items()):
        if len(key) < 2 or NOUNS.keys().isdisjoint(key):
            continue
        plain = tuple(NOUNS.get(stem, stem) for stem in key)
        if plain != key and found.named.setdefault(plain, ident) == ident:
            found.longest[plain[0]] = max(found.longest.get(plain[0], 0), len(plain))
    found.children = {one: tuple(many) for one, many in children.items()}
    found.composed = {one: tuple(many) for one, many in composed.items()}


def _add_joined(found: Vocabulary) -> None:
    """Names with a hyphen under the one word that it makes too, where another name has that: "non mass-like"."""
    for concept in found.concepts.values():
        for name in concept.names + concept.elsewhere:
            if "-" not in name or _LEVEL.match(name):
                continue
            key = key_of(
                _HYPHEN.sub(
                    lambda two: "".join(two.groups()) if root("".join(two.groups())) in found.stems else two.group(),
                    name,
                )
            )
            if found.named.setdefault(key, concept.id) == concept.id:
                found.longest[key[0]] = max(found.longest.get(key[0], 0), len(key))
                found.stems.update(key)


def _add_ambiguous(found: Vocabulary, name: str, meanings: str) -> None:
    key = key_of(name)
    choices = []
    for one in meanings.split(";"):
        concept, _, near = one.partition(" : ")
        ident = concept.strip()
        ident = "" if ident == "-" else ident
        if ident and ident not in found.concepts:
            raise VocabularyError(f"{name!r} may mean {ident!r}, which is no concept")
        choices.append(Meaning(ident, frozenset(root(word) for word in near.split())))
    found.ambiguous[key] = tuple(choices)
    found.longest[key[0]] = max(found.longest.get(key[0], 0), len(key))
