"""Does a sentence mention a term, under any of its names? Used to apply conditions such as "no haemorrhage".

`FAMILIES` is a small hand-made table, not an ontology. The names were gathered from RadLex (RSNA), the ASNR/ASSR/ACR lumbar
disc nomenclature 2.0 (Fardon et al. 2014), STRIVE-2 for small vessel disease (Duering et al. 2023), and the ACR's PI-RADS,
BI-RADS and LI-RADS lexicons; grouping is by what a searcher who says "no X" means, so infarct and stroke are one family.
The first name of a family is its label. Spelling is neutral (ae/e, oe/e, our/or, re/er, s/z).
"""
# ruff: noqa: E501 - one family, one line

from __future__ import annotations

import re
from functools import lru_cache

FAMILIES: tuple[str, ...] = (
    # vascular
    "hemorrhage | hemorrhagic | hemorrhages | bleed | bleeding | blood products | hematoma | microhemorrhage | microbleed | blood clot | ich | blutung | hemosiderin",
    "subarachnoid hemorrhage | sah",
    "subdural hematoma | subdural hemorrhage | sdh",
    "infarct | infarction | infarcted | ischemia | ischemic | stroke | cva | lacune | lacunar | infarkt",
    "aneurysm | aneurysmal",
    "arteriovenous malformation | avm",
    "cavernoma | cavernous malformation | cavernous angioma | cavernous hemangioma",
    "developmental venous anomaly | dva | venous angioma",
    "venous sinus thrombosis | cvst | cvt | sinus thrombosis",
    "thrombosis | thrombus | thrombosed | thrombotic",
    "occlusion | occluded",
    "stenosis | stenotic | stenoses | narrowing",
    "dissection | dissected",
    "vasculitis | angiitis",
    # signal, diffusion, contrast
    "enhancement | enhancing | enhances | enhanced | contrast uptake | gadolinium uptake | kontrastmittelaufnahme",
    "restricted diffusion | diffusion restriction | reduced diffusion | diffusion restricted | diffusionsrestriktion",
    "white matter hyperintensity | wmh | white matter hyperintensities | white matter lesion | small vessel disease | small vessel ischemic disease | small vessel ischemic change | small vessel ischemia | leukoaraiosis | microangiopathy | microangiopathic change",
    "hyperintense | hyperintensity | hyperintensities | high signal | bright signal | signal hyperintensity",
    "hypointense | hypointensity | low signal | dark signal",
    "susceptibility | blooming",
    "calcification | calcified | calcific",
    # space and pressure
    "edema | edematous | oedema | odem",
    "mass effect | effacement",
    "midline shift | shift of the midline | shift of midline | subfalcine herniation",
    "hydrocephalus | ventriculomegaly | hydrocephalic | ventricular dilatation",
    "brain herniation | uncal herniation | tonsillar herniation | transtentorial herniation",
    "atrophy | atrophic | volume loss",
    # tumour
    "tumor | neoplasm | neoplastic | tumoral | mass | mass lesion | malignancy | space occupying lesion | raumforderung | cancer | carcinoma",
    "metastasis | metastases | metastatic | mets | secondaries",
    "glioma | gliomas | gliomatous",
    "glioblastoma | gbm | glioblastoma multiforme",
    "meningioma | meningiomas | meningiom",
    "vestibular schwannoma | acoustic neuroma | acoustic schwannoma",
    "pituitary adenoma | pituitary neuroendocrine tumor | pitnet | macroadenoma | microadenoma",
    "lymphoma | pcnsl | lymphomatous",
    "hemangioma | hemangiomas",
    "leptomeningeal disease | leptomeningeal carcinomatosis | leptomeningeal metastases | leptomeningeal spread",
    "recurrence | recurrent | relapse | residual tumor",
    "lymphadenopathy | enlarged lymph node | adenopathy",
    "cyst | cystic | cysts",
    "nodule | nodular | nodularity",
    # inflammation and infection
    "multiple sclerosis | ms | encephalomyelitis disseminata",
    "demyelination | demyelinating | demyelinated",
    "abscess | abscesses",
    "infection | infected | infective",
    "encephalitis | encephalitic",
    "meningitis | meningeal inflammation",
    "osteomyelitis | spondylodiscitis | discitis | diskitis",
    "inflammation | inflammatory | inflamed",
    "synovitis | synovial thickening",
    # epilepsy, congenital
    "hippocampal sclerosis | mesial temporal sclerosis | mts",
    "focal cortical dysplasia | fcd | cortical dysplasia",
    "heterotopia | heterotopic gray matter",
    "chiari malformation | chiari | tonsillar ectopia | arnold chiari",
    "gliosis | gliotic",
    # spine
    "syrinx | syringomyelia | syringohydromyelia | hydromyelia",
    "cord compression | spinal cord compression | compressed cord | myelon compression",
    "nerve root compression | nerve root impingement | root compression",
    "spinal stenosis | canal stenosis | spinal canal stenosis | central canal stenosis",
    "foraminal stenosis | foraminal narrowing",
    "disc herniation | disk herniation | herniated disc | herniated disk | disc protrusion | disc extrusion | disk protrusion | disk extrusion | prolapsed disc | disc prolapse | herniated nucleus pulposus | slipped disc",
    "disc bulge | bulging disc | disk bulge | bulging disk",
    "spondylolisthesis | anterolisthesis | retrolisthesis",
    "myelopathy | myelomalacia | cord signal abnormality | cord signal change",
    "fracture | fractured | broken",
    # joints
    "tear | torn | rupture | ruptured",
    "anterior cruciate ligament | acl",
    "posterior cruciate ligament | pcl",
    "medial collateral ligament | mcl",
    "meniscal tear | torn meniscus | tear of the meniscus | meniscus tear",
    "rotator cuff tear | supraspinatus tear",
    "bone marrow edema | marrow edema | bone bruise | bone contusion",
    "osteonecrosis | avascular necrosis | avn",
    "osteoarthritis | osteoarthrosis | degenerative joint disease | oa",
    "effusion | joint fluid",
    "chondromalacia | cartilage loss | chondral defect | cartilage defect",
    "tendinopathy | tendinosis | tendinitis | tendonitis",
    # body
    "ascites | free fluid",
    "pleural effusion | pleural fluid",
    "fatty liver | hepatic steatosis | steatosis",
    "cirrhosis | cirrhotic",
    "hepatocellular carcinoma | hcc",
    "bile duct dilatation | biliary dilatation | dilated bile duct",
    "gallstone | cholelithiasis | cholecystolithiasis",
    "pancreatitis | pancreatic inflammation",
    "hydronephrosis | pelvicalyceal dilatation",
    "extraprostatic extension | extracapsular extension | epe",
    "fibroid | leiomyoma | myoma",
    "endometriosis | endometrioma | endometriotic",
    "late gadolinium enhancement | lge | delayed enhancement",
    "cardiomyopathy | cardiomyopathic",
    "fistula | fistulous",
    # anatomy and technique abbreviations that a term may contain
    "middle cerebral artery | mca",
    "anterior cerebral artery | aca",
    "posterior cerebral artery | pca",
    "internal carotid artery | ica",
    "internal auditory canal | iac | internal auditory meatus | iam",
    "cerebellopontine angle | cpa",
    "corpus callosum | callosal",
    "flair | fluid attenuated inversion recovery",
    "dwi | diffusion weighted imaging | diffusion weighted",
    "swi | susceptibility weighted imaging | susceptibility weighted",
    "motion artifact | movement artifact | motion degraded | artifact",
    # words that must not be taken for another family's
    "stroke volume",
    "blood flow",
    "white matter",
    "gray matter",
    "contrast enhanced",
    "gadolinium enhanced",
)

_SPELLING = (
    (re.compile(r"ae|æ|ä"), "e"),
    (re.compile(r"oe|œ|ö"), "e"),
    (re.compile(r"ü"), "u"),
    (re.compile(r"ß"), "ss"),
    (re.compile(r"(?<=[a-z]{2})(?<!cont)our(?=(?:s|ed|ing|al|able)?\b)"), "or"),
    (re.compile(r"(?<=[a-z])([tb])re(s?)\b"), r"\1er\2"),
    (re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|es|ing|ation|ations)\b)"), "iz"),
    (re.compile(r"grey"), "gray"),
    (re.compile(r"artefact"), "artifact"),
    (re.compile(r"disk"), "disc"),
)
_WORD = re.compile(r"[^\W_]+")
_PREFIX = re.compile(r"\b(non|un)-(?=[a-z])")
_ENDINGS = (
    "ations",
    "ation",
    "ments",
    "ment",
    "ings",
    "ing",
    "ies",
    "ied",
    "ions",
    "ion",
    "es",
    "ed",
    "ic",
    "al",
    "s",
    "y",
    "e",
)


def mentions(term: str, sentence: str) -> bool:
    """True where every part of `term` is named in `sentence`, in any order, whatever its form or synonym.

    It says nothing about whether the sentence asserts or denies; "non-enhancing" does not mention enhancement.
    A term without a word is mentioned nowhere.
    """
    parts = concepts(term)
    if not parts:
        return False
    if parts <= concepts(sentence):
        return True
    words = _plain(term)  # "cord compression" against "compression of the cord", where no name stands in one piece
    return len(words) > 1 and words <= _plain(sentence)


@lru_cache(maxsize=4096)
def concepts(text: str) -> frozenset[str]:
    """Families and word stems of a text, by longest match: "mass effect" is not a "mass"."""
    stems = [_stem(word) for word in _words(text)]
    found: set[str] = set()
    at = 0
    while at < len(stems):
        for length in range(min(_LONGEST, len(stems) - at), 0, -1):
            family = _FAMILY_OF.get(tuple(stems[at : at + length]))
            if family is not None:
                found.add(family)
                at += length
                break
        else:
            if stems[at] not in _SMALL:
                found.add(stems[at])
            at += 1
    return frozenset(found | {wider for family in found for wider in _WIDER.get(family, ())})


_NO_FINDINGS = frozenset(
    [
        "=middle cerebral artery",
        "=anterior cerebral artery",
        "=posterior cerebral artery",
        "=internal carotid artery",
        "=internal auditory canal",
        "=cerebellopontine angle",
        "=corpus callosum",
        "=flair",
        "=dwi",
        "=swi",
        "=stroke volume",
        "=blood flow",
        "=white matter",
        "=gray matter",
        "=contrast enhanced",
        "=gadolinium enhanced",
    ]
)


@lru_cache(maxsize=4096)
def findings(text: str) -> frozenset[str]:
    """The findings that a text names, without those that they are kinds of."""
    named = {one for one in concepts(text) if one.startswith("=")} - _NO_FINDINGS
    return frozenset(named - {wider for one in named for wider in _WIDER.get(one, ())})


@lru_cache(maxsize=4096)
def _plain(text: str) -> frozenset[str]:
    return frozenset(stem for stem in map(_stem, _words(text)) if stem not in _SMALL)


def _words(text: str) -> list[str]:
    heard = _PREFIX.sub(r"\1", text.lower())
    for pattern, american in _SPELLING:
        heard = pattern.sub(american, heard)
    return _WORD.findall(heard)


def plain_words(text: str) -> list[tuple[str, str]]:
    """(word as typed in lower case, word in neutral spelling) of a text."""
    return [(word, "".join(_words(word)) or word) for word in _WORD.findall(text.lower())]


def located(text: str) -> list[tuple[str, int, int]]:
    """(stem in neutral spelling, start, stop) of every word of a text."""
    return [
        (_stem("".join(_words(match.group())) or match.group().lower()), *match.span())
        for match in _WORD.finditer(text)
    ]


def stem(word: str) -> str:
    """A word in neutral spelling without its ending."""
    return _stem(word)


def _stem(word: str) -> str:
    if len(word) <= 4:
        return word[:-1] if len(word) == 4 and word.endswith("s") and not word.endswith("ss") else word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


_FUNCTION_WORDS = "a an the of in on at to with and or for by is are any no not"
_SMALL = frozenset(_FUNCTION_WORDS.split())

_FAMILY_OF: dict[tuple[str, ...], str] = {}
for _family in FAMILIES:
    _names = [name.strip() for name in _family.split("|")]
    for _name in _names:
        _FAMILY_OF.setdefault(tuple(_stem(word) for word in _words(_name)), "=" + _names[0])
_LONGEST = max(len(stems) for stems in _FAMILY_OF)

# A narrower finding mentions the wider one: a study with a glioblastoma is not one with "no tumour".
_WIDER: dict[str, tuple[str, ...]] = {
    "=subarachnoid hemorrhage": ("=hemorrhage",),
    "=subdural hematoma": ("=hemorrhage",),
    "=venous sinus thrombosis": ("=thrombosis",),
    "=glioma": ("=tumor",),
    "=glioblastoma": ("=glioma", "=tumor"),
    "=meningioma": ("=tumor",),
    "=metastasis": ("=tumor",),
    "=lymphoma": ("=tumor",),
    "=vestibular schwannoma": ("=tumor",),
    "=pituitary adenoma": ("=tumor",),
    "=hepatocellular carcinoma": ("=tumor",),
    "=leptomeningeal disease": ("=tumor", "=metastasis"),
    "=multiple sclerosis": ("=demyelination",),
    "=bone marrow edema": ("=edema",),
    "=spinal stenosis": ("=stenosis",),
    "=foraminal stenosis": ("=stenosis",),
    "=pleural effusion": ("=effusion",),
    "=meniscal tear": ("=tear",),
    "=rotator cuff tear": ("=tear",),
    "=late gadolinium enhancement": ("=enhancement",),
}
