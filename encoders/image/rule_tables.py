"""The words and codes of the acquisition rules: literal tables, read from top to bottom, first match wins.

Patterns run over `words()` of a text: lower case, no accents, separators turned to spaces. English first; German,
French, Spanish, Italian, Dutch and Portuguese where the word is common on scanner consoles.
"""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

from encoders.image.acquisition import BodyRegion, Sequence, Vendor

_SEPARATORS = re.compile(r"[_\-/.,;:()\[\]{}^|#=<>\"'&\\]+")
_SPACES = re.compile(r"\s+")
_WITHOUT = re.compile(r"\bw\s?/\s?o\b|\bw o\b")
_AND_WITH = re.compile(
    r"w\s?/?\s?o\s*(?:and|&|\+|/|\s)\s*w\b|w\s?/\s?wo\b|w\s?\+\s?wo\b|wo\s?[&+/]\s?w\b|w\s?&\s?w\s?/?\s?o\b"
)


def words(text: str) -> str:
    """Lower case, without accents; separators become single spaces; 'w/o' becomes 'without'."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    plain = _AND_WITH.sub(" withandwithout ", plain)
    plain = _WITHOUT.sub(" without ", plain)
    return _SPACES.sub(" ", _SEPARATORS.sub(" ", plain)).strip()


Name = TypeVar("Name", bound=str)


def _table(*rows: tuple[Name, str]) -> tuple[tuple[Name, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern)) for name, pattern in rows)


# Names that say what the images are, whatever their weighting. Before BASIC_WORDS.
SPECIFIC_WORDS: tuple[tuple[Sequence, re.Pattern[str]], ...] = _table(
    (
        "localizer",
        r"locali[sz](?!ation\b|ed\b)|^locali[sz]ation$|\b(?:\d?pl(?:ane)? ?)?loc\b|\bt\d?_?loc\b|scout|survey|3 ?pl(?:ane)?\b|lokali|reperage|localizador"
        r"|\bue?bersicht|vorschau|\boversi[gk]t|\boverzicht|\b(?:tri ?)?pilot\b|\bcentr(?:age|atura)\b|\brepere\b|\bvista previa\b"
        r"|topogram|haste loc|\bplan scan|smart ?brain|aahead|scano",
    ),
    ("ADC", r"\bd?e?adc\b|\badc ?(?:map|\(|10)|apparent diff|diffusion coeff|_adc|dynadc|distadc|mixadc|[a-z]adc$"),
    (
        "DTI map",
        r"\b(?:col)?fa ?map\b|\bcolfa\b|\bfa$|^fa\b|fractional anis|\btensor|\bmd ?map\b|mean diffusivity|\btrace ?map",
    ),
    (
        "quantitative map",
        r"\bt1 ?rho|\b[tr][12]\*? ?(?:star )?map|\b[tr][12]s? ?map(?:ping|s)?\b|(?<!field )mapping|\bmolli\b|shmolli|mapit|pdff|"
        r"fat ?frac|\br2\*? ?star|\bmagic\b|synthetic|\bser\b|\bpe ?\d+\b|\bktrans\b|\bve\b|\biauc|\bmrf\b|"
        r"bloch ?siegert|\bb1 ?map|\bmulti ?flip|wash ?(?:in|out)\b|\bki?ep\b|mre?\b.*stiff|elasto|stiffness|"
        r"quantification|\bmese\b|t2 ?relax|\bdess\b.*map",
    ),
    ("field map", r"field ?map|fieldmap|gre ?field|\bb0 ?map|b0 (?:ns|field)|\bb0map|3db0|\bfmap\b|phase ?diff"),
    ("ASL", r"\b[2-4]?d?_?(?:e|p|pc|v|c|vs)?asl\b|[23]d ?p?c?asl\b|arterial spin|pcasl|\bpasl\b"),
    (
        "perfusion",
        r"perf(?:usion|us)?\b|\bpwi\b|\bdsc\b|\br?cb[vf]\b|\bmtt\b|\bttp\b|\btmax\b|\bsdyn|\bgbp\b|(?<!su)(?<!hy)perf(?!or|ect)",
    ),
    ("SWI", r"\bswi|swi\b|suscept|\be?swan\b|venbold|\bqsm\b|\bswip?\b|ven ?bold"),
    (
        "DWI",
        r"\bdwi|\bd ?w ?i\b|diff(?!erence)(?:usion|us|u)?|\bdti|\bdw\b|[a-z]dwi|\btrace|tracew|\bivim\b|\bdki\b|"
        r"\bhardi\b|\bb ?\d{2,4}(?: \d{2,4})*\b|\bbval|\bb ?=? ?\d{3,4}t?\b|\d+ ?b ?values|\bresolve\b|zoomit|\bdiff?\b|"
        r"ep2d ?diff|dwibs|\bb1000|\bdmri\b|\bdt ?(?:high|low)\b|\b\d+ ?dirs?\b|\d+ ?direction|\bbvalue|calc ?bval",
    ),
    (
        "BOLD",
        r"\bbold\b|f ?mri\b|\brest(?:ing)?\d?(?: ?state)?\b|\brsfmri|task |\bfunc\b|ep2d ?fid|mocoseries|\bmbold",
    ),
    (
        "phase contrast",
        r"phase ?contr|\bpc ?(?:flow|ssfp|cine)|\bvenc|q ?flow|\b4d ?flow|\bflow\b(?! ?(?:comp|void|sat))|flux|\bfl ?pc\b|cine pc\b|pca?\b.*venc",
    ),
    (
        "MRA",
        r"\bmr ?angio|\bmra\b|\bcemra|\btof\b|\d?d?tof\b|\bmrv\b|venogr|(?<!chol)angio(?!m)|\bfl3d ce\b|\bcare ?bolus|"
        r"trak\b|\btricks\b|\btwist ?angio|inhance|\bpca\b|[23]d ?pc\b|carotid.*3d ?fl|ifir",
    ),
    (
        "cine",
        r"\bcine|\bsax\b|short ?axis|\b[234] ?ch(?:amber)?\b|\blvot\b|\brvot\b|\bvla\b|\bhla\b|retro ?gat|\bsa stack",
    ),
    (
        "MT",
        r"\bmt[cr]?\b|\bmt ?(?:on|off)\b|\bmts\b|\bq?mt\b|magneti[sz]ation transfer|\bmt ?[01s]\b|\bmtoff|\bmton|\bihmt|\bqmt",
    ),
    ("STIR", r"\bstir|\btirm\b(?!.*dark)|\bt2 ?tirm\b(?!.*dark)|[a-z]stir\b|short tau"),
    (
        "DCE",
        r"\bdce|dynam|\bdyn\b|\d ?dyn|dyn ?\d|_dyn|multi ?phase|\bmph\b|\bultra?vist|\btwist\b|disco\b|"
        r"1st pass|first pass|\btram\b|arterial|portal|venous ph|equilib|\bart\b|\b\d+ ?(?:min|sec) ?(?:delay|post)|"
        r"\bdelayed?\b|hepatobil|subtract|\bsub\b|\bcycle\b|phases?\b.*(?:gd|post)",
    ),
)

# Plain weightings. `T1 FLAIR` is T1 (its inversion time nulls nothing but contrast), so it stands above FLAIR.
BASIC_WORDS: tuple[tuple[Sequence, re.Pattern[str]], ...] = _table(
    ("T1", r"t1 ?(?:w )?(?:ax |sag |cor |tra |fs |fast |se |tse |weighted |wi )*(?:flair|tirm|dark)|flair ?t1"),
    ("FLAIR", r"flair|dark ?fl|tirm.*dark|dark.*tirm|fluid atten|\bda ?fl\b|vista ?flair"),
    (
        "T2*",
        r"t2 ?\*|t2 ?star|t2s\b|\bt2 ?(?:w )?(?:ax |sag |cor |tra |trans |fs )?(?:gre|ffe|fl2d|fl3d|flash|me2d|medic|hemo)|"
        r"(?:gre|ffe|fl2d|flash|mpgr|fgre|hemo) ?t2|\bmedic\b|\bmerge\b|\bmpgr\b|\bhemo|\bgre\b.*\bt2|"
        r"\bt2.*\bgre\b|\bffe\b.*t2|\bm ?ffe\b|gradient ?echo t2",
    ),
    (
        "PD",
        r"^(?:(?!t2).)*(?<![a-z])(?:pd|dp|ip ?pd)(?:w|fs|tse|fse|ax|sag|cor|spair|spir)?(?![a-z])|proton ?den|pd ?tse|^pd|\bdensity\b",
    ),
    (
        "T2",
        r"(?<![0-9])(?<!ex)(?<!pos)t2(?![0-9])|\bhaste|\bss ?fse|\bssh|single ?shot|\bblade|propell|\bmrcp|frfse|\bfiesta ?c\b|\bciss\b|"
        r"\bt2\b|\bhydro|myelo(?!ma|fib|dys|prolif)|\bmr ?urog|cholang|\bss ?tse\b|\buro",
    ),
    (
        "T1",
        r"(?<![0-9])(?<!ex)(?<!pos)t1(?![0-9])|mp ?rage|\bmpr\b|\bspgr|\bbravo\b|\bvibe|\blava|thrive|\bflash|vibrant|\bfspgr|"
        r"\btfl|\b3?d? ?tfe\b|(?:in|out|opp|opposed)[ _]?(?:of )?ph(?:ase|s)?\b|\bdixon|\bideal\b|\bfame\b|\bir ?3?d?fgre|"
        r"in ?out|\bin opp|dual ?echo|\b3d ?fgre|efgre|\bquick ?3d|\bmp2rage|\bsmartprep|inphase|outphase|\bfl[23]d|\bip op\b|"
        r"\btigre\b|\br?spoil|\bfatsat post|\bstealth|\bfs3d|\b3d ?ffe|\be ?thrive|phase ?in|fase",
    ),
)

# Image Type values (PS3.3 C.7.6.1.1.2, C.8.13.3.1.1 and what vendors write).
IMAGE_TYPES: tuple[tuple[Sequence, frozenset[str]], ...] = (
    ("localizer", frozenset({"LOCALIZER"})),
    ("ADC", frozenset({"ADC", "ADC_UNSPECIFIED", "DIFFUSION_ADC", "EADC"})),
    ("DTI map", frozenset({"FA", "TENSOR", "TENSOR_B0", "DIFFUSION_ANISO", "COLFA", "TRACE_MAP"})),
    ("perfusion", frozenset({"CBF", "CBV", "MTT", "TTP", "PBP", "GBP", "RCBV", "RCBF", "TMAX", "RELCBV", "RELCBF", "RELMTT"})),
    ("ASL", frozenset({"ASL", "PERFUSION_ASL", "RELCBF_ASL"})),
    ("SWI", frozenset({"SWI", "MNIP"})),
    ("field map", frozenset({"B0 MAP", "B0", "FIELD_MAP", "FIELDMAP"})),
    ("quantitative map", frozenset({"T1 MAP", "T2 MAP", "T2_STAR MAP", "R2_STAR MAP", "T1_MAP", "T2_MAP", "R2_MAP", "PDFF"})),
    ("DWI", frozenset({"DIFFUSION", "TRACEW", "DIFFUSION_TRACE", "CALC_BVALUE"})),
    ("BOLD", frozenset({"FMRI"})),
)  # fmt: skip
DERIVED_TYPES = frozenset(
    {"ADC", "EADC", "FA", "MIP", "MNIP", "MPR", "MINIP", "PROJECTION IMAGE", "SUBTRACT", "SUBTRACTION", "SUB", "CSA MPR", "CSAPARALLEL",
     "T1 MAP", "T2 MAP", "T1_MAP", "T2_MAP", "CBF", "CBV", "MTT", "TTP", "TENSOR", "COLFA", "SCREEN SAVE", "REFORMATTED"}
)  # fmt: skip

# Acquisition Contrast of enhanced objects (PS3.3 C.8.13.3.1.1).
CONTRAST_KINDS: dict[str, Sequence] = {
    "T1": "T1",
    "T2": "T2",
    "T2_STAR": "T2*",
    "PROTON_DENSITY": "PD",
    "DIFFUSION": "DWI",
    "FLUID_ATTENUATED": "FLAIR",
    "STIR": "STIR",
    "TOF": "MRA",
    "FLOW_ENCODED": "phase contrast",
    "PERFUSION": "perfusion",
}

# Siemens and Philips pulse sequence names.
SEQUENCE_NAMES: tuple[tuple[Sequence, re.Pattern[str]], ...] = _table(
    ("DWI", r"^\*?(?:ep_b\d|re_b\d|ez_b\d|epse.*b\d|ep_dti|epi_dti|epi_dwi)"),
    ("BOLD", r"^\*?epfid"),
    ("SWI", r"^\*?swi"),
    ("FLAIR", r"^\*?spcir|^\*?spcfl"),
    ("field map", r"^\*?fm2d"),
    ("MRA", r"^\*?fi[23]d|^\*?fl3d1r?_t?.*tof"),
    ("T2", r"^\*?h2d|^\*?spcr"),
    ("T1", r"^\*?tfl3d"),
)

# Regions by words of series, protocol and study descriptions; narrow ones above the wide ones that contain them.
REGION_WORDS: tuple[tuple[BodyRegion, re.Pattern[str]], ...] = _table(
        ("phantom", r"phantom|\bqa\b|\bqc\b|(?<!hemi)sphere|weisskoff|\bacr\b"),
        ("fetal", r"\bfo?et(?:al|us)|\bfeto"),
        ("whole body", r"whole ?body|\bwb\b|ganzkorper|corps entier|skull ?base to|\bwbmri"),
        ("cervical spine", r"\bc ?spine|cervical ?(?:spine|cord)?\b(?!.*canc)|\bc ?sp\b|\bhws\b|cervi?cale?\b|columna cerv|\bcsp\b|kraeg"),
        ("lumbar spine", r"\bl ?s? ?spine|lumb|\bl ?sp\b|\blws\b|lombaire|lumbosac|\blsp\b|\bsacr(?!.*prost)|\bsi joint"),
        ("thoracic spine", r"\bt ?spine|thoracic spine|dorsal spine|\bbws\b|rachis dors|\btsp\b|\bt ?sp\b"),
        ("spine", r"\bspin(?:e(?! ?echo|cho)|al)|\btl ?spine|wirbels|rachis|columna|colonna|\bcord\b|\bsct\b|vertebr|neuraxis|myelo(?!ma|fib|dys|prolif)"),
        ("prostate", r"prost(?!he)|\bmcap|\bpcmaps|\bpirads"),
        ("breast", r"breas|mamma|\bbrust|\bmamo|\bseno(?!s? (?:para|max|front|ven|dur|cav))|mammo|vibrant|ispy|acrin 6698|borst"),
        ("heart", r"\bheart|cardi|\bherz|coeur|corazon|cuore|\bsax\b|short ?axis|\blvot|\bsunnybrook|ventric(?!ul)|\bmyoc|\b[24] ?ch\b"),
        ("shoulder", r"should|schulter|epaule|hombro|spalla|rotator"),
        ("elbow", r"\belbow|ellenbog|\bcoude|\bcodo\b|gomito"),
        ("wrist", r"\bwrist|handgelenk|poignet|muneca|\bpolso"),
        ("hand", r"\bhand\b|finger|thumb|\bmano\b|\bmain\b"),
        ("knee", r"\bknee|\bknie|\bgenou|rodilla|ginocchio|menisc|patell|\bt2map mese|mskt"),
        ("ankle", r"\bankle|sprunggel|cheville|tobillo|caviglia|achill"),
        ("foot", r"\bfoot\b|\bfuss\b|\bpied|\bpie\b|\bpiede|forefoot|hindfoot|\btoes?\b"),
        ("thigh", r"\bthigh|\bfemur|oberschenkel|cuisse|muslo|\bcoscia|hamstring"),
        ("hip", r"\bhips?\b|hufte|huft|\bhanche|cadera|\banca\b|acetab"),
        ("extremity", r"extrem|\blegs?\b|\barm\b|\bcalf|lower ?limb|upper ?limb|tibia|fibula|forearm|humerus|\bsts\b|bein\b|sarcoma|\blow ext"),
        ("abdomen", r"\babd|liver|\bleber|\bfoie|higado|fegato|kidney|renal|\bniere|rein\b|pancrea|\bmrcp|biliar|cholang|spleen|adren|bauch|enterog|hepat|\bbowel|entero|\bkid\b"),
        ("pelvis", r"\bpelv|becken|bassin|rectum|rectal|rektum|\banal\b|\buter|ovar|cervix|bladder|blase|endomet|gyn|\bvagin|bacino|\bucec|scrot|\bblad"),
        ("head and neck", r"\bneck|\bhals\b|\bcou\b|cuello|\bcollo\b|\bhn\b|head ?(?:and|&)? ?neck|orbit|\biac|larynx|pharynx|tongue|parotid|\bface|facial|sinus|thyroid|\btmj|\boral|\bnaso|soft tissue neck|maxillo"),
        ("brain", r"\bbrai|\bhead\b|cereb|\bgehirn|\bschadel|\bkopf|cerveau|crane|craneo|cranio|encefal|encephal|pituit|hypoph|\bneuro|\bskull|hippoc|\bdti\b.*30|stealth|glioma|\bgbm\b|hersen|\bstroke|\bepilep|\bms protocol|tumou?r\b.*brain|\bcns\b|\biam\b|brats|\bbrain ?lab"),
        ("chest", r"\bchest|thora[xk]|\blung|mediast|brustkorb|poumon|torax|\bribs?\b|sternum|brachial plex|axilla"),
)  # fmt: skip

# Weak hints for brain: sequence families that are hardly used elsewhere. Only when nothing else speaks.
BRAIN_HINTS = re.compile(r"mp ?rage|\bflair|\bmp2rage|\bfmri|\bbold\b|\basl\b|pcasl|\bpasl|\bclearswi|\bswi\b")

# Body Part Examined (PS3.16 annex L, and what scanners write), letters only.
BODY_PARTS: dict[str, BodyRegion] = {
    "BRAIN": "brain", "HEAD": "brain", "SKULL": "brain", "CEREBRUM": "brain", "PITUITARY": "brain", "SELLA": "brain",
    "NECK": "head and neck", "HEADNECK": "head and neck", "HEADANDNECK": "head and neck", "IAC": "head and neck",
    "EAR": "head and neck", "ORBIT": "head and neck", "FACE": "head and neck", "SINUS": "head and neck",
    "CSPINE": "cervical spine", "CERVICALSPINE": "cervical spine", "TSPINE": "thoracic spine",
    "THORACICSPINE": "thoracic spine", "LSPINE": "lumbar spine", "LSSPINE": "lumbar spine",
    "LUMBARSPINE": "lumbar spine", "LUMBOSACRALSPINE": "lumbar spine", "SACRUM": "lumbar spine", "SPINE": "spine",
    "TLSPINE": "spine", "WHOLESPINE": "spine", "CHEST": "chest", "THORAX": "chest", "LUNG": "chest",
    "BREAST": "breast", "MAMMA": "breast", "HEART": "heart", "CARDIAC": "heart", "ABDOMEN": "abdomen",
    "LIVER": "abdomen", "KIDNEY": "abdomen", "PANCREAS": "abdomen", "ABDOMENPELVIS": "abdomen", "BILIARY": "abdomen",
    "SPLEEN": "abdomen", "ADRENAL": "abdomen", "PELVIS": "pelvis", "BLADDER": "pelvis", "UTERUS": "pelvis",
    "CERVIX": "pelvis", "OVARY": "pelvis", "RECTUM": "pelvis", "PROSTATE": "prostate", "SHOULDER": "shoulder",
    "ELBOW": "elbow", "WRIST": "wrist", "HAND": "hand", "HIP": "hip", "THIGH": "thigh", "FEMUR": "thigh",
    "UPPERLEG": "thigh", "KNEE": "knee", "ANKLE": "ankle", "FOOT": "foot", "LEG": "extremity",
    "LOWERLEG": "extremity", "EXTREMITY": "extremity", "LOWERLIMB": "extremity", "UPPERLIMB": "extremity",
    "ARM": "extremity", "FOREARM": "extremity", "HUMERUS": "extremity", "FETUS": "fetal", "FETAL": "fetal",
    "WHOLEBODY": "whole body", "PHANTOM": "phantom",
}  # fmt: skip

# What a wide name may stand for.
PARTS_OF: dict[BodyRegion, frozenset[BodyRegion]] = {
    "spine": frozenset({"cervical spine", "thoracic spine", "lumbar spine"}),
    "pelvis": frozenset({"prostate", "hip"}),
    "chest": frozenset({"heart", "breast", "thoracic spine"}),
    "extremity": frozenset({"shoulder", "elbow", "wrist", "hand", "hip", "thigh", "knee", "ankle", "foot"}),
    "head and neck": frozenset({"brain", "cervical spine"}),
    "abdomen": frozenset({"lumbar spine"}),
}

VENDORS: tuple[tuple[Vendor, re.Pattern[str]], ...] = _table(
    ("Siemens", r"siemens"),
    ("GE", r"^ge\b|ge med|ge health|general elec|^gems"),
    ("Philips", r"philips|^marconi|^picker"),
    ("Canon", r"canon"),
    ("Toshiba", r"toshiba"),
    ("Hitachi", r"hitachi|fujifilm"),
    ("UIH", r"^uih|united imag"),
    ("Hyperfine", r"hyperfine"),
    ("Bruker", r"bruker"),
)
