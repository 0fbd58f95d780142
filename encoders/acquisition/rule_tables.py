"""The words and codes of the acquisition rules: literal tables, read from top to bottom, first match wins.

Patterns run over `words()` of a text: lower case, no accents, whole words between single spaces. A row matches whole
words only: `whole` anchors every alternative at both ends, so that no rule can look inside of a word. `~` ends a stem
(`suscept|susceptibili~|suscepti?bil?`): letters may follow it, so a stem is long enough that only its own inflections begin with it.
English first; German, French, Spanish, Italian, Dutch and Portuguese where the word is common on scanner consoles.
"""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

import re
from typing import TypeVar

from spinecho.encoders.acquisition.facts import BodyRegion, Sequence, Vendor

Name = TypeVar("Name", bound=str)
LETTERS = r"[^\W\d_]*"


def whole(pattern: str) -> re.Pattern[str]:
    """The pattern, matching whole words only; `~` stands for the letters that may follow a stem."""
    return re.compile(rf"(?<!\w)(?:{pattern.replace('~', LETTERS)})(?!\w)")


def _table(*rows: tuple[Name, str]) -> tuple[tuple[Name, re.Pattern[str]], ...]:
    return tuple((name, whole(pattern)) for name, pattern in rows)


def _codes(*rows: tuple[Name, str]) -> tuple[tuple[Name, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern)) for name, pattern in rows)


# Names that say what the images are, whatever their weighting. Before BASIC_WORDS.
SPECIFIC_WORDS: tuple[tuple[Sequence, re.Pattern[str]], ...] = _table(
    (
        "localizer",
        r"locali[sz](?:er|ers|e|ing|eur|ateur|ateurs|ador|adores|atore)|localizzator[ei]|^locali[sz]ation$|(?:\d ?pl(?:ane)? ?)?loc|t\d? ?loc|(?:aah ?)?scouts?|surveys?|3 ?pl(?:ane)?s?|^3 ?p$"
        r"|lokali[sz](?:er|ers|ator|atoren|ation)|reperage|topogram~|haste loc|plan scan|smart ?brain|aahead ?~|scano~"
        r"|ue?bersicht~|vorschau~|oversi[gk]t~|overzicht~|(?:tri ?)?pilot|centr(?:age|atura)|repere|vista previa",
    ),
    (
        "ADC",
        r"(?:[ed]|de|dyn|dist|mix|avg?|mean|fa?[ac]?|i|r)?adcs?|adc ?(?:map|10)~|apparent diff(?:usion|usio|us)?|diffusion coeff~",
    ),
    (
        "DTI map",
        r"(?:col ?)?fa ?maps?|col ?fa|fa$|^fa|fractional anis~|tensors?|md ?maps?|mean diffusivity|trace ?maps?",
    ),
    (
        "quantitative map",
        r"t1 ?rho~|[tr][12]\*? ?(?:star )?maps?|[tr][12]s? ?map(?:ping|s)?|(?<!field )mapping|(?:sh)?molli|map ?it|pdff|"
        r"fat ?frac~|r2\*? ?star|r2\*|magic|(?<!dw )(?<!dwi )synthetic(?! (?:b ?\d|dwi|adc))|ser|pe ?\d+|ktrans|ve|iauc|mrf|"
        r"bloch ?siegert|b1 ?maps?|multi ?flip|wash ?(?:in|out)|ki?ep|mre?\b.*stiff~|elasto|elastogra~|stiffness|"
        r"quantification|qsm|chi ?maps?|mese|t2 ?relax~|dess\b.*map",
    ),
    ("field map", r"field ?map(?:s|ping)?|gre ?field~|b0 ?maps?|b0 (?:ns|field)|3d ?b0~|fmap|phase ?diff~"),
    ("ASL", r"[2-4]?d? ?(?:e|p|pc|v|c|vs)?asl|arterial spin~"),
    (
        "perfusion",
        r"perf(?:usion|usie|us)?|pwi|dsc|r?cb[vf]|mtt|ttp|tmax|sdyn|gbp",
    ),
    ("SWI", r"(?:clear ?|e|f)?swip?|suscept|susceptibili~|suscepti?bil?|e?swan|ven ?bold"),
    (
        "DWI",
        r"[a-z]?dwi(?:bs|p)?|d w ?i|dw i|(?:adv|ss|ep2d|hr|re|ms|rs|b)? ?diff(?:usion|usie|usio|us|u)?s?|dif|[a-z]?dti|dw|trace|trace ?w|ivim|dki|"
        r"hardi|b ?(?:50|\d{1,3}0)(?: (?:50|\d{1,3}0))*|b ?=? ?\d{1,3}[05]0t?|\d* ?b ?values?|bvals?|resolve|zoomit|"
        r"diffusions(?:wicht|gewicht)~|dmri|dt ?(?:high|low)|\d+ ?dirs?|\d+ ?directions?|(?:dyndist|mix|spoelen|fs|std|[a-z])?calc ?bvals?",
    ),
    (
        "BOLD",
        r"m?bold|(?:rs ?)?f ?mri|rest(?:ing)? ?\d?(?: ?state)?|task|func|ep2d ?fid~|mo ?co ?series",
    ),
    (
        "phase contrast",
        r"phase ?contr~|pc ?(?:flow|ssfp|cine)|venc ?\d*|q ?flow|4d ?flow|flow(?! ?(?:comp|void|sat))|flux|fl ?pc|cine pc|pca?\b.*venc",
    ),
    (
        "MRA",
        r"mr ?angio|mr ?angiogra~|(?:ce)?mra|(?:\d? ?d? ?)?tof|mrv|venogr~|(?:arterio|phlebo)?angio|(?:arterio|phlebo)?angio(?:gra|gru|resonan)~|fl3d ce|care ?bolus|"
        r"(?:bolus ?)?trak|tricks|twist ?angio(?:gra~)?|inhance~|pca|[23]d ?pc|carotid.*3d ?fl|ifir",
    ),
    (
        "cine",
        r"cine(?:s|mr|fiesta|flash)?|sax|short ?axis|[234] ?ch(?:amber)?|lvot|rvot|vla|hla|retro ?gat~|sa stack",
    ),
    (
        "MT",
        r"mt[cr]?|mt ?(?:on|off)|mts|q?mt|magneti[sz]ation transfer|mt ?[01s]|(?:ih|q)mt",
    ),
    ("STIR", r"(?:[sfte]|fast?)?stir(?:to)?|tirm\b(?!.*dark)|short tau"),
    (
        "DCE",
        r"[a-z]?dce|dynam(?:ic|ics|ik|isch|ische|ique|iques|ico|ica|iczna|isk)|dynam|s{0,2}dyna?(?: ?\d+s?)?|\d+ ?dyn|dyna ?views?|multi ?phase|mph|ph ?\d{1,2}|\d{1,2} ?ph|infusion|ultra?vist|twist|disco|"
        r"1st pass|first pass|tram|arterial|portal|venous ph~|equilib|equilibrium|art|\d+ ?(?:min|sec|minutes?|seconds?) ?(?:delay|post|gad|gd|km|cm)~|"
        r"delayed|hepatobil~|s?subtract(?:ion|ions|ed|s)?|sub|cycle|phases?\b.*(?:gd|post)",
    ),
)

# Plain weightings. `T1 FLAIR` is T1 (its inversion time nulls nothing but contrast), so it stands above FLAIR.
BASIC_WORDS: tuple[tuple[Sequence, re.Pattern[str]], ...] = _table(
    ("T1", r"t1w?i? ?(?:w |ax |sag |cor |tra |fs |fast |se |tse |weighted |wi )*(?:flair|tirm|dark)|flair ?t1"),
    ("FLAIR", r"[a-z]?flair|dark ?fl(?:uid)?|tirm\b.*dark|dark.*\btirm|fluid atten~|da ?fl|vista ?flair"),
    (
        "T2*",
        r"t2w? ?\*w?|t2w? ?star[wz]?|t2s|t2w? ?(?:w )?(?:ax |sag |cor |tra |trans |fs )?(?:gre|ffe|fl2d|fl3d|flash|me2d|medic|hemo)|"
        r"(?:gre|ffe|fl2d|flash|mpgr|fgre|hemo) ?t2|medic|merge|mpgr|hemo|gre\b.*\bt2w?|"
        r"t2w?\b.*\bgre|ffe\b.*\bt2w?|m ?ffe|gradient ?echo t2",
    ),
    (
        "PD",
        r"^(?:(?!t2).)*(?<![^\W\d_])(?:pd|dp|ip ?pd)(?:w|wi|fs|tse|fse|ax|sag|cor|spair|spir)?|proton ?den~|pd ?tse~|density",
    ),
    (
        "T2",
        r"s?t2(?:w|wi|f)?|haste|ss ?fse|ssh(?:ot)?|single ?shot|blade|propeller~|mrcp(?:2d|3d)?|fr ?fse|fiesta ?c|ciss|"
        r"hydro|hydrogra~|myelo(?:gram|graph|grafi)~|mr ?uro|mr ?urogra~|cholang~|ss ?tse|uro|urogra~",
    ),
    (
        "T1",
        r"[sc]?t1(?:w|wi|c|ce|n|gd)?|(?:mp ?)?rage|bliss|mpr|spgr|bravo|e?vibe|lava|e? ?thrive|flash|vibrant|fspgr|"
        r"tfl|3?d? ?tfe|s?(?:in|out|opp|opposed) ?(?:of )?ph(?:ase|s)?|m?dixons?|ideal|fame|ir ?3?d?fgre|"
        r"in ?out|in opp|dual ?echo|3d ?fgre|efgre(?:3d)?|quick ?3d|mp2rage|smart ?prep|in ?phase|out ?phase|fl[23]d\d?|ip op|"
        r"tigre|r?spoil(?:ed)?|fat ?sat post|stealth|fs3d|3d ?ffe|phase ?in|fase",
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

# What a series of a kind may be besides: no source that says so contradicts it.
CARRIED_BY: dict[Sequence, frozenset[Sequence]] = {
    "localizer": frozenset({"T1", "T2", "T2*", "PD", "cine"}),
    "ADC": frozenset({"DWI", "DTI map", "quantitative map", "T2", "T2*"}),
    "DTI map": frozenset({"DWI", "T2", "T2*"}),
    "DWI": frozenset({"T2", "T2*"}),  # Siemens writes of its diffusion that it is echo-planar, no more
    "BOLD": frozenset({"T2*", "perfusion"}),
    "ASL": frozenset({"T2*", "PD", "T1", "perfusion", "BOLD", "quantitative map"}),
    "perfusion": frozenset({"T2*", "DCE"}),
    "DCE": frozenset({"T1", "MRA", "quantitative map"}),
    "MRA": frozenset({"T1", "T2*", "phase contrast", "SWI"}),
    "cine": frozenset({"T1", "T2", "T2*", "phase contrast"}),
    "MT": frozenset({"T1", "T2*", "PD"}),
    "SWI": frozenset({"T2*", "T1"}),
    "phase contrast": frozenset({"T1", "T2*"}),
    "field map": frozenset({"T2*", "T1", "PD"}),
    "quantitative map": frozenset({"T1", "T2", "PD", "T2*", "MT", "STIR"}),
    "STIR": frozenset({"T2", "T1", "PD"}),
    "FLAIR": frozenset({"T2"}),
}

# Siemens and Philips pulse sequence names: codes, not words; their beginnings tell.
SEQUENCE_NAMES: tuple[tuple[Sequence, re.Pattern[str]], ...] = _codes(
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
        ("phantom", r"phantoms?|phantome|qa|qc|sphere|weisskoff|acr"),
        ("fetal", r"fo?et(?:al|us)|feto"),
        ("whole body", r"whole ?body|wb|ganzkorper~|corps entier|skull ?base to|skull (?:to )?mid ?thigh|wbmri"),
        ("cervical spine", r"c ?spine|cervical(?: ?(?:spine|cord))?\b(?!.*canc)|neck spine|c ?sp|hws|cervi?cale?|columna cerv~|csp|kraeg~"),
        ("lumbar spine", r"l ?s? ?spine|lumb(?:ar|al|ale|alis|aire|aires|ares|ari|o|osacral|arspine)|l ?sp|lws|lombaires?|lumbosac~|lsp|sacr(?:um|al|o|oiliac|ale|ee)\b(?!.*prost)|si joints?"),
        ("thoracic spine", r"t ?spine|thoracic spine|dorsal spine|bws|rachis dors~|tsp|t ?sp"),
        ("spine", r"spine(?! ?echo)s?|spinal~|tl ?spine|wirbelsaule~|wirbels|rachis|columna|colonna|cord|sct|vertebr|vertebra[el]?~|neuraxis|myelo(?:gram|graph|grafi|path)~"),
        ("prostate", r"(?:endo|mr)?prosta(?:te|ta|taat|at|tic|tica|tique|tektomie|tectomy)?|prost|mcap~|pcmaps~|pi ?rads"),
        ("breast", r"breas|breasts?|breas(?:t|e)~(?<!bone)(?<!bones)|mammae?|mammary|mammo|mammogra~|brust|bruste|brustdruse~|mamo|senos?(?! (?:para|max|front|ven|dur|cav))|vibrant|ispy|acrin 6698|borst(?:en)?|sein|seins|(?:r|l|rt|lt|left|right|smart|contra|bi)breasts?"),
        ("heart", r"hearts?|cardi(?:ac|o|aque|aco|aca|alis|ologie|ology)|kardi(?:al|ale|o)|herz|coeur|corazon|cuore|sax|short ?axis|lvot|sunnybrook|ventric(?:le|les|ular|olo|ule)|myoc~|[24] ?ch"),
        ("shoulder", r"shoulders?|schulter(?:n|gelenk~)?|epaules?|hombros?|spalla|rotator"),
        ("elbow", r"elbows?|ellenbog~|coudes?|codo|gomito"),
        ("wrist", r"wrists?|handgelenke?n?s?|poignets?|muneca|polso"),
        ("hand", r"hands?|finger|fingers|thumbs?|mano|main"),
        ("knee", r"knees?|knie(?:e|gelenk|n)?|genou|genoux|rodillas?|ginocchi[oa]?|menisc~|patell~|t2map mese|mskt~"),
        ("ankle", r"ankles?|sprunggel~|chevilles?|tobillos?|caviglia|achill~"),
        ("foot", r"foot|fuss|pieds?|pie|piede|forefoot|hindfoot|toes?"),
        ("thigh", r"thighs?|femurs?|femoral|oberschenkel~|cuisses?|muslos?|coscia|hamstrings?"),
        ("hip", r"hips?|hufte~|huft(?:gelenk)?|hanches?|caderas?|anca|acetab~"),
        ("extremity", r"extrem(?:ity|ities|ite|ites|itat|itaten|idad|idades|ita)?|legs?|arm|calf|calves|lower ?limbs?|upper ?limbs?|tibia~|fibula~|forearm|humerus|sts|bein|sarcomas?|low ext~"),
        ("abdomen", r"abd|abdo|abdome|abdomen~|abdomin~|livers?|leber|foie|higado|fegato|kidneys?|(?:ad|supra)?renal(?:e|es|is)?|nieren?|rein|reins|pancrea~|mrcp(?:2d|3d)?|biliar~|cholang~|spleen|adrenals?|adrenale?s|bauch|hepat|hepatic~|hepato|hepatobil~|hepatocyt~|bowel|entero|enterogra~|kid|abdpelv~"),
        ("pelvis", r"pelv(?:is|ic|e|ien|ico|ica|isoncology)?|becken|bassin|(?:endo)?rectum|(?:endo)?rectal|rektum|anal|uter(?:us|ine|o|in)|ovar(?:y|ies|ian|ien|io)|cervix|bladder|harnblase|blase|endomet~|gyn|gyna~|gyne~|vagina~|bacino|ucec|scrot~|blad"),
        ("head and neck", r"necks?|hals|cou|cuello|collo|hn|head ?(?:and|&)? ?neck|orbit(?:a|e|en|al|s)?|iac|larynx|pharynx|tongue|parotid~|face|faces|facial|sinus|thyroid~|tmj|oral|naso|nasopharyn~|soft tissue neck|maxillo~"),
        ("brain", r"brain(?:s|tumor|tumors|tumou?r|stem)?|head|cereb~|gehirn|schadel(?:basis|n|mrt|ct)?|kopf|cerveau|crane|craneo|cranio|cranium|crani(?:al|en|enne|ales|ale)|cranean[oa]|encefal~|encephal~|pituit|pituitary|pituitaria|pituitaire|hypophys~|neuro(?:nav~|surg~|logy|logie|radiology)?|skulls?|hippoc|hippocamp~|dti\b.*30~|dti\b.*30 ?dirs?|stealth~|gliomas?|gbm|hersenen|hersen|strokes?|epilep|epileps~|epilept~|ms protocol|tumou?r\b.*brain|cns|iam|brats|brain ?lab"),
        ("chest", r"chests?|thora[xk]~|lungs?|lungen?|mediast|mediastin~|brustkorb|poumons?|torax|ribs?|sternum|brachial plex~|axilla~"),
)  # fmt: skip

# Weak hints for brain: sequence families that are hardly used elsewhere. Only when nothing else speaks.
BRAIN_HINTS = whole(r"mp ?rage|(?<!t1 )flair(?! t1)|mp2rage|f ?mri|bold|p?c?asl|(?:clear ?)?swi")

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
    ("Siemens", r"siemens|siemens healthineers|healthineers"),
    ("GE", r"^ge|ge med~|ge health~|gehc|general elec~|^gems~"),
    ("Philips", r"philips|^marconi|^picker"),
    ("Canon", r"canon"),
    ("Toshiba", r"toshiba"),
    ("Hitachi", r"hitachi|fujifilm"),
    ("UIH", r"^uih|united imag~"),
    ("Hyperfine", r"hyperfine"),
    ("Bruker", r"bruker"),
)
