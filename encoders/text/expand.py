"""What the words of a query may be called in a report, for full text: abbreviations, synonyms, spellings, languages.

Full text knows English stems and nothing else, so "oedema" does not find "edema", nor "MCA" the artery. Findings come
from the families of `encoders.text.terms`; the names of sequences and body regions below were gathered from RadLex
(RSNA), the DICOM standard (CID 4 anatomic regions, PS3.3 C.8.3 MR image), the ACR's MR terms and, for German, the DGR's
report templates: names alone, the grouping is ours. British and American spellings follow from roots.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice, product

from encoders.text import terms

Group = tuple[str, ...]

NAMES: tuple[str, ...] = (
    # sequences
    "flair | fluid attenuated inversion recovery | dark fluid | tirm dark fluid",
    "dwi | diffusion weighted imaging | diffusion weighted | diffusion | diffusionsgewichtung",
    "adc | apparent diffusion coefficient",
    "swi | susceptibility weighted imaging | susceptibility weighted | suszeptibilitatsgewichtung",
    "t1 | t1w | t1 weighted | t1 gewichtet", "t2 | t2w | t2 weighted | t2 gewichtet",
    "t2 star | t2 stern | gradient echo | gre",
    "pd | proton density | pdw | protonengewichtet", "stir | short tau inversion recovery | short inversion time",
    "mra | mr angiography | magnetic resonance angiography | angiographie", "tof | time of flight",
    "mprage | magnetization prepared rapid gradient echo", "mrcp | mr cholangiopancreatography",
    "dce | dynamic contrast enhanced", "asl | arterial spin labelling | arterial spin labeling",
    "bold | functional mri | fmri", "dti | diffusion tensor imaging | diffusion tensor",
    "post contrast | postcontrast | contrast enhanced | after contrast | after gadolinium | post gadolinium | gd | km",
    # regions
    "brain | cerebral | cerebrum | intracranial | gehirn | hirn | schadel",
    "cervical spine | c spine | cspine | neck spine | halswirbelsaule | hws",
    "thoracic spine | t spine | dorsal spine | brustwirbelsaule | bws",
    "lumbar spine | l spine | lumbosacral spine | lendenwirbelsaule | lws",
    "spine | spinal | vertebral column | wirbelsaule", "knee | knie | kniegelenk", "shoulder | schulter",
    "hip | hufte | huftgelenk", "ankle | sprunggelenk", "wrist | handgelenk", "elbow | ellenbogen",
    "abdomen | abdominal | oberbauch", "liver | hepatic | leber", "kidney | renal | niere",
    "pancreas | pancreatic | pankreas", "prostate | prostatic | prostata", "pelvis | pelvic | becken",
    "heart | cardiac | cor | herz", "breast | mamma | mammary | brust",
    "uterus | uterine", "bladder | vesical | harnblase",
    "temporal lobe | temporallappen | temporal", "frontal lobe | frontallappen | frontal",
    "parietal lobe | parietallappen | parietal", "occipital lobe | okzipitallappen | occipital",
    "cerebellum | cerebellar | kleinhirn", "brainstem | brain stem | hirnstamm", "thalamus | thalamic",
    "basal ganglia | lentiform | putamen | basalganglien", "left | links", "right | rechts",
    "bilateral | both sides | beidseits",
)  # fmt: skip
"""First the name that a group goes by. A name of several words is a phrase."""

_SPELLINGS = (
    ("hemorrh", "haemorrh"), ("hemat", "haemat"), ("hemosid", "haemosid"), ("hemangi", "haemangi"),
    ("hemodynam", "haemodynam"), ("hemophil", "haemophil"), ("edema", "oedema"), ("tumor", "tumour"),
    ("ischem", "ischaem"), ("anem", "anaem"), ("gray", "grey"), ("center", "centre"), ("fiber", "fibre"),
    ("caliber", "calibre"), ("color", "colour"), ("esophag", "oesophag"), ("celiac", "coeliac"), ("cecum", "caecum"),
    ("cecal", "caecal"), ("fetal", "foetal"), ("fetus", "foetus"), ("pediatric", "paediatric"),
    ("orthopedic", "orthopaedic"), ("gynec", "gynaec"), ("anesthe", "anaesthe"), ("leukoence", "leucoence"),
    ("leukoar", "leucoar"), ("artifact", "artefact"), ("disk", "disc"), ("sulfur", "sulphur"),
    ("labeling", "labelling"), ("localiz", "localis"), ("ization", "isation"),
    ("mobiliz", "mobilis"), ("visualiz", "visualis"), ("necrotiz", "necrotis"), ("dilation", "dilatation"),
)  # fmt: skip
"""American and British roots."""
_SMALL = frozenset(
    ("a", "an", "the", "of", "in", "on", "at", "to", "with", "and", "or", "for", "by", "is", "are", "any", "from",
     "this", "that", "its", "it", "as", "be", "mri", "mr", "scan")
)  # fmt: skip


@lru_cache(maxsize=512)
def expand(text: str) -> tuple[Group, ...]:
    """For each thing that a text names, longest first match, everything that it may be called; its own words first.

    Function words, and words that every MR report holds, are left out unless there is nothing else.
    """
    typed = terms.plain_words(text)
    stems = [terms.stem(word) for _, word in typed]
    groups: list[Group] = []
    at = 0
    while at < len(stems):
        for length in range(min(_LONGEST, len(stems) - at), 0, -1):
            names = _named(tuple(stems[at : at + length]))
            if names is not None:
                own = " ".join(word for word, _ in typed[at : at + length])
                groups.append(_spelled((own, *names)))
                at += length
                break
        else:
            word = typed[at][0]
            if word not in _SMALL:
                groups.append(_spelled((word,)))
            at += 1
    return tuple(dict.fromkeys(groups)) or tuple((word,) for word, _ in typed)


def _named(stems: tuple[str, ...]) -> Group | None:
    return _NAMES_OF.get(stems)


def _spelled(names: Group) -> Group:
    """Every name in both spellings, each once."""
    found: dict[str, None] = dict.fromkeys(names)
    for name in names:
        for american, british in _SPELLINGS:
            if british in name:
                found[name.replace(british, american)] = None
            elif american in name:
                found[name.replace(american, british)] = None
    return tuple(found)


_NAMES_OF: dict[tuple[str, ...], Group] = {}
for _row in (*NAMES, *terms.FAMILIES):
    _names = tuple(name.strip() for name in _row.split("|"))
    for _name in _names:
        _key = tuple(terms.stem(word) for _, word in terms.plain_words(_name))
        _NAMES_OF[_key] = tuple(dict.fromkeys((*_NAMES_OF.get(_key, ()), *_names)))
_LONGEST = max(len(key) for key in _NAMES_OF)


_MOST_NAMES = 60


@lru_cache(maxsize=512)
def names_of(text: str) -> tuple[str, ...]:
    """Everything that one finding may be called, its own words first: "stroke", "infarct", "infarction", ...

    Of a finding of several parts ("temporal lobe oedema") every part varies; at most 60 names.
    """
    own = " ".join(text.split())
    varied = (" ".join(parts) for parts in product(*expand(text)))
    return tuple(dict.fromkeys((own, *islice(varied, _MOST_NAMES - 1))))
